"""The weight decoder hands every block its own codes and scales, whatever comes when: docs/hardware.md, by hand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Array, Assert, Assume, Cat, Const, Module, Mux, Signal, Value
from prove import Free, bounded, broken, needs_solver, proven

from sartor.families.tensor.core import Core
from sartor.families.tensor.isa import Scale
from sartor.families.tensor.rtl import weight_decoder
from sartor.families.tensor.rtl.high_parts import HighParts
from sartor.families.tensor.rtl.scale_buffer import ScaleBuffer
from sartor.families.tensor.rtl.weight_codes import WeightCodes
from sartor.families.tensor.rtl.weight_decoder import WeightDecoder
from sartor.families.tensor.rtl.weight_walk import MatrixWalk, PacketWalk
from sartor.formats.decode import Element, half_of_e4m3, integers

needs_solver()

ONE_HALF = 0x3C00  # 1 in binary16
MOST_STEPS = 16
# Bits of a stored code, by hand (docs/hardware.md): those of 3 and 6 bits come in two parts.
LOW_BITS = {
    Element.INT4: 4, Element.INT8: 8, Element.INT2: 2, Element.INT3: 2, Element.E2M1: 4, Element.E2M3: 4,
}  # fmt: skip
HIGH_BITS = {Element.INT3: 1, Element.E2M3: 2}


@dataclass(frozen=True)
class Stream:
    """A matrix as it comes: `core` D blocks a beat, codes, scales, and how many blocks share one."""

    core: Core
    element: Element
    scale: Scale
    share: int = 0

    def command(self) -> dict[str, int]:
        """What of a command says so."""
        return {"element": self.element.value, "scale": self.scale.value, "share": self.share}

    @property
    def wide(self) -> bool:
        """Codes are bytes to the tile."""
        return self.element in (Element.INT8, Element.E2M3) or (
            self.element == Element.E2M1 and self.core.multiplier_bits == 8
        )

    @property
    def halves(self) -> int:
        """Steps of a beat."""
        return 2 if self.wide and self.core.multiplier_bits < 8 else 1

    @property
    def block_bytes(self) -> int:
        """Low parts of the codes of one block in one step."""
        return 32 // self.halves * LOW_BITS[self.element] // 8

    @property
    def high_bytes(self) -> int:
        """High parts of them."""
        return 32 // self.halves * HIGH_BITS.get(self.element, 0) // 8

    @property
    def set_steps(self) -> int:
        """Steps whose high parts come together, before their low parts: those of a word, at least one."""
        step = self.core.dot_units * self.high_bytes
        return max(1, self.core.port_bytes // step) if step else 1

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

    def packet_words(self) -> int:
        """Scales and codes of a packet."""
        scales, beats = self.packet()
        codes = beats * self.halves * self.core.dot_units * (self.block_bytes + self.high_bytes)
        return scales + -(-codes // self.core.port_bytes)

    def place(self, step: int, at: int) -> tuple[int, int]:
        """Word and byte of what lies `at` bytes from the beginning of the set of a step."""
        scales, beats = self.packet()
        packet, of_packet = divmod(step, beats * self.halves)
        set_bytes = self.set_steps * self.core.dot_units * (self.block_bytes + self.high_bytes)
        byte = of_packet // self.set_steps * set_bytes + at
        port = self.core.port_bytes
        return packet * self.packet_words() + scales + byte // port, byte % port

    def code_place(self, step: int, unit: int) -> tuple[int, int]:
        """The word and the byte in it where the low parts of the codes of a block begin."""
        units = self.core.dot_units
        highs = self.set_steps * units * self.high_bytes
        return self.place(step, highs + (step % self.set_steps * units + unit) * self.block_bytes)

    def high_place(self, step: int, unit: int) -> tuple[int, int]:
        return self.place(step, (step % self.set_steps * self.core.dot_units + unit) * self.high_bytes)

    def scale_place(self, step: int, unit: int) -> tuple[int, int]:
        port, (_, beats) = self.core.port_bytes, self.packet()
        blocks, shared_beats = self.together
        packet, beat = divmod(step // self.halves, beats)
        slot = beat // shared_beats * (self.core.dot_units // blocks) + unit // blocks
        byte = slot * self.scale.nbytes()
        return packet * self.packet_words() + byte // port, byte % port


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
    highs: Value = Const(0, 0)
    if s.high_bytes:
        high = tuple(looked_up(index, [s.high_place(n, u)[i] for n, u in table]) for i in (0, 1))
        highs = captured(m, word, number, valid, high, 8 * s.high_bytes)
    found = Array(decoder.codes[u] for u in range(units))[unit]
    m.d.comb += Assert(~ours | (found == expected_codes(s, codes, highs)))
    d, minimum = (Array(getattr(decoder, name)[u] for u in range(units))[unit] for name in "dm")
    if s.scale == Scale.NONE:
        m.d.comb += Assert(~ours | (d == ONE_HALF) & (minimum == 0))
    else:
        at = tuple(looked_up(index, [s.scale_place(n, u)[i] for n, u in table]) for i in (0, 1))
        scales = captured(m, word, number, valid, at, 8 * s.scale.nbytes())
        parts = (scales[:16], scales[16:]) if s.scale != Scale.PAIR else (e4m3(scales[:8]), e4m3(scales[8:]))
        m.d.comb += Assert(~ours | (d == parts[0]))
        if s.scale in (Scale.SCALE_MINIMUM, Scale.PAIR):
            m.d.comb += Assert(~ours | (minimum == parts[1]))
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


def expected_codes(s: Stream, lows: Value, highs: Value) -> Value:
    """As the tile takes them (docs/hardware.md): integers with 8 added, or 128 where they are bytes; as they are with a
    minimum, or for signed multipliers. 4-bit codes have low nibbles first, and narrow multipliers take weights i and
    i + 16 side by side."""
    low, high, size = LOW_BITS[s.element], HIGH_BITS.get(s.element, 0), s.core.multiplier_bits
    stored = [Cat(lows[low * i :][:low], highs[high * i :][:high]) for i in range(len(lows) // low)]
    if low + high == 4:
        stored = stored[::2] + stored[1::2]
    if s.scale == Scale.SCALE_MINIMUM and not s.wide:
        added, numbers = 0, list(range(1 << low + high))
    else:
        added, numbers = 0 if size == 5 else 128 if s.wide else 8, integers(s.element).tolist()
    # An integer of 8 bits is its code; of 256 entries a table would be long.
    table = Array(Const(n + added & 255, 8) for n in numbers)
    taken = [code ^ 0x80 if s.element == Element.INT8 else table[code] for code in stored]
    if s.wide or size == 8:
        return Cat(t[:8] for t in taken)
    return Cat(Cat(taken[i][:size], taken[i + 16][:size]) for i in range(16))


def e4m3(code: Value) -> Value:
    """binary16 of a scale of E4M3."""
    return Array(Const(int(n), 16) for n in half_of_e4m3(np.arange(256)))[code]


NARROW, BROAD = Core(rows=2, port_bytes=16, columns=1), Core(rows=2, port_bytes=64, columns=1)
WIDE_LANES = Core(rows=2, lanes=64, port_bytes=32, columns=1)
FOUR = (Element.INT4, Element.INT8, Element.INT2, Element.INT3)
EIGHT = Core(rows=2, port_bytes=16, columns=1, multiplier_bits=8)
MANY = Core(rows=2, port_bytes=16, columns=1, elements=(*FOUR, Element.E2M3), scales=(Scale.POWER,))
EIGHT_MANY = Core(
    rows=2, port_bytes=16, columns=1, multiplier_bits=8, elements=(*FOUR, Element.E2M1), scales=(Scale.POWER,)
)
SIGNED = Core(
    rows=2, port_bytes=16, columns=1, multiplier_bits=5, elements=(*FOUR, Element.E2M1), scales=(Scale.PAIR,)
)
STREAMS = {
    "q4_0": Stream(NARROW, Element.INT4, Scale.SCALE), "q4_1": Stream(NARROW, Element.INT4, Scale.SCALE_MINIMUM),
    "q8_0": Stream(NARROW, Element.INT8, Scale.SCALE), "codes": Stream(NARROW, Element.INT8, Scale.NONE),
    "two steps a word": Stream(BROAD, Element.INT4, Scale.SCALE),
    "beats share": Stream(BROAD, Element.INT4, Scale.SCALE_MINIMUM, 1),
    "neighbors share": Stream(WIDE_LANES, Element.INT4, Scale.SCALE, 1),
    "neighbors and beats": Stream(WIDE_LANES, Element.INT4, Scale.SCALE_MINIMUM, 2),
    "8-bit multipliers": Stream(EIGHT, Element.INT4, Scale.SCALE),
    "8-bit both": Stream(EIGHT, Element.INT8, Scale.SCALE),
    "int2": Stream(MANY, Element.INT2, Scale.SCALE),
    "int2 and minimum": Stream(MANY, Element.INT2, Scale.SCALE_MINIMUM, 1),
    "int3": Stream(MANY, Element.INT3, Scale.SCALE),
    "int3 and minimum": Stream(MANY, Element.INT3, Scale.SCALE_MINIMUM),
    "mxfp6": Stream(MANY, Element.E2M3, Scale.POWER), "mxint8": Stream(MANY, Element.INT8, Scale.POWER),
    "mxfp4": Stream(EIGHT_MANY, Element.E2M1, Scale.POWER),
    "nvfp4": Stream(SIGNED, Element.E2M1, Scale.PAIR), "signed": Stream(SIGNED, Element.INT4, Scale.SCALE),
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
        ("int3", HighParts, "highs[i * bits * units :]", "highs[(i ^ 1) * bits * units :]"),  # another step's
    ],
)  # fmt: skip
def test_a_bug_in_the_decoder_is_refuted(
    name: str, component: Any, old: str, new: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weight_decoder, component.__name__, broken(component, old, new))
    verdict = bounded(lambda m, free: gets_its_own(STREAMS[name], m, free), tmp_path, 6)
    assert "Assert failed" in verdict
