"""An answer that was asked for is never refused, however late it comes and however slowly it is read."""

from pathlib import Path

import pytest
from amaranth.hdl import Assert, Assume, Module, Signal
from prove import Free, bounded, broken, needs_solver, proven

from sartor.rtl.credit import CreditFifo

needs_solver()

DEPTH = 3


def never_refuses(credit: CreditFifo, m: Module, free: Free) -> None:
    """`under_way`: questions without an answer. Answers come for those only."""
    m.submodules.credit = credit
    under_way = Signal(range(DEPTH + 3))
    m.d.comb += [
        credit.ask.eq(free("wants", 1) & credit.may_ask), credit.valid.eq(free("answer", 1)),
        credit.o.ready.eq(free("o_ready", 1)), Assume(~credit.valid | (under_way != 0)),
    ]  # fmt: skip
    m.d.sync += under_way.eq(under_way + credit.ask - credit.valid)
    held = credit.fifo.level + under_way + credit.free
    m.d.comb += [
        Assert(~credit.valid | credit.fifo.i.ready),
        Assert(held == credit.fifo.capacity),  # no credit is lost, none is made
        Assert(credit.fifo.stored <= DEPTH),
    ]  # fmt: skip


def test_no_answer_is_refused_ever(tmp_path: Path) -> None:
    claim = lambda m, free: never_refuses(CreditFifo(2, DEPTH), m, free)  # noqa: E731
    assert not proven(claim, tmp_path, 4)


@pytest.mark.parametrize(
    "old, new",
    [
        ("self.free != 0", "1"),
        ("Signal(range(self.fifo.capacity + 1), init=self.fifo.capacity)", "Signal(8, init=9)"),
        ("self.free - self.ask", "self.free"),
        ("(self.o.valid & self.o.ready)", "self.o.valid"),
    ],
)
def test_a_planted_bug_is_refuted(old: str, new: str, tmp_path: Path) -> None:
    credit = broken(CreditFifo, old, new)
    claim = lambda m, free: never_refuses(credit(2, DEPTH), m, free)  # noqa: E731
    assert "Assert failed" in bounded(claim, tmp_path, 10)
