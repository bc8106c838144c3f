"""The arbiter grants one stream that asks, the first, and stands by it."""

from pathlib import Path

import pytest
from amaranth.hdl import Assert, Assume, Cat, Module, Signal
from prove import Free, bounded, broken, needs_solver, proven

from sartor.rtl.arbiter import Arbiter

needs_solver()

STREAMS, WIDTH = 3, 4


def is_fair_to_priority(arbiter: Arbiter, m: Module, free: Free) -> None:
    m.submodules.arbiter = arbiter
    asked = Cat(one.valid for one in arbiter.i)
    ready = Cat(one.ready for one in arbiter.i)
    drive(arbiter, m, free)
    grant, out = arbiter.grant, arbiter.o
    stalled, before, word = Signal(), Signal(STREAMS), Signal(WIDTH)
    m.d.sync += [stalled.eq(out.valid & ~out.ready), before.eq(grant), word.eq(out.payload)]
    m.d.comb += [
        Assert((grant & (grant - 1)) == 0),  # one at most
        Assert((grant & ~asked) == 0),  # none that does not ask
        Assert(out.valid == asked.any()), Assert(~out.valid | grant.any()),
        Assert(stalled | ((asked & (grant - 1)) == 0) | ~grant.any()),  # nobody of a lower number asks
        Assert(~stalled | ((grant == before) & (out.payload == word))),  # a stalled choice stands
        Assert(ready == (grant & out.ready.replicate(STREAMS))),  # one word is taken, where it is granted
        Assert(arbiter.held == (before & stalled.replicate(STREAMS))),
    ]  # fmt: skip
    for number, one in enumerate(arbiter.i):
        m.d.comb += Assert(~grant[number] | (out.payload == one.payload))


def drive(arbiter: Arbiter, m: Module, free: Free) -> None:
    """Streams as they are by rule: a word that is not taken stays."""
    m.d.comb += arbiter.o.ready.eq(free("o_ready", 1))
    for number, one in enumerate(arbiter.i):
        m.d.comb += [one.valid.eq(free(f"valid{number}", 1)), one.payload.eq(free(f"payload{number}", WIDTH))]
        stalled, word = Signal(), Signal(WIDTH)
        m.d.sync += [stalled.eq(one.valid & ~one.ready), word.eq(one.payload)]
        m.d.comb += Assume(~stalled | (one.valid & (one.payload == word)))


def test_the_arbiter_for_ever(tmp_path: Path) -> None:
    claim = lambda m, free: is_fair_to_priority(Arbiter(WIDTH, STREAMS), m, free)  # noqa: E731
    assert not proven(claim, tmp_path, 3)


@pytest.mark.parametrize(
    "old, new",
    [
        ("asked & -asked", "asked"),  # two grants
        ("Mux(self.held.any(), self.held, first)", "first"),  # changes its mind
        ("self.o.valid.eq(asked.any())", "self.o.valid.eq(1)"),  # invents a word
        ("one.ready.eq(self.o.ready)", "one.ready.eq(1)"),  # takes what is not taken
    ],
)
def test_a_planted_bug_is_refuted(old: str, new: str, tmp_path: Path) -> None:
    arbiter = broken(Arbiter, old, new)
    claim = lambda m, free: is_fair_to_priority(arbiter(WIDTH, STREAMS), m, free)  # noqa: E731
    assert "Assert failed" in bounded(claim, tmp_path, 4)
