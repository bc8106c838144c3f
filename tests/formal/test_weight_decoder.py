"""The weight decoder hands every block its own codes and scales, whatever comes when: docs/hardware.md, by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Array, Assert, Assume, Cat, Const, Module, Mux, Signal, Value
from prove import Free, begins, bounded, broken, constant, needs_solver
from streams import MOST_STEPS, STREAMS, Stream, e4m3, expected_codes, expected_pair

from sartor.families.tensor.isa import Scale
from sartor.families.tensor.rtl import weight_decoder
from sartor.families.tensor.rtl.high_parts import HighParts
from sartor.families.tensor.rtl.scale_buffer import ScaleBuffer
from sartor.families.tensor.rtl.weight_codes import WeightCodes
from sartor.families.tensor.rtl.weight_decoder import WeightDecoder

needs_solver()

ONE_HALF = 0x3C00  # 1 in binary16


def looked_up(index: Value, numbers: list[int]) -> Value:
    return Array(Const(n, 16) for n in numbers)[index]


def place(index: Value, places: list[tuple[int, int]]) -> tuple[Value, Value]:
    """Word and byte, of those of all steps and blocks."""
    words, bytes_ = zip(*places, strict=True)
    return looked_up(index, list(words)), looked_up(index, list(bytes_))


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
    # Rows are whole groups: of shorter ones the walk is proven (test_weight_walk.py).
    m.d.comb += Assume(fields["folds"] & s.together[1] - 1 == 0)
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
    blocks = [s.rows(u) if s.paired else (u,) for u in range(units)]  # in which the codes of a row lie
    codes = [
        captured(m, word, number, valid, place(index, [s.code_place(n, blocks[u][row]) for n, u in table]),
                 8 * s.block_bytes) for row in range(len(blocks[0]))
    ]  # fmt: skip
    if s.paired:
        m.d.comb += Assume(cache)
        expected = expected_pair(s, *codes, looked_up(unit, [int(u == blocks[u][1]) for u in range(units)]))
    else:
        expected = expected_codes(s, codes[0], Const(0, 0))
    ours = Signal()
    m.d.sync += ours.eq(step.valid & (steps == wanted))
    if s.high_bytes:
        high = place(index, [s.high_place(n, u) for n, u in table])
        expected = expected_codes(s, codes[0], captured(m, word, number, valid, high, 8 * s.high_bytes))
    found = Array(decoder.codes[u] for u in range(units))[unit]
    m.d.comb += Assert(~ours | (found == expected))
    d, minimum = (Array(getattr(decoder, name)[u] for u in range(units))[unit] for name in "dm")
    if s.scale == Scale.NONE:
        m.d.comb += Assert(~ours | (d == ONE_HALF) & (minimum == 0))
    else:
        at = place(index, [s.scale_place(n, u) for n, u in table])
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


LONG = ("paired, a word a step", "mxfp4")  # a minute each
CYCLES = 6  # from the start; what comes later differs by where the walks are, which are proven for ever


@pytest.mark.slow
@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.long] * (n in LONG)) for n in STREAMS])
def test_blocks_get_their_own(name: str, tmp_path: Path) -> None:
    assert not bounded(lambda m, free: gets_its_own(STREAMS[name], m, free), tmp_path, CYCLES)


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
        # Of a pair the other row's half is not taken; it is taken from the wrong word.
        ("paired", WeightCodes, "half != changed or w.words == 1", "half == changed or w.words == 1"),
        ("paired, two groups", WeightCodes, "unit ^ self.core.lane_groups, half", "unit, half"),
        ("int3", HighParts, "highs[i * bits * units :]", "highs[(i ^ 1) * bits * units :]"),  # another step's
    ],
)  # fmt: skip
def test_a_bug_in_the_decoder_is_refuted(
    name: str, component: Any, old: str, new: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weight_decoder, component.__name__, broken(component, old, new))
    verdict = bounded(lambda m, free: gets_its_own(STREAMS[name], m, free), tmp_path, 6)
    assert "Assert failed" in verdict
