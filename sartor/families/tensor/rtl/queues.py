"""The weight queue and the cache queue: commands into addresses of words, one a cycle."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ....rtl.fifo import Fifo
from . import memory_ports as ports

FETCH_COMMANDS = 8


class WeightQueue(wiring.Component):
    """STREAM: a long sequential read. The next command waits in `next`, so that one follows another
    without a cycle between them."""

    LATENCY = 2  # cycles from a command to its first address, when idle

    def __init__(self) -> None:
        super().__init__(
            {"command": In(stream.Signature(ports.stream_layout())), "o": Out(stream.Signature(ports.ADDRESS_BITS))}
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        waiting, following = Signal(), Signal(ports.stream_layout(), name="next")
        address, left = Signal(ports.ADDRESS_BITS), Signal(ports.WORDS_BITS)
        begins = Signal()
        m.d.comb += [
            self.o.payload.eq(address), self.o.valid.eq(left != 0), self.command.ready.eq(~waiting),
            begins.eq(waiting & ((left == 0) | ((left == 1) & self.o.ready))),
        ]  # fmt: skip
        with m.If(begins):
            m.d.sync += [address.eq(following.address), left.eq(following.words), waiting.eq(0)]
        with m.Elif(self.o.valid & self.o.ready):
            m.d.sync += [address.eq(address + 1), left.eq(left - 1)]
        with m.If(self.command.valid & self.command.ready):
            m.d.sync += [following.eq(self.command.payload), waiting.eq(1)]
        return m


class CacheQueue(wiring.Component):
    """FETCH: runs of words with a stride. The next command begins in the cycle of the last word."""

    LATENCY = Fifo.LATENCY + 1

    def __init__(self) -> None:
        super().__init__(
            {"command": In(stream.Signature(ports.fetch_layout())), "o": Out(stream.Signature(ports.ADDRESS_BITS))}
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.commands = commands = Fifo(ports.fetch_layout(), FETCH_COMMANDS)
        wiring.connect(m, commands.i, wiring.flipped(self.command))
        active, current = Signal(), Signal(ports.fetch_layout())  # its address: of the run
        address, left = Signal(ports.ADDRESS_BITS), Signal(ports.RUN_BITS)
        last_of_run, last, moves = Signal(), Signal(), Signal()
        head, row = commands.o.payload, Signal(ports.ADDRESS_BITS)
        m.d.comb += [
            self.o.payload.eq(address), self.o.valid.eq(active), moves.eq(active & self.o.ready),
            last_of_run.eq(left == 1), last.eq(last_of_run & (current.outer == 1)),
            row.eq(current.address + current.stride), commands.o.ready.eq(~active | (moves & last)),
        ]  # fmt: skip
        with m.If(moves):
            m.d.sync += [
                address.eq(Mux(last_of_run, row, address + 1)), left.eq(Mux(last_of_run, current.run, left - 1))
            ]
            with m.If(last_of_run):
                m.d.sync += [current.address.eq(row), current.outer.eq(current.outer - 1)]
        with m.If(commands.o.ready):
            m.d.sync += [
                current.eq(head), address.eq(head.address), left.eq(head.run),
                active.eq(commands.o.valid & (head.run != 0) & (head.outer != 0)),
            ]  # fmt: skip
        return m
