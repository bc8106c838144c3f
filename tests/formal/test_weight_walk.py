"""The walks of the weight decoder, through a matrix and through packets, for ever: by induction."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Assert, Assume, Cat, Module, Mux, Signal
from prove import Free, begins, bounded, broken, constant, needs_solver, proven
from streams import NARROW, WIDE_LANES, Stream

from sartor.families.tensor.core import Core
from sartor.families.tensor.isa import Scale
from sartor.families.tensor.rtl.matrix_walk import MatrixWalk
from sartor.families.tensor.rtl.packet_walk import PacketWalk
from sartor.formats.decode import Element

needs_solver()


def walks(walk: Any, wide: bool, m: Module, free: Free) -> None:
    """Half beats, folds and row tiles are counted; for ever, for all counts of folds and tiles."""
    m.submodules.walk = walk
    first, over = begins(m), Signal()
    folds, tiles = (constant(m, free, first, n, getattr(walk.command, n).shape()) for n in ("folds", "tiles"))
    advance, halves = free("advance", 1), 2 if wide else 1
    element = Element.INT8 if wide else Element.INT4
    m.d.comb += [
        walk.start.eq(first), walk.command.folds.eq(folds), walk.command.tiles.eq(tiles),
        *(walk.command[n].eq(x) for n, x in Stream(walk.core, element, Scale.SCALE).command().items()),
        walk.advance.eq(advance), Assume((folds != 0) & (tiles != 0)), Assume(~advance | ~first & ~over),
    ]  # fmt: skip
    half, fold, tile = Signal(), Signal.like(folds), Signal.like(tiles)
    final, last_fold = half == halves - 1, fold == folds - 1
    with m.If(advance):
        m.d.sync += [half.eq(~final), over.eq(final & last_fold & (tile == tiles - 1))]
        with m.If(final):
            m.d.sync += fold.eq(Mux(last_fold, 0, fold + 1))
            m.d.sync += tile.eq(tile + last_fold)
    found, last = Cat(walk.half, walk.final, walk.first, walk.last, walk.end), final & last_fold
    at, folds_left, tiles_left = walk.state
    m.d.comb += [
        Assert(first | over | (found == Cat(half, final, fold == 0, last, last & (tile == tiles - 1)))),
        Assert(first | over | (walk.next_fold == Mux(last_fold, 0, fold + 1))),
        # For the induction.
        Assert(first | over | (at == fold) & (folds_left == folds - 1 - fold) & (tiles_left == tiles - 1 - tile)),
        Assert(first | over | (fold < folds) & (tile < tiles)), Assert(final | (half == 0)),
        Assert(~first | ~Cat(half, fold, tile, over, at, walk.half).any()),
    ]  # fmt: skip


def counts_packets(walk: Any, core: Core, scale: Scale, share: int, m: Module, free: Free) -> None:
    """Scale words, then beats, as many as a packet has; and which scales are those of the beat. For ever."""
    m.submodules.walk = walk
    s = Stream(core, Element.INT4, scale, share)
    (words, beats), (blocks, shared_beats) = s.packet(), s.together
    first, over = begins(m), Signal()
    takes, beat, end = free("takes", 1) & walk.in_scales, free("beat", 1) & walk.in_codes, free("end", 1)
    last = free("last", 1)  # of a row tile: the next beat has other scales
    m.d.comb += [
        walk.start.eq(first), *(walk.command[name].eq(value) for name, value in s.command().items()),
        walk.take_scale.eq(takes), walk.beat.eq(beat), walk.end.eq(beat & end),
        walk.last.eq(last), Assume(~first | ~takes & ~beat),
    ]  # fmt: skip
    word, present = Signal(range(words + 2)), Signal(range(beats + 1))
    # Of beats that share scales the last one; with `last` what is left of them is passed over.
    ended = Signal.like(present)
    m.d.comb += ended.eq(Mux(last, present - present % shared_beats + shared_beats - 1, present))
    full = beat & (ended == beats - 1)
    with m.If(takes):
        m.d.sync += word.eq(word + 1)
    with m.If(beat):
        m.d.sync += [present.eq(Mux(full, 0, ended + 1)), over.eq(over | end)]
        with m.If(full):
            m.d.sync += word.eq(0)
    slot = walk.set * core.dot_units + (walk.part % blocks) * (core.dot_units // blocks)
    runs = ~first & ~over
    m.d.comb += [
        Assert(~runs | (walk.in_scales == (word != words)) & (walk.in_codes == (word == words))),
        Assert(~(runs & walk.in_scales) | (walk.index == word)),
        Assert(~runs | (slot == present // shared_beats * (core.dot_units // blocks))),
        Assert(~over | ~walk.in_scales & ~walk.in_codes),
        # For the induction.
        Assert(~runs | (walk.count == present) & (present < beats) & (word <= words)),
        Assert(~runs | (word == words) | (present == 0)), Assert(~runs | walk.in_codes | (walk.index == word)),
        Assert(~(runs & walk.in_codes) | (walk.index == 0)),
        Assert(~first | ~Cat(word, present, over).any()),
    ]  # fmt: skip


@pytest.mark.parametrize("wide", [False, True])
def test_the_walk_through_a_matrix_for_ever(wide: bool, tmp_path: Path) -> None:
    assert not proven(lambda m, free: walks(MatrixWalk(NARROW), wide, m, free), tmp_path, 2)


@pytest.mark.parametrize(
    "scale, share", [(Scale.SCALE, 0), (Scale.SCALE_MINIMUM, 0), (Scale.SCALE, 1), (Scale.SCALE, 3)]
)
def test_the_walk_through_packets_for_ever(scale: Scale, share: int, tmp_path: Path) -> None:
    def claim(m: Module, free: Free) -> None:
        counts_packets(PacketWalk(WIDE_LANES, True), WIDE_LANES, scale, share, m, free)

    assert not proven(claim, tmp_path, 2)


@pytest.mark.parametrize(
    "old, new",
    [
        ("tiles_left.eq(tiles_left - 1)", "tiles_left.eq(tiles_left)"),
        ("Mux(fold_last, self.command.folds, folds_left)", "Mux(fold_last, self.command.folds - 1, folds_left)"),
        ("Mux(fold_last, 0, fold + 1)", "fold + 1"),
    ],
)
def test_a_bug_in_the_walk_is_refuted(old: str, new: str, tmp_path: Path) -> None:
    walk = broken(MatrixWalk, old, new)
    assert "Assert failed" in bounded(lambda m, free: walks(walk(NARROW), False, m, free), tmp_path, 8)


@pytest.mark.parametrize(
    "old, new",
    [
        ("[index.eq(later), in_scales.eq(0), in_codes.eq(~split)]", "[in_scales.eq(0), in_codes.eq(~split)]"),
        ("<< self.command.share) - 1", "<< self.command.share)"),
        ("self.set.eq(count >> self.command.share)", "self.set.eq(count)"),
        ("Mux(self.last, runs, 0)", "0"),
    ],
)
def test_a_bug_in_packets_is_refuted(old: str, new: str, tmp_path: Path) -> None:
    walk = broken(PacketWalk, old, new)
    claim = lambda m, free: counts_packets(walk(WIDE_LANES, True), WIDE_LANES, Scale.SCALE, 2, m, free)  # noqa: E731
    assert "Assert failed" in bounded(claim, tmp_path, 16)
