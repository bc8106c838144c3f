"""The FIFO keeps order and loses nothing, whatever comes in and whenever it is read."""

from pathlib import Path

import pytest
from amaranth.hdl import Assert, Assume, Module, Mux, Signal
from prove import Free, bounded, broken, needs_solver, proven

from sartor.rtl.fifo import Fifo

needs_solver()

WIDTH = 2


def keeps_order(fifo: Fifo, m: Module, free: Free) -> None:
    """A word, chosen freely, is followed: it leaves after exactly the words that were there before it."""
    m.submodules.fifo = fifo
    inside = fifo.storage.read_port(domain="comb")
    m.d.comb += [
        fifo.i.valid.eq(free("i_valid", 1)), fifo.i.payload.eq(free("i_payload", WIDTH)),
        fifo.o.ready.eq(free("o_ready", 1)),
    ]  # fmt: skip
    tracked, word, ahead = Signal(), Signal(WIDTH), Signal(range(fifo.capacity + 1))
    come, gone = fifo.i.valid & fifo.i.ready, fifo.o.valid & fifo.o.ready
    with m.If(come & free("follow", 1) & ~tracked):
        m.d.sync += [tracked.eq(1), word.eq(fifo.i.payload), ahead.eq(fifo.level - gone)]
    with m.Elif(tracked & gone):
        m.d.comb += Assert((ahead != 0) | (fifo.o.payload == word))
        m.d.sync += [tracked.eq(ahead != 0), ahead.eq(ahead - 1)]
    invariants(fifo, m, inside, tracked, word, ahead)


def invariants(fifo: Fifo, m: Module, inside: object, tracked: Signal, word: Signal, ahead: Signal) -> None:
    """What makes the claim inductive: where the word lies, and that the indices agree with the level."""
    depth, place = fifo.depth, Signal(range(2 * fifo.depth + 1))
    written = fifo.read_index + fifo.stored
    m.d.comb += [
        place.eq(fifo.read_index + ahead - fifo.o.valid),
        inside.addr.eq(Mux(place >= depth, place - depth, place)),  # type: ignore[attr-defined]
        Assert(fifo.stored <= depth), Assert(fifo.level <= fifo.capacity),
        Assert(fifo.read_index < depth), Assert(fifo.write_index < depth),
        Assert(fifo.write_index == Mux(written >= depth, written - depth, written)),
        Assert(~tracked | (ahead < fifo.level)),
    ]  # fmt: skip
    at_output = fifo.o.valid & (ahead == 0)
    m.d.comb += Assert(~tracked | (Mux(at_output, fifo.o.payload, inside.data) == word))  # type: ignore[attr-defined]


def stalled_output_stands(fifo: Fifo, m: Module, free: Free) -> None:
    """A word that is not taken stays, and stays the same; a full FIFO that is read takes a word a cycle later."""
    m.submodules.fifo = fifo
    m.d.comb += [
        fifo.i.valid.eq(free("i_valid", 1)), fifo.i.payload.eq(free("i_payload", WIDTH)),
        fifo.o.ready.eq(free("o_ready", 1)), Assume(fifo.stored <= fifo.depth),
    ]  # fmt: skip
    stalled, word, room = Signal(), Signal(WIDTH), Signal()
    m.d.sync += [
        stalled.eq(fifo.o.valid & ~fifo.o.ready), word.eq(fifo.o.payload), room.eq(fifo.o.valid & fifo.o.ready)
    ]
    m.d.comb += [Assert(~stalled | (fifo.o.valid & (fifo.o.payload == word)))]
    m.d.comb += Assert(~room | fifo.i.ready)


@pytest.mark.parametrize("depth", [1, 3, 4])
def test_order_is_kept_for_ever(depth: int, tmp_path: Path) -> None:
    assert not proven(lambda m, free: keeps_order(Fifo(WIDTH, depth), m, free), tmp_path, depth + 3)


def test_a_stalled_output_stands(tmp_path: Path) -> None:
    assert not proven(lambda m, free: stalled_output_stands(Fifo(WIDTH, 3), m, free), tmp_path, 3)


@pytest.mark.parametrize(
    "old, new",
    [
        ("self.i.ready.eq(self.stored != self.depth)", "self.i.ready.eq(1)"),  # overflows
        ("(self.stored != 0) & (~self.o.valid | self.o.ready)", "(self.stored != 0)"),  # loses a stalled word
        ("self.stored + taken - moved", "self.stored + taken"),  # invents words
        ("Mux(index == self.depth - 1, 0, index + 1)", "index + 1"),  # leaves the ring
        ("read.addr.eq(self.read_index)", "read.addr.eq(self.write_index)"),  # reads the wrong word
    ],
)
def test_a_planted_bug_is_refuted(old: str, new: str, tmp_path: Path) -> None:
    fifo = broken(Fifo, old, new)
    assert "Assert failed" in bounded(lambda m, free: keeps_order(fifo(WIDTH, 3), m, free), tmp_path, 10)
