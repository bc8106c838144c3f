"""Cycles of an MM on the matrix unit, exactly, when its FIFO never runs empty; words of a matrix's stream.

All arguments are numbers or NumPy arrays; `core` has the parameters of `core.Core`, each a number or an array.
tests/families/rtl_matrix holds these against the hardware. scale and element are their numbers, argmax
0 or 1; `planes` of binary codes.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from ...formats.decode import SCALE_BYTES, Element, Scale
from .core import GROUP

_NBYTES = np.array([sum(each) for each in SCALE_BYTES])  # of a slot in all arrays, of one plane
_LEAST = np.array([min(each, default=1) for each in SCALE_BYTES])  # in the array of the shortest
_LOW, _HIGH = np.array([element.parts for element in Element]).T
_BYTES = (Element.INT8, Element.E2M3)

# Command, start, six registers to the accumulators (tile.LATENCY), four to binary32, one to `done`: what a
# command takes beside its steps and its last drain.
LATENCY = 12


def latency(core: Any) -> Any:
    """The same of a core; products that are shifted, and sums by table, take a register more."""
    return LATENCY + (np.equal(core.multiplier_bits, 9) | (getattr(core, "engine", "mac") == "lut"))


def dot_units(core: Any) -> Any:
    """Blocks of 32 weights in a beat."""
    return core.rows * core.lanes // GROUP


def packet_slots(core: Any, scale: Any) -> Any:
    """Scales in a packet."""
    return np.maximum(dot_units(core), core.port_bytes // _LEAST[scale])


def packet_scale_words(core: Any, scale: Any, planes: Any = 1) -> Any:
    """Words of scales in a packet.

    >>> from sartor.families.tensor.core import Core
    >>> int(packet_scale_words(Core(rows=64, port_bytes=32), scale=2))
    8
    """
    more = np.where(np.equal(scale, Scale.PLANES), 2 * (np.asarray(planes) - 1), 0)
    return packet_slots(core, scale) * (_NBYTES[scale] + more) // core.port_bytes


def packet_beats(core: Any, scale: Any, share: Any) -> Any:
    """Beats of a packet."""
    return packet_slots(core, scale) // dot_units(core) * 2**share


def beat_bytes(core: Any, element: Any, planes: Any = 1) -> Any:
    """Of the low parts of a beat's codes: all of them, but for 3-bit and 6-bit codes."""
    return dot_units(core) * GROUP * _LOW[element] * planes // 8


def steps(core: Any, element: Any) -> Any:
    """Cycles in which the tile takes a beat: two of codes that are bytes to halved multipliers."""
    bits = np.asarray(core.multiplier_bits)
    return 1 + np.where(bits == 9, np.equal(element, Element.INT8), np.isin(element, _BYTES) & (bits != 8))


