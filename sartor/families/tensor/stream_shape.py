"""How one matrix lies in packets of its weight stream (docs/hardware.md, Weight streams): counts and sizes."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from ...errors import InputError
from ...formats.decode import Element, zero_bits
from ...formats.group_scale import MOST_PLANES
from .core import GROUP, Core
from .isa import Scale

MOST_SHARE = 3  # log2 of the blocks of a row that share a scale


def zero_words(core: Core, element: Element) -> tuple[int, int]:
    """Packets whose zero points come together, before the first of them, and the words of those.

    >>> zero_words(Core(rows=16, port_bytes=64), Element.INT4), zero_words(Core(rows=64, port_bytes=16), Element.INT2)
    ((4, 1), (1, 1))
    """
    bits, word = core.slots(Scale.ZERO.nbytes()) * zero_bits(element), 8 * core.port_bytes
    return max(1, word // bits), max(1, bits // word)


@dataclass(frozen=True)
class Shape:
    """A matrix [n, k] of `element` codes; 32 << `share` neighbors of a row share a scale. Binary codes: `planes`.
    `paired`: INT4, two rows in a byte, as values of the cache."""

    core: Core
    n: int
    k: int
    element: Element
    scale: Scale
    share: int = 0
    planes: int = 1
    paired: bool = False

    def __post_init__(self) -> None:
        if self.element.parts[1] and self.scale == Scale.NONE:
            raise InputError(f"layout: {self.element.name} codes without scales (try SCALE or POWER)")
        if self.scale == Scale.PAIR and self.share:
            raise InputError(f"layout: share = {self.share} of scales for 16 (0)")
        if (self.element == Element.SIGN) != (self.scale == Scale.PLANES) or not 1 <= self.planes <= MOST_PLANES:
            raise InputError(
                f"layout: {self.planes} planes of {self.element.name} codes, {self.scale.name} scales (SIGN codes come "
                f"with PLANES, 1 to {MOST_PLANES})"
            )
        if not 0 <= self.share <= MOST_SHARE:
            raise InputError(f"layout: share = {self.share} (0 to {MOST_SHARE})")
        if self.scale == Scale.ZERO and not zero_bits(self.element):
            raise InputError(f"layout: zero points of {self.element.name} codes (integers of up to 4 bits have them)")
        if self.scale == Scale.SCALE_MINIMUM and not self.element.has_minimum:
            raise InputError(f"layout: minimums of {self.element.name} codes (try SCALE)")
        if self.n < 1 or self.k < 1 or self.k % GROUP:
            raise InputError(f"layout: a matrix of {self.n} x {self.k} (K must be a multiple of {GROUP})")

    @functools.cached_property
    def group(self) -> int:
        """Weights that share a scale."""
        return GROUP << self.share

    @functools.cached_property
    def tiles(self) -> int:
        return -(-self.n // self.core.rows)

    @functools.cached_property
    def folds(self) -> int:
        return -(-self.k // self.core.lanes)

    @functools.cached_property
    def beats(self) -> int:
        return self.tiles * self.folds

    @functools.cached_property
    def steps(self) -> int:
        """Steps of a beat: what the tile takes in one cycle."""
        return self.core.steps(self.element) * self.planes

    @functools.cached_property
    def step_bytes(self) -> tuple[int, int]:
        """Of the low and of the high parts of the codes of one step."""
        low, high = self.element.parts
        codes = self.core.dot_units * GROUP // self.core.steps(self.element)
        return codes * low // 8, codes * high // 8

    @functools.cached_property
    def set_steps(self) -> int:
        """Steps whose high parts lie in words of their own, before their low parts."""
        high = self.step_bytes[1]
        return max(1, self.core.port_bytes // high) if high else 1

    @functools.cached_property
    def packet_steps(self) -> int:
        return self.packet_beats * self.steps

    @functools.cached_property
    def neighbors(self) -> int:
        """Blocks of one beat that share a scale."""
        return min(1 << self.share, self.core.lane_groups)

    @functools.cached_property
    def shared_beats(self) -> int:
        """Successive beats that share their scales."""
        return (1 << self.share) // self.neighbors

    @functools.cached_property
    def beat_slots(self) -> int:
        """Scales of a beat."""
        return self.core.dot_units // self.neighbors

    @functools.cached_property
    def slots(self) -> int:
        """Scales of a packet; each of their arrays is whole words."""
        return self.core.slots(min(self.scale.arrays(), default=0))

    @functools.cached_property
    def packet_scale_bytes(self) -> int:
        return self.slots * self.scale.nbytes(self.planes)

    @functools.cached_property
    def tile_runs(self) -> int:
        """Runs of a row tile: beats that share their scales, fewer in the last where `short`."""
        return -(-self.folds // self.shared_beats)

    @functools.cached_property
    def short(self) -> bool:
        return self.folds % self.shared_beats > 0

    @functools.cached_property
    def packet_runs(self) -> int:
        """Without scales all runs are one packet."""
        return self.slots // self.beat_slots if self.scale else self.tiles * self.tile_runs

    @functools.cached_property
    def packet_beats(self) -> int:
        """At most."""
        return self.packet_runs * self.shared_beats

    @functools.cached_property
    def packets(self) -> int:
        return -(-self.tiles * self.tile_runs // self.packet_runs)

    @functools.cached_property
    def packet_ends(self) -> np.ndarray:
        """[packets]: beats up to the end of each."""
        tiles, runs = np.divmod(np.arange(1, self.packets + 1) * self.packet_runs, self.tile_runs)
        return np.minimum(tiles * self.folds + np.minimum(runs * self.shared_beats, self.folds), self.beats)

    @functools.cached_property
    def zeros(self) -> tuple[int, int]:
        """`zero_words`; (1, 0) without zero points."""
        return zero_words(self.core, self.element) if self.scale == Scale.ZERO else (1, 0)

    @functools.cached_property
    def packet_words(self) -> np.ndarray:
        """[packets]: words of each, without zero points. Its codes begin with a word; those of the last step of each
        are as many words as it needs, high parts whole sets."""
        port, (low, high) = self.core.port_bytes, self.step_bytes
        steps = np.diff(self.packet_ends, prepend=0) * self.steps
        highs = -(-steps // self.set_steps) * (self.set_steps * high // port)
        return np.asarray(self.packet_scale_bytes // port + highs - (-steps * low // port))

    @functools.cached_property
    def words(self) -> int:
        """Words of the memory port."""
        each, words = self.zeros
        return int(self.packet_words.sum()) + -(-self.packets // each) * words
