"""The whole memory block: a response is never refused, whatever the queues and the units do."""

from pathlib import Path

import pytest
from amaranth.hdl import Assert, Assume, Cat, Module, Signal
from prove import Free, bounded, broken, needs_solver, proven

from sartor.families.tensor.core import Core
from sartor.families.tensor.rtl.memory import Memory

needs_solver()

CORE = Core(rows=2, port_bytes=16, weight_fifo_words=4, cache_fifo_words=4)


def takes_every_response(memory: Memory, m: Module, free: Free) -> None:
    """Responses come only for requests that were accepted, of the same tag, a cycle later or more."""
    m.submodules.memory = memory
    fifos = (memory.weight_fifo, memory.cache_fifo)
    request, response = memory.request, memory.response
    for name in ("stream", "fetch", "store"):
        one = getattr(memory, name)
        m.d.comb += [one.valid.eq(free(f"{name}_valid", 1)), one.payload.eq(free(name, one.payload.shape().size))]
    m.d.comb += [
        request.ready.eq(free("request_ready", 1)), response.valid.eq(free("response_valid", 1)),
        response.tag.eq(free("response_tag", 1)), memory.weights.ready.eq(free("weights_ready", 1)),
        memory.cache.ready.eq(free("cache_ready", 1)),
    ]  # fmt: skip
    held, asked = memory.arbiter.held, Cat(one.valid for one in memory.arbiter.i)
    m.d.comb += [Assert((held & ~asked) == 0), Assert((held & (held - 1)) == 0)]  # for the induction
    for tag, credit in enumerate(fifos):
        under_way = Signal(range(16), name=f"under_way{tag}")
        asks = request.valid & request.ready & ~request.write & (request.tag == tag)
        answers = response.valid & (response.tag == tag)
        m.d.sync += under_way.eq(under_way + asks - answers)
        m.d.comb += [
            Assume(~answers | (under_way != 0)), Assert(~answers | credit.fifo.i.ready),
            Assert(credit.fifo.level + under_way + credit.free == credit.fifo.capacity),
            Assert(credit.fifo.stored <= credit.fifo.depth),
        ]  # fmt: skip


def test_every_response_is_taken_for_ever(tmp_path: Path) -> None:
    assert not proven(lambda m, free: takes_every_response(Memory(CORE), m, free), tmp_path, 5)


@pytest.mark.parametrize(
    "old, new",
    [
        ("one.valid.eq(queue.o.valid & fifo.may_ask)", "one.valid.eq(queue.o.valid)"),
        ("fifo.ask.eq(one.valid & one.ready)", "fifo.ask.eq(0)"),
        ("(self.response.tag == tag)", "1"),
        ("request.tag.eq(arbiter.grant[CACHE])", "request.tag.eq(arbiter.grant[WEIGHTS])"),
    ],
)
def test_a_planted_bug_is_refuted(old: str, new: str, tmp_path: Path) -> None:
    memory = broken(Memory, old, new)
    claim = lambda m, free: takes_every_response(memory(CORE), m, free)  # noqa: E731
    assert "Assert failed" in bounded(claim, tmp_path, 16)
