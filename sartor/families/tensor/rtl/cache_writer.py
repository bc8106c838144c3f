"""Quantized keys and values into the KV cache: masked writes in the order of bytes of docs/hardware.md.

The address of a write is a concatenation (cache_address.py), added to where the packet or the tile starts.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..core import GROUP, HALF, Core
from ..numerics import EXPONENT_BIAS
from .cache_address import (
    GROUP_BITS,
    SLOT_BYTES,
    TOKEN_BITS,
    block_number,
    in_words,
    key_offset,
    log2,
    rows_of_word,
    value_offset,
    whole_keys,
)  # fmt: skip
from .matrix_ports import CODE_BITS, EXPONENT_BITS, QUARTER_BITS
from .memory_ports import ADDRESS_BITS, store_layout

_HALF_BIAS, _BF16_BIAS = 15, 127


def key_cycles(core: Core) -> int:
    """Cycles of one group of keys: one to begin, its scale, its codes."""
    return 3 if whole_keys(core) else 4


def value_cycles(core: Core) -> int:
    """Cycles of one group of values; the first one of a token writes its scale, too."""
    return 1 + GROUP // rows_of_word(core)


class CacheWriter(wiring.Component):
    """`load`: the group `group` of `token` is in the quantizer from the next cycle on, and must stay there while
    `busy`, but for `shift` (half a group; the rows of a word). Groups of a token come in order."""

    def __init__(self, core: Core) -> None:
        self.core = core
        super().__init__(
            {
                "load": In(1), "values": In(1), "token": In(TOKEN_BITS), "group": In(GROUP_BITS),
                "groups": In(GROUP_BITS + 1), "codes": In(CODE_BITS * GROUP), "exponent": In(EXPONENT_BITS),
                "quarter": In(QUARTER_BITS), "negative": In(1),
                "base": In(ADDRESS_BITS), "value_stride": In(ADDRESS_BITS), "value_scales": In(ADDRESS_BITS),
                "busy": Out(1), "shift": Out(2), "store": Out(stream.Signature(store_layout(core))),
            }
        )  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        core = self.core
        self.at_token, self.at_group = Signal(TOKEN_BITS), Signal(GROUP_BITS)
        self.scale = Signal()  # the scale comes next, or is there
        self.count = Signal(range(GROUP))  # of the code writes
        self.row, self.tile = Signal(log2(core.rows)), Signal(ADDRESS_BITS)
        self.ready, self.address = Signal(), Signal(ADDRESS_BITS)
        block = block_number(core, self.at_token, self.at_group, self.groups)
        self.block = Signal(len(block))
        m.d.comb += self.block.eq(block)
        with m.If(self.load):
            m.d.sync += [self.busy.eq(1), self.ready.eq(0), self.count.eq(0)]
            m.d.sync += [self.at_token.eq(self.token), self.at_group.eq(self.group)]
            m.d.sync += self.scale.eq(~self.values | (self.group == 0))
            with m.If(self.group == 0):
                m.d.sync += [self.tile.eq(self.base), self.row.eq(0)]
        self.steps(m)
        self.word(m)
        return m

    def steps(self, m: Module) -> None:
        """The address of a write is worked out a cycle before it; taken over only when the last one has moved."""
        core, moved = self.core, self.store.valid & self.store.ready
        count, row, scale = Signal.like(self.count), Signal(log2(core.rows) + 1), Signal()
        tile, last = Signal(ADDRESS_BITS), Signal()
        codes_moved, after_codes = moved & ~self.scale, self.ready & ~self.scale
        m.d.comb += [count.eq(self.count + after_codes), scale.eq(self.scale & ~self.ready)]
        m.d.comb += row.eq(self.row + Mux(after_codes & self.values, rows_of_word(core), 0))
        m.d.comb += tile.eq(self.tile + Mux(row[-1], self.value_stride, 0))
        most = Mux(self.values, value_cycles(core) - 2, key_cycles(core) - 3)
        m.d.comb += last.eq(after_codes & (self.count == most))
        m.d.comb += self.store.valid.eq(self.ready)
        m.d.comb += self.shift.eq(Cat(codes_moved & ~self.values, codes_moved & self.values))
        with m.If(self.busy & (~self.ready | moved)):
            m.d.sync += [
                self.ready.eq(~last),
                self.busy.eq(~last),
                self.count.eq(count),
                self.scale.eq(scale),
            ]
            m.d.sync += [self.row.eq(row), self.tile.eq(tile)]
            m.d.sync += self.address.eq(
                Mux(self.values, self.value_address(row, tile, scale), self.key_address(count, scale))
            )

    def key_address(self, count: Value, scale: Value) -> Value:
        """Packets are 34 S bytes, 32 S + 2 S (of 4 bits 18 S): the number of the packet, added at two places."""
        core = self.core
        block = self.block
        slots = log2(core.slots(SLOT_BYTES))
        scale_words = core.slots(SLOT_BYTES) * SLOT_BYTES // core.port_bytes
        packet = block[slots:]
        code_at = in_words(core, Cat(key_offset(core, self.block, count), packet))
        code_bytes = GROUP * core.key_bits // 8 * core.slots(SLOT_BYTES)
        of_scale = Cat(Const(0, log2(code_bytes) - log2(core.port_bytes)), packet)
        inside = in_words(core, Cat(Const(0, 1), block[:slots]))
        first = Mux(scale, of_scale, code_at)
        second = Mux(scale, packet << log2(scale_words), (packet + 1) << log2(scale_words))
        return (self.base + first + (second + Mux(scale, inside, 0)))[:ADDRESS_BITS]

    def value_address(self, row: Value, tile: Value, scale: Value) -> Value:
        core = self.core
        at = Mux(scale, self.base, tile)
        inside = Mux(
            scale,
            in_words(core, Cat(Const(0, 1), self.at_token)),
            in_words(core, value_offset(core, self.at_token, row)),
        )
        return (at + inside + Mux(scale, self.value_scales, 0))[:ADDRESS_BITS]

    def word(self, m: Module) -> None:
        """What a word is made of (store_word.py)."""
        core, store = self.core, self.store.payload
        of_scale = Mux(self.values, Cat(Const(0, 1), self.at_token), Cat(Const(0, 1), self.block))
        of_codes = Mux(
            self.values, value_offset(core, self.at_token, self.row), key_offset(core, self.block, self.count)
        )
        m.d.comb += [
            store.address.eq(self.address), store.values.eq(self.values), store.scale.eq(self.scale),
            store.offset.eq(Mux(self.scale, of_scale, of_codes)),
            store.codes.eq(Mux(self.scale, self.exponent_word(), self.stored()[: len(store.codes)])),
        ]  # fmt: skip

    def stored(self) -> Value:
        """Codes as they are stored: of 4 bits, 8 added, two in a byte: of a key those 16 apart, of values neighbors."""
        if self.core.cache_bits == 8:
            return self.codes
        codes = [self.codes[CODE_BITS * i :][:4] ^ 8 for i in range(GROUP)]
        of_keys = Cat(Cat(codes[i], codes[HALF + i]) for i in range(HALF))
        return Mux(self.values, Cat(codes), self.codes if self.core.wide_keys else of_keys)

    def exponent_word(self) -> Value:
        """binary16 of a key, bfloat16 of a value: +-(1 + quarter / 4) 2^(exponent - 133); as often as there is room."""
        short = self.core.cache_bits == 4
        quarter, sign = (self.quarter, self.negative) if short else (Const(0, QUARTER_BITS), Const(0, 1))
        half = Cat(Const(0, 8), quarter, (self.exponent - (EXPONENT_BIAS - _HALF_BIAS))[:5], sign)
        brain = Cat(Const(0, 5), quarter, (self.exponent - (EXPONENT_BIAS - _BF16_BIAS))[:8], sign)
        return Mux(self.values, brain, half).replicate(len(self.store.payload.codes) // (8 * SLOT_BYTES))
