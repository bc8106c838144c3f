"""The weight decoder hands every block its own codes and scales, whatever comes when: docs/hardware.md, by hand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Array, Assert, Assume, Cat, Const, Module, Mux, Signal, Value
from prove import Free, bounded, broken, needs_solver, proven

from sartor.families.tensor.core import Core
from sartor.families.tensor.isa import Scale
from sartor.families.tensor.rtl import weight_decoder
from sartor.families.tensor.rtl.scale_buffer import ScaleBuffer
from sartor.families.tensor.rtl.weight_codes import WeightCodes
from sartor.families.tensor.rtl.weight_decoder import WeightDecoder
from sartor.families.tensor.rtl.weight_walk import MatrixWalk, PacketWalk
from sartor.formats.decode import Element

needs_solver()

ONE_HALF = 0x3C00  # 1 in binary16
MOST_STEPS = 16


@dataclass(frozen=True)
class Stream:
    """A matrix as it comes: `core` D blocks a beat, codes of 4 or 8 bits, scales, and how many blocks share one."""

    core: Core
    wide: bool
    scale: Scale
    share: int = 0

    def command(self) -> dict[str, int]:
        """What of a command says so."""
        element = Element.INT8 if self.wide else Element.INT4
        return {"element": element.value, "scale": self.scale.value, "share": self.share}

    @property
    def halves(self) -> int:
        """Steps of a beat."""
        return 2 if self.wide and self.core.multiplier_bits == 4 else 1

    @property
    def block_bytes(self) -> int:
        """Codes of one block in one step."""
        return 32 if self.wide and self.halves == 1 else 16

    @property
    def together(self) -> tuple[int, int]:
        """(blocks of a beat, successive beats) that share a scale."""
        blocks = min(1 << self.share, self.core.lanes // 32)
        return blocks, (1 << self.share) // blocks

    @property
    def slots(self) -> int:
        return max(self.core.dot_units, self.core.port_bytes // self.scale.nbytes())

    def packet(self) -> tuple[int, int]:
        """Words of scales, beats of a packet; one endless packet where there are no scales."""
        if self.scale == Scale.NONE:
            return 0, MOST_STEPS
        blocks, beats = self.together
        words = self.slots * self.scale.nbytes() // self.core.port_bytes
        return words, self.slots * blocks * beats // self.core.dot_units

    def code_place(self, step: int, unit: int) -> tuple[int, int]:
        """The word and the byte in it where the codes of a block begin."""
        port, units = self.core.port_bytes, self.core.dot_units
        scales, beats = self.packet()
        beat_bytes = self.halves * units * self.block_bytes
        packet, beat = divmod(step // self.halves, beats)
        byte = beat * beat_bytes + step % self.halves * units * self.block_bytes + unit * self.block_bytes
        return packet * (scales + -(-beats * beat_bytes // port)) + scales + byte // port, byte % port

    def scale_place(self, step: int, unit: int) -> tuple[int, int]:
        port = self.core.port_bytes
        scales, beats = self.packet()
        blocks, shared_beats = self.together
        packet, beat = divmod(step // self.halves, beats)
        slot = beat // shared_beats * (self.core.dot_units // blocks) + unit // blocks
        byte = slot * self.scale.nbytes()
        code_words = -(-beats * self.halves * self.core.dot_units * self.block_bytes // port)
        return packet * (scales + code_words) + byte // port, byte % port


def constant(m: Module, free: Free, first: Value, name: str, shape: Any) -> Signal:
    """An input that stays what it is."""
    given, before = free(name, shape), Signal(shape, name=f"{name}_before")
    m.d.sync += before.eq(given)
    m.d.comb += Assume(first | (given == before))
    return given


def begins(m: Module) -> Signal:
    """1 in the first cycle."""
    began, first = Signal(), Signal()
    m.d.sync += began.eq(1)
    m.d.comb += first.eq(~began)
    return first


def looked_up(index: Value, numbers: list[int]) -> Value:
    return Array(Const(n, 16) for n in numbers)[index]


def captured(m: Module, word: Value, number: Value, there: Value, place: tuple[Value, Value], bits: int) -> Signal:
    """`bits` from a place of the stream on, once their words have been `there`; they may go on in the next word."""
    held = Signal(bits)
    at, byte = place
    port = len(word)
    with m.If(there & (number == at)):
        size = min(bits, port)
        piece = (byte >> (size // 8).bit_length() - 1)[: (port // size).bit_length()]
        m.d.sync += held.eq(word.word_select(piece, size))
    if bits > port:
        with m.If(there & (number == at + 1)):
            m.d.sync += held[port:].eq(word)
    return held


def gets_its_own(s: Stream, m: Module, free: Free) -> None:
    """Of any step and any block: its codes and scales are those at its place in the stream."""
    m.submodules.decoder = decoder = weight_decoder.WeightDecoder(s.core)
    first, units = begins(m), s.core.dot_units
    wanted = constant(m, free, first, "step", range(MOST_STEPS))
    unit = constant(m, free, first, "unit", range(units))
    cache = constant(m, free, first, "cache", 1)
    fields = {name: constant(m, free, first, name, 2) for name in ("folds", "tiles")}
    m.d.comb += [Assume(x != 0) for x in fields.values()]
    fields |= {"cache": cache, **{name: Const(value) for name, value in s.command().items()}}
    word, valid, hold = free("word", 8 * s.core.port_bytes), free("valid", 1), free("hold", 1)
    weights, cached, step = decoder.weights, decoder.cache, decoder.step
    m.d.comb += [
        decoder.start.eq(first), decoder.hold.eq(hold), *(decoder.command[n].eq(x) for n, x in fields.items()),
        weights.payload.eq(Mux(cache, 0, word)), cached.payload.eq(Mux(cache, word, 0)),
        weights.valid.eq(valid & ~cache), cached.valid.eq(valid & cache),
        Assert(~Mux(cache, weights.ready, cached.ready)),
    ]  # fmt: skip
    ready, number, steps = Mux(cache, cached.ready, weights.ready), Signal(6), Signal(5)
    taken, waits, before = valid & ready, Signal(), Signal.like(word)
    m.d.sync += [waits.eq(valid & ~ready), before.eq(word)]
    m.d.comb += Assume(~waits | valid & (word == before))  # a stream: what is not taken stays
    m.d.sync += [number.eq(number + taken), steps.eq(steps + step.valid)]
    table = [(n, u) for n in range(MOST_STEPS) for u in range(units)]
    index = Cat(unit, wanted) if units > 1 else wanted
    code = tuple(looked_up(index, [s.code_place(n, u)[i] for n, u in table]) for i in (0, 1))
    codes = captured(m, word, number, valid, code, 8 * s.block_bytes)
    ours = Signal()
    m.d.sync += ours.eq(step.valid & (steps == wanted))
    flipped = codes ^ (int.from_bytes(b"\x80" * s.block_bytes, "little") if s.wide else 0)
    found = Array(decoder.codes[u] for u in range(units))[unit]
    m.d.comb += Assert(~ours | (found == expected_codes(s, flipped)))
    d, minimum = (Array(getattr(decoder, name)[u] for u in range(units))[unit] for name in "dm")
    if s.scale == Scale.NONE:
        m.d.comb += Assert(~ours | (d == ONE_HALF) & (minimum == 0))
    else:
        at = tuple(looked_up(index, [s.scale_place(n, u)[i] for n, u in table]) for i in (0, 1))
        scales = captured(m, word, number, valid, at, 8 * s.scale.nbytes())
        m.d.comb += Assert(~ours | (d == scales[:16]) & (minimum == Value.cast(scales[16:])))
    last_words = [1 + max(s.code_place(n, u)[0] + (8 * s.block_bytes > 8 * s.core.port_bytes) for u in range(units))
                  for n in range(MOST_STEPS)]  # fmt: skip
    of_step = Array(Cat(Const(n % s.halves, 1), Const(n // s.halves, 4)) for n in range(MOST_STEPS))[steps[:4]]
    half, beat = of_step[0], of_step[1:]
    fold, last_fold = Signal(4), Signal()
    m.d.comb += [fold.eq(beat % fields["folds"]), last_fold.eq(fold == fields["folds"] - 1)]
    final = half == s.halves - 1
    flags = Cat(half, final, fold == 0, final & last_fold)
    found_flags = Cat(step.half, step.final, step.first, step.last)
    m.d.comb += Assert(~(step.valid & (steps < MOST_STEPS)) | (found_flags == flags))
    ended = Signal()
    with m.If(step.valid & step.end):
        m.d.sync += ended.eq(1)
    # Of the last word what is left is skipped; after it nothing is taken. And it never waits without a reason.
    running = ~first & ~ended
    ends = step.valid & step.end & (steps < MOST_STEPS)
    m.d.comb += [
        Assert(~ends | taken & (number + 1 == looked_up(steps[:4], last_words))),
        Assert(running | ~ready & ~step.valid),
        Assert(~(running & valid & ~hold) | taken | step.valid),
    ]


def expected_codes(s: Stream, codes: Value) -> Value:
    """As the tile takes them: with 8-bit multipliers 4-bit codes as bytes, low nibbles first."""
    if s.core.multiplier_bits == 4 or s.wide:
        return codes
    nibbles = [codes[8 * i + 4 * half :][:4] for half in (0, 1) for i in range(16)]
    return Cat(Cat(n, Const(0, 4)) for n in nibbles)


NARROW, BROAD = Core(rows=2, port_bytes=16, columns=1), Core(rows=2, port_bytes=64, columns=1)
WIDE_LANES = Core(rows=2, lanes=64, port_bytes=32, columns=1)
EIGHT = Core(rows=2, port_bytes=16, columns=1, multiplier_bits=8)
STREAMS = {
    "q4_0": Stream(NARROW, False, Scale.SCALE), "q4_1": Stream(NARROW, False, Scale.SCALE_MINIMUM),
    "q8_0": Stream(NARROW, True, Scale.SCALE), "codes": Stream(NARROW, True, Scale.NONE),
    "two steps a word": Stream(BROAD, False, Scale.SCALE), "beats share": Stream(BROAD, False, Scale.SCALE_MINIMUM, 1),
    "neighbors share": Stream(WIDE_LANES, False, Scale.SCALE, 1),
    "neighbors and beats": Stream(WIDE_LANES, False, Scale.SCALE_MINIMUM, 2),
    "8-bit multipliers": Stream(EIGHT, False, Scale.SCALE), "8-bit both": Stream(EIGHT, True, Scale.SCALE),
}  # fmt: skip
CYCLES = 6  # from the start; what comes later differs by where the walks are, which are proven for ever


@pytest.mark.slow
@pytest.mark.parametrize("name", STREAMS)
def test_blocks_get_their_own(name: str, tmp_path: Path) -> None:
    assert not bounded(lambda m, free: gets_its_own(STREAMS[name], m, free), tmp_path, CYCLES)


def walks(walk: Any, wide: bool, m: Module, free: Free) -> None:
    """Half beats, folds and row tiles are counted; for ever, for all counts of folds and tiles."""
    m.submodules.walk = walk
    first, over = begins(m), Signal()
    folds, tiles = (constant(m, free, first, n, getattr(walk.command, n).shape()) for n in ("folds", "tiles"))
    advance, halves = free("advance", 1), 2 if wide else 1
    m.d.comb += [
        walk.start.eq(first), walk.command.folds.eq(folds), walk.command.tiles.eq(tiles),
        *(walk.command[n].eq(x) for n, x in Stream(walk.core, wide, Scale.SCALE).command().items()),
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
    s = Stream(core, False, scale, share)
    (words, beats), (blocks, shared_beats) = s.packet(), s.together
    first, over = begins(m), Signal()
    takes, beat, end = free("takes", 1) & walk.in_scales, free("beat", 1) & walk.in_codes, free("end", 1)
    m.d.comb += [
        walk.start.eq(first), *(walk.command[name].eq(value) for name, value in s.command().items()),
        walk.take_scale.eq(takes), walk.beat.eq(beat), walk.end.eq(beat & end), Assume(~first | ~takes & ~beat),
    ]  # fmt: skip
    word, present = Signal(range(words + 2)), Signal(range(beats + 1))
    full = beat & (present == beats - 1)
    with m.If(takes):
        m.d.sync += word.eq(word + 1)
    with m.If(beat):
        m.d.sync += [present.eq(Mux(full, 0, present + 1)), over.eq(over | end)]
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
        ("[index.eq(0), in_scales.eq(0), in_codes.eq(~split)]", "[in_scales.eq(0), in_codes.eq(~split)]"),
        ("<< self.command.share) - 1", "<< self.command.share)"),
        ("self.set.eq(count >> self.command.share)", "self.set.eq(count)"),
    ],
)
def test_a_bug_in_packets_is_refuted(old: str, new: str, tmp_path: Path) -> None:
    walk = broken(PacketWalk, old, new)
    claim = lambda m, free: counts_packets(walk(WIDE_LANES, True), WIDE_LANES, Scale.SCALE, 1, m, free)  # noqa: E731
    assert "Assert failed" in bounded(claim, tmp_path, 16)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name, component, old, new",
    [
        ("q8_0", WeightCodes, "eight ^ turned if", "eight if"),  # the top bit of bytes does not turn
        # Minima for scales.
        ("q4_1", ScaleBuffer, "numbers.word_select(slot, len(numbers) // units)", "numbers[16 * slot :][:32]"),
        ("neighbors share", ScaleBuffer, "(unit >> near)", "(unit >> near + near)"),  # too many share one
        ("two steps a word", WeightDecoder, "take_high | take_part & word_done", "take_high | take_part"),
        ("two steps a word", WeightDecoder, "last | walk.end | self", "last | self"),  # the rest is not skipped
        ("q4_0", WeightDecoder, "lambda w: w.words == 1), word_done", "lambda w: w.words >= 1), word_done"),
    ],
)  # fmt: skip
def test_a_bug_in_the_decoder_is_refuted(
    name: str, component: Any, old: str, new: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weight_decoder, component.__name__, broken(component, old, new))
    verdict = bounded(lambda m, free: gets_its_own(STREAMS[name], m, free), tmp_path, 6)
    assert "Assert failed" in verdict
