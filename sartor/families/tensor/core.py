"""The core of family `tensor` as hardware: its free parameters, what follows from them; bounds in core_bounds.py."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from ...formats.decode import Element
from . import multipliers
from .core_bounds import BOUNDS as BOUNDS
from .core_bounds import MACS_OF as MACS_OF
from .core_bounds import MOST_COLUMNS as MOST_COLUMNS
from .core_bounds import TILE_MACS as TILE_MACS
from .core_bounds import check
from .core_bounds import most_beside as most_beside
from .isa import Scale

GROUP = 32  # elements that share one exponent: of an activation, of a block of weights
HALF = GROUP // 2  # bytes a dot unit with 4-bit multipliers takes a cycle
CONSTANTS = 16  # binary32 constants of a program
REGISTERS = 16
PROGRAM_WORDS = 512  # instructions of the program memory; the host's address map ends at 4,096
SCALARS = 4  # scalar registers, each one binary32 a column
ACCUMULATOR_BITS = 40
CACHE_ELEMENTS = {8: Element.INT8, 4: Element.INT4}  # by bits of a code


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
        check(self)

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
