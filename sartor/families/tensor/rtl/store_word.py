"""The word that a store writes, made of what the store queue holds of it: at most 32 codes instead of a word."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..core import Core
from .cache_address import SLOT_BYTES, bytes_of_word, key_bytes, log2, row_bytes
from .matrix_ports import CODE_BITS
from .memory_ports import store_layout


class StoreWord(wiring.Component):
    """`data`: the codes of a key, or a scale, repeated over the word; of values, each row's code (or pair's) over the
    bytes of the row. `mask`: the bytes that are meant are those whose address bits agree with `offset`, but for those
    of their place within what is stored."""

    def __init__(self, core: Core) -> None:
        self.core = core
        ports = {"data": Out(8 * core.port_bytes), "mask": Out(core.port_bytes)}
        super().__init__({"store": In(store_layout(core)), **ports})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        core, store = self.core, self.store
        repeated = store.codes.replicate(8 * core.port_bytes // len(store.codes))
        m.d.comb += self.data.eq(Mux(store.values & ~store.scale, self.rows(), repeated))
        port = log2(core.port_bytes)
        key_free = key_bytes(core) - 1
        value_free = (bytes_of_word(core) - 1) * row_bytes(core)
        codes_free = Mux(store.values, Const(value_free, port), Const(key_free, port))
        free = Mux(store.scale, Const(SLOT_BYTES - 1, port), codes_free)
        m.d.comb += self.mask.eq(agreeing(m, store.offset, free))
        return m

    def rows(self) -> Value:
        """Each byte of a row's slot is the row's code."""
        core = self.core
        size, rows = min(row_bytes(core), core.port_bytes), bytes_of_word(core)
        codes = [self.store.codes.word_select(i % rows, CODE_BITS) for i in range(core.port_bytes // size)]
        return Cat(code.replicate(size) for code in codes)


def agreeing(m: Module, offset: Value, free: Value) -> Value:
    """A bit for every number of as many bits as `offset`: whether it is `offset`, but for the bits that are `free`."""
    ones, zeros = Signal(len(offset)), Signal(len(offset))
    m.d.comb += [ones.eq(offset | free), zeros.eq(~offset | free)]
    mask: Value = Const(1, 1)
    for bit in range(len(offset)):
        wider = Signal(2 << bit, name=f"mask{bit}")
        below, above = (mask & every[bit].replicate(1 << bit) for every in (zeros, ones))
        m.d.comb += wider.eq(Cat(below, above))
        mask = wider
    return mask
