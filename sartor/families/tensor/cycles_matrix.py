"""Cycles of an MM on the matrix unit, exactly, when its FIFO never runs empty; words of a matrix's stream.

All arguments are numbers or NumPy arrays; `core` has the parameters of `core.Core`, each a number or an array.
tests/families/rtl_matrix holds these against the hardware. scale is 0, 1 or 2 (`isa.Scale`), code8 and argmax
0 or 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .core import GROUP, HALF

# Command, start, six registers to the accumulators (tile.LATENCY), four to binary32, one to `done`: what a
# command takes beside its steps and its last drain.
LATENCY = 12


def dot_units(core: Any) -> Any:
    """Blocks of 32 weights in a beat."""
    return core.rows * core.lanes // GROUP


def packet_slots(core: Any, scale: Any) -> Any:
    """Scales in a packet."""
    return np.maximum(dot_units(core), core.port_bytes // np.maximum(2 * scale, 1))


def packet_scale_words(core: Any, scale: Any) -> Any:
    """Words of scales in a packet.

    >>> from sartor.families.tensor.core import Core
    >>> int(packet_scale_words(Core(rows=64, port_bytes=32), scale=2))
    8
    """
    return packet_slots(core, scale) * 2 * scale // core.port_bytes


def packet_beats(core: Any, scale: Any, share: Any) -> Any:
    """Beats of a packet."""
    return packet_slots(core, scale) // dot_units(core) * 2**share


def beat_bytes(core: Any, code8: Any) -> Any:
    """Codes of a beat."""
    return dot_units(core) * HALF * (1 + code8)


def beat_cycles(core: Any, code8: Any) -> Any:
    """Cycles of a beat: one a word, or one a step (half a beat of 8-bit codes on 4-bit multipliers) if that is
    more.

    >>> from sartor.families.tensor.core import Core
    >>> int(beat_cycles(Core(rows=8, port_bytes=32), code8=0)), int(beat_cycles(Core(), code8=1))
    (4, 2)
    """
    steps = 1 + code8 * (8 // core.multiplier_bits - 1)
    return np.maximum(steps, beat_bytes(core, code8) // core.port_bytes)


def words_of_stream(core: Any, code8: Any, scale: Any, share: Any, tiles: Any, folds: Any) -> Any:
    """Words of a matrix: all scale words of its packets, and the words of codes that are needed.

    >>> from sartor.families.tensor.core import Core
    >>> int(words_of_stream(Core(), code8=0, scale=1, share=0, tiles=3, folds=3))  # 2 packets, 9 beats
    11
    """
    beats = tiles * folds
    packets = -(-beats // packet_beats(core, scale, share))
    return packets * packet_scale_words(core, scale) - (-beats * beat_bytes(core, code8) // core.port_bytes)


def drain_cycles(core: Any, columns: Any) -> Any:
    """Cycles in which the results of a row tile leave; row tiles end at least so far apart."""
    return columns * core.rows // np.minimum(core.rows, core.vector_lanes)


def tile_cycles(core: Any, code8: Any, scale: Any, share: Any, folds: Any) -> tuple[Any, Any, Any]:
    """Cycles of a row tile with the fewest packets that begin in one, of one with a packet more, and whether the
    first is of the second kind."""
    beats = packet_beats(core, scale, share)
    few, scales = folds // beats, packet_scale_words(core, scale)
    least = folds * beat_cycles(core, code8) + few * scales
    return least, least + scales, -(-folds // beats) - few


def input_cycles(
    core: Any, code8: Any, scale: Any, share: Any, tiles: Any, folds: Any, columns: Any
) -> tuple[Any, Any]:
    """Cycles from the first word to the last step, and how many of them wait for the drain.

    A row tile waits with its last step until the drain has had its cycles since the last step before:
    between those steps lie max(cycles of the tile, cycles of the drain).
    """
    least, more, first_more = tile_cycles(core, code8, scale, share, folds)
    beats, drain = packet_beats(core, scale, share), drain_cycles(core, columns)
    tiles_more = -(-tiles * folds // beats) - tiles * (folds // beats)
    # The first row tile finds the drain idle.
    later_more, later_least = tiles_more - first_more, tiles - tiles_more - (1 - first_more)
    waits = later_more * np.maximum(drain - more, 0) + later_least * np.maximum(drain - least, 0)
    return tiles_more * more + (tiles - tiles_more) * least + waits, waits


def matrix_cycles(
    core: Any,
    code8: Any,
    scale: Any,
    tiles: Any,
    folds: Any,
    columns: Any,
    argmax: Any = 0,
    share: Any = 0,
) -> Any:
    """From the cycle in which the command is taken to the one in which `done` pulses.

    >>> from sartor.families.tensor.core import Core
    >>> int(matrix_cycles(Core(), code8=0, scale=1, tiles=2, folds=8, columns=4))  # 16 beats, 2 packets
    34
    """
    steps, _ = input_cycles(core, code8, scale, share, tiles, folds, columns)
    tree = np.log2(np.minimum(core.rows, core.vector_lanes)).astype(int) + 1
    return steps + drain_cycles(core, columns) + LATENCY + argmax * tree