def beat_cycles(core: Any, element: Any, planes: Any = 1) -> Any:
    """Cycles of a beat: one a word, or one a step (of each plane) if that is more; without the words of high parts.

    >>> from sartor.families.tensor.core import Core
    >>> int(beat_cycles(Core(rows=8, port_bytes=32), Element.INT4)), int(beat_cycles(Core(), Element.INT8))
    (4, 2)
    """
    return np.maximum(steps(core, element), beat_bytes(core, element) // core.port_bytes) * planes


def high_sets(core: Any, element: Any) -> tuple[Any, Any]:
    """Beats whose high parts come together, and the words of those; of a beat with two sets both. Nothing: (1, 0)."""
    each = dot_units(core) * GROUP // 8 * _HIGH[element] // steps(core, element)  # bytes of a step
    set_steps = np.maximum(1, core.port_bytes // np.maximum(each, 1))
    beats = np.maximum(set_steps // steps(core, element), 1)
    words = np.maximum(each // core.port_bytes, 1) * np.maximum(steps(core, element) // set_steps, 1)
    return np.where(each > 0, beats, 1), np.where(each > 0, words, 0)


def words_of_stream(
    core: Any, element: Any, scale: Any, share: Any, tiles: Any, folds: Any, planes: Any = 1
) -> Any:
    """Words of a matrix: all scale words of its packets, all words of its sets of high parts, and the words of codes
    that are needed.

    >>> from sartor.families.tensor.core import Core
    >>> int(words_of_stream(Core(), Element.INT4, scale=1, share=0, tiles=3, folds=3))  # 2 packets, 9 beats
    11
    """
    beats, (set_beats, high_words) = tiles * folds, high_sets(core, element)
    packets = -(-beats // packet_beats(core, scale, share))
    highs = -(-beats // set_beats) * high_words
    codes = -(-beats * beat_bytes(core, element, planes) // core.port_bytes)
    return packets * packet_scale_words(core, scale, planes) + highs + codes


def drain_cycles(core: Any, columns: Any) -> Any:
    """Cycles in which the results of a row tile leave; row tiles end at least so far apart."""
    return columns * core.rows // np.minimum(core.rows, core.vector_lanes)


def tile_cycles(
    core: Any, element: Any, scale: Any, share: Any, folds: Any, planes: Any = 1
) -> tuple[Any, Any, Any]:
    """Cycles of a row tile with the fewest packets that begin in one, of one with a packet more, and whether the
    first is of the second kind; of codes without high parts."""
    beats = packet_beats(core, scale, share)
    few, scales = folds // beats, packet_scale_words(core, scale, planes)
    least = folds * beat_cycles(core, element, planes) + few * scales
    return least, least + scales, -(-folds // beats) - few


def input_cycles(
    core: Any, element: Any, scale: Any, share: Any, tiles: Any, folds: Any, columns: Any, planes: Any = 1
) -> tuple[Any, Any]:
    """Cycles from the first word to the last step, and how many of them wait for the drain.

    A row tile waits with its last step until the drain has had its cycles since the last step before:
    between those steps lie max(cycles of the tile, cycles of the drain).
    """
    sets, words = high_sets(core, element)
    if np.any(words > 0):
        beats = packet_beats(core, scale, share), packet_scale_words(core, scale, planes)
        each = beat_cycles(core, element, planes), drain_cycles(core, columns)
        return _walked(*beats, sets, words, *each, tiles, folds)
    least, more, first_more = tile_cycles(core, element, scale, share, folds, planes)
    beats, drain = packet_beats(core, scale, share), drain_cycles(core, columns)
    tiles_more = -(-tiles * folds // beats) - tiles * (folds // beats)
    # The first row tile finds the drain idle.
    later_more, later_least = tiles_more - first_more, tiles - tiles_more - (1 - first_more)
    waits = later_more * np.maximum(drain - more, 0) + later_least * np.maximum(drain - least, 0)
    return tiles_more * more + (tiles - tiles_more) * least + waits, waits


@functools.partial(np.vectorize, otypes=[np.int64, np.int64])
def _walked(
    packet_beats: int, scale_words: int, set_beats: int, high_words: int, beat: int, drain: int, tiles: int, folds: int
) -> tuple[int, int]:  # fmt: skip
    """The same row tile by row tile: where packets and sets of high parts begin."""
    ends = np.arange(tiles + 1, dtype=np.int64) * folds
    begun = -(-ends // packet_beats) * scale_words + -(-ends // set_beats) * high_words
    cycles = np.diff(begun) + folds * beat
    waits = int(np.maximum(drain - cycles[1:], 0).sum())
    return int(cycles.sum()) + waits, waits


def matrix_cycles(
    core: Any,
    element: Any,
    scale: Any,
    tiles: Any,
    folds: Any,
    columns: Any,
    argmax: Any = 0,
    share: Any = 0,
    planes: Any = 1,
) -> Any:
    """From the cycle in which the command is taken to the one in which `done` pulses.

    >>> from sartor.families.tensor.core import Core
    >>> int(matrix_cycles(Core(), Element.INT4, scale=1, tiles=2, folds=8, columns=4))  # 16 beats, 2 packets
    34
    """
    steps, _ = input_cycles(core, element, scale, share, tiles, folds, columns, planes)
    tree = np.log2(np.minimum(core.rows, core.vector_lanes)).astype(int) + 1
    return steps + drain_cycles(core, columns) + latency(core) + argmax * tree
