"""The core of family `tensor` as hardware: its free parameters, their bounds, and what follows from them."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...chip.spec import ENGINES
from ...errors import InputError
from ...formats.decode import MOST_PLANES, Element
from . import multipliers
from .isa import Scale
from .multipliers import MULTIPLIERS

GROUP = 32  # elements that share one exponent: of an activation, of a block of weights
HALF = GROUP // 2  # bytes a dot unit with 4-bit multipliers takes a cycle
CONSTANTS = 16  # binary32 constants of a program
REGISTERS = 16
PROGRAM_WORDS = 512  # instructions of the program memory; the host's address map ends at 4,096
SCALARS = 4  # scalar registers, each one binary32 a column
MOST_COLUMNS = 16
ACCUMULATOR_BITS = 40
CACHE_ELEMENTS = {8: Element.INT8, 4: Element.INT4}  # by bits of a code

# Parameter: lowest, highest, power of two.
BOUNDS = {
    "rows": (2, 64, True),
    "lanes": (32, 128, True),
    "columns": (1, MOST_COLUMNS, False),
    "vector_lanes": (2, 32, True),
    "port_bytes": (16, 256, True),
    "buffer_groups": (2, 1024, False),
    "scratch_groups": (32, 8192, False),
    "weight_fifo_words": (4, 8192, False),
    "cache_fifo_words": (4, 8192, False),
}
TILE_MACS = 1024  # multipliers from which on a core is mostly tile (docs/decisions/0014-lanes-and-multipliers.md)
MACS_OF = {"vector_lanes": 64, "port_bytes": 8}  # there, for each vector lane and each byte of the port


def most_beside(name: str, macs: Any, planes: Any = 0) -> Any:
    """Vector lanes or bytes of the port beside `macs` multipliers, at most; beside few, as many as one likes. A decoder
    of binary codes (`planes` 1), which keeps scales of every plane, takes the room of half of the lanes.

    >>> [float(most_beside("vector_lanes", macs)) for macs in (1023, 1024, 1536, 2048)]
    [inf, 16.0, 24.0, 32.0]
    """
    each = MACS_OF[name] * (1 + planes) if name == "vector_lanes" else MACS_OF[name]
    return np.where(macs < TILE_MACS, np.inf, macs // each)


@dataclass(frozen=True)
class Core:
    """One core. A tile of `rows` x `lanes` x `columns`; `multiplier_bits` 4, 5, 8 or 9: the width of a weight code that
    one multiplier takes a cycle, 5 with a sign, 9 with a sign and a shift of 4 bits; `elements` and `scales`: what its
    decoder knows, beside a binary16 scale; memories in groups of 32 elements and in words of the memory port."""

    rows: int = 8
    lanes: int = 32
    columns: int = 4
    vector_lanes: int = 16
    multiplier_bits: int = 4
    port_bytes: int = 128
    buffer_groups: int = 64  # activation buffer: groups of one column
    scratch_groups: int = 1024  # vector scratchpad: groups of 32 binary32 numbers
    weight_fifo_words: int = 512
    cache_fifo_words: int = 64
    elements: tuple[Element, ...] = (Element.INT4, Element.INT8)
    scales: tuple[Scale, ...] = ()  # beside SCALE, and SCALE_MINIMUM where it is not left out
    planes: int = 1  # at most, of binary codes
    cache_bits: int = 8  # of a code of the KV cache: 8, or 4
    wide_keys: bool = False  # keys have 8 bits beside values of 4
    engine: str = "mac"  # multipliers, or `lut`: sums read from tables, with the same integers

    def __post_init__(self) -> None:
        if not 1 <= self.planes <= MOST_PLANES:
            raise InputError(f"core: planes = {self.planes!r} is outside 1 to {MOST_PLANES}")
        if (Element.SIGN in self.elements) != (Scale.PLANES in self.scales):
            raise InputError("core: SIGN codes and PLANES scales are known together, or neither")
        for name, (low, high, power) in BOUNDS.items():
            value = getattr(self, name)
            if not isinstance(value, int) or not low <= value <= high:
                raise InputError(f"core: {name} = {value!r} is outside {low} to {high}")
            if power and value & (value - 1):
                down = 1 << (value.bit_length() - 1)
                raise InputError(f"core: {name} = {value} is not a power of two (try {down} or {2 * down})")
        macs, planes = self.rows * self.lanes * self.columns, int(Scale.PLANES in self.scales)
        for name in MACS_OF:
            value, most = getattr(self, name), most_beside(name, macs, planes)
            if value > most:
                need = TILE_MACS * int(value / most_beside(name, TILE_MACS, planes))
                raise InputError(
                    f"core: {name} = {value} beside {macs:,} multipliers{' and binary codes' * planes}, more than "
                    f"{most:.0f} (try {name} = {value // 2}, or rows x lanes x columns = {need:,})"
                )
        if self.multiplier_bits not in MULTIPLIERS:
            raise InputError(f"core: multiplier_bits = {self.multiplier_bits} must be 4, 5, 8 or 9")
        if self.engine not in ENGINES:
            raise InputError(f"core: engine = {self.engine!r} must be mac or lut")
        if self.by_table and (self.shifting or Scale.PAIR in self.scales):
            what = "codes that are shifted" if self.shifting else "scales for 16 codes, half of a table's block"
            raise InputError(f"core: engine = 'lut' has no sums of {what} (try engine = 'mac')")
        if self.cache_bits not in (4, 8):
            raise InputError(f"core: cache_bits = {self.cache_bits!r} must be 4 or 8")
        if self.wide_keys and self.cache_bits == 8:
            raise InputError("core: wide_keys are those beside values of 4 bits (try cache_bits = 4)")
        for element, what in ((self.cache_element, "the cache is"), (self.key_element, "keys are")):
            if element not in self.elements:
                raise InputError(f"core: elements without {element.name}, in which {what} stored")
        for element in self.elements:
            if not multipliers.takes(self.multiplier_bits, element):
                raise InputError(
                    f"core: {element.name} codes, shifted by up to {element.shift}, need multiplier_bits = 9, not "
                    f"{self.multiplier_bits}"
                )
        if Scale.PAIR in self.scales and self.multiplier_bits != 5:
            raise InputError(
                f"core: scales for 16 codes need multiplier_bits = 5, not {self.multiplier_bits}: the two halves of a "
                "block have sums of their own there"
            )
        if Scale.ZERO in self.scales and self.multiplier_bits != 5:
            raise InputError(
                f"core: zero points need multiplier_bits = 5, not {self.multiplier_bits}: codes less their zero point "
                "have a sign"
            )

    @property
    def cache_element(self) -> Element:
        """In which values are stored."""
        return CACHE_ELEMENTS[self.cache_bits]

    @property
    def key_bits(self) -> int:
        """Of a code of the keys."""
        return 8 if self.wide_keys else self.cache_bits

    @property
    def key_element(self) -> Element:
        return CACHE_ELEMENTS[self.key_bits]

    @property
    def balanced(self) -> bool:
        """Keys lose an offset before they are stored: codes of 4 bits have no room for it."""
        return self.key_bits == 4

    @property
    def dot_units(self) -> int:
        """Blocks of 32 weights that the tile takes at once, one column: rows x lanes / 32."""
        return self.rows * self.lanes // GROUP

    @property
    def by_table(self) -> bool:
        """Sums of values are read from tables."""
        return self.engine == "lut"

    @property
    def halved(self) -> bool:
        """A byte goes through two multipliers of 4 bits: half a beat a cycle."""
        return self.multiplier_bits != 8

    @property
    def signed(self) -> bool:
        """Multipliers take signed codes."""
        return self.multiplier_bits in (5, 9)

    @property
    def shifting(self) -> bool:
        """Multipliers take 4 bits and a sign, and their products are shifted."""
        return self.multiplier_bits == 9

    def wide(self, element: Element) -> bool:
        """Its integers are bytes to the tile, 128 added where codes are unsigned."""
        return multipliers.wide(self.multiplier_bits, element)

    def steps(self, element: Element) -> int:
        """Cycles in which the tile takes a beat of its codes."""
        return multipliers.steps(self.multiplier_bits, element)

    @property
    def lane_groups(self) -> int:
        """Groups along K in one fold."""
        return self.lanes // GROUP

    @property
    def words_per_group(self) -> int:
        """Vector words (of `vector_lanes` numbers) in a group of 32."""
        return GROUP // self.vector_lanes

    def slots(self, scale_bytes: int) -> int:
        """Scales in one packet of a weight stream: whole words, and at least one beat's."""
        return max(self.dot_units, self.port_bytes // scale_bytes) if scale_bytes else self.dot_units

    @functools.cached_property
    def granule(self) -> int:
        """Tokens by which the KV cache is read: whole words, packets, folds and row tiles of it (head
        dimension 32 and more)."""
        key_packet = self.slots(2)  # tokens, if a token is one block
        word_of_values = 8 * self.port_bytes // (self.cache_bits * self.rows)
        return max(GROUP, self.lanes, self.rows, key_packet, self.port_bytes // 2, word_of_values)
