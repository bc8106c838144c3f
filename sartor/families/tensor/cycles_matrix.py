"""Cycles of an MM on the matrix unit, exactly, when its FIFO never runs empty; words of a matrix's stream.

All arguments are numbers or NumPy arrays; `core` has the parameters of `core.Core`, each a number or an array.
tests/families/rtl_matrix holds these against the hardware. scale and element are their numbers, argmax
0 or 1; `planes` of binary codes.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from ...formats.decode import Element, zero_bits
from ...formats.group_scale import SCALE_BYTES, Scale
from .core import GROUP, Core
from .multipliers import MULTIPLIERS

_NBYTES = np.array([sum(each) for each in SCALE_BYTES])  # of a slot in all arrays, of one plane
_LEAST = np.array([min(each, default=1) for each in SCALE_BYTES])  # in the array of the shortest
_ZERO = np.array([zero_bits(element) for element in Element])
_LOW, _HIGH = np.array([element.parts for element in Element]).T
_STEPS = np.array([[Core(multiplier_bits=bits).steps(element) for element in Element] for bits in MULTIPLIERS])

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
    """Words of scales in a packet, without zero points.

    >>> from sartor.families.tensor.core import Core
    >>> int(packet_scale_words(Core(rows=64, port_bytes=32), scale=2))
    8
    """
    more = np.where(np.equal(scale, Scale.PLANES), 2 * (np.asarray(planes) - 1), 0)
    return packet_slots(core, scale) * (_NBYTES[scale] + more) // core.port_bytes


def shared_beats(core: Any, share: Any) -> Any:
    """Beats of a run: those that share their scales, in the last run of a row tile fewer."""
    return np.maximum(2**share * GROUP // core.lanes, 1)


def packet_runs(core: Any, scale: Any, share: Any) -> Any:
    """Runs of a packet."""
    return packet_slots(core, scale) // dot_units(core) * 2**share // shared_beats(core, share)


def zero_words(core: Any, element: Any, scale: Any) -> tuple[Any, Any]:
    """Packets whose zero points come together, and words of those: Shape.zeros."""
    word, bits = 8 * core.port_bytes, packet_slots(core, scale) * np.maximum(_ZERO[element], 1)
    here = np.equal(scale, Scale.ZERO)
    return np.where(here, np.maximum(word // bits, 1), 1), np.where(here, np.maximum(bits // word, 1), 0)


def beat_bytes(core: Any, element: Any, planes: Any = 1) -> Any:
    """Of the low parts of a beat's codes: all of them, but for 3-bit and 6-bit codes."""
    return dot_units(core) * GROUP * _LOW[element] * planes // 8


def steps(core: Any, element: Any) -> Any:
    """Cycles in which the tile takes a beat: two of codes that are bytes to halved multipliers."""
    return _STEPS[np.searchsorted(MULTIPLIERS, core.multiplier_bits), element]


def beat_cycles(core: Any, element: Any, planes: Any = 1) -> Any:
    """Cycles of a beat: one a word, or one a step (of each plane) if that is more; without the words of high parts.

    >>> from sartor.families.tensor.core import Core
    >>> int(beat_cycles(Core(rows=8, port_bytes=32), Element.INT4)), int(beat_cycles(Core(), Element.INT8))
    (4, 2)
    """
    return np.maximum(steps(core, element), beat_bytes(core, element) // core.port_bytes) * planes


def high_sets(core: Any, element: Any) -> tuple[Any, Any]:
    """Steps whose high parts come together, and the words of those. Nothing: (1, 0)."""
    each = dot_units(core) * GROUP // 8 * _HIGH[element] // steps(core, element)  # bytes of a step
    set_steps = np.where(each > 0, np.maximum(core.port_bytes // np.maximum(each, 1), 1), 1)
    return set_steps, set_steps * each // core.port_bytes


def words_of_stream(
    core: Any, element: Any, scale: Any, share: Any, tiles: Any, folds: Any, planes: Any = 1
) -> Any:
    """Words of a matrix: all scale words of its packets, all words of its sets of high parts, and the words of codes
    that are needed.

    >>> from sartor.families.tensor.core import Core
    >>> int(words_of_stream(Core(), Element.INT4, scale=1, share=0, tiles=3, folds=3))  # 2 packets, 9 beats
    11
    """
    return _walked(*_of_stream(core, element, scale, share, planes), 1, tiles, folds)[2]


def drain_cycles(core: Any, columns: Any) -> Any:
    """Cycles in which the results of a row tile leave; row tiles end at least so far apart."""
    return columns * core.rows // np.minimum(core.rows, core.vector_lanes)


def input_cycles(
    core: Any, element: Any, scale: Any, share: Any, tiles: Any, folds: Any, columns: Any, planes: Any = 1
) -> tuple[Any, Any]:
    """Cycles from the first word to the last step, and how many of them wait for the drain.

    A row tile waits with its last step until the drain has had its cycles since the last step before:
    between those steps lie max(cycles of the tile, cycles of the drain).
    """
    of_stream = _of_stream(core, element, scale, share, planes)
    return _walked(*of_stream, drain_cycles(core, columns), tiles, folds)[:2]


def _of_stream(core: Any, element: Any, scale: Any, share: Any, planes: Any) -> tuple[Any, ...]:
    """What `_walked` needs: runs of a packet, beats of a run, words of scales; zero points; high parts; a beat."""
    packet = packet_runs(core, scale, share), shared_beats(core, share), packet_scale_words(core, scale, planes)
    beat = steps(core, element), beat_cycles(core, element, planes), beat_bytes(core, element, planes)
    return *packet, *zero_words(core, element, scale), *high_sets(core, element), *beat, core.port_bytes


@functools.partial(np.vectorize, otypes=[np.int64] * 3)
def _walked(
    runs: int, run: int, scale_words: int, zero_each: int, zeros: int, set_steps: int, high_words: int, steps: int,
    beat: int, nbytes: int, port: int, drain: int, tiles: int, folds: int,
) -> tuple[int, int, int]:  # fmt: skip
    """Cycles, those of them that wait, and words, row tile by row tile: where packets and sets of high parts begin."""
    tile_runs = -(-folds // run)
    runs = runs if scale_words else tiles * tile_runs  # without scales one packet
    in_tiles, in_packets = np.arange(tiles + 1) * tile_runs, np.arange(-(-tiles * tile_runs // runs) + 1) * runs
    tile, rest = np.divmod(in_packets, tile_runs)
    ends = np.minimum(tile * folds + np.minimum(rest * run, folds), tiles * folds)  # beats
    sets = np.append(0, np.cumsum(-(-np.diff(ends) * steps // set_steps)))
    full, packets = in_tiles // runs, -(-in_tiles // runs)
    beats = np.arange(tiles + 1) * folds - ends[full]  # of the packet that goes on
    begun = packets * scale_words - (-packets // zero_each) * zeros
    begun += (sets[full] - (-beats * steps // set_steps)) * high_words
    cycles = np.diff(begun) + folds * beat
    waits = int(np.maximum(drain - cycles[1:], 0).sum())
    return int(cycles.sum()) + waits, waits, int(begun[-1] - (-np.diff(ends) * nbytes // port).sum())


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
