"""A device with the ports of a core that does one thing once it is started: it reads words, traces them, adds
them up, writes the sum. Its "program" is read as registers: instructions SET with a value each, by place."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from amaranth.hdl import Array, Module, Signal
from amaranth.lib import wiring

from sartor.families.tensor.core import Core
from sartor.families.tensor.isa import COUNTERS, OPCODE_BITS, Instruction, Op, make
from sartor.families.tensor.rtl import top_ports
from sartor.rtl import yosys
from sartor.sim import build, native

CORE = Core(
    rows=2, lanes=32, columns=2, vector_lanes=4, port_bytes=16, buffer_groups=8, scratch_groups=32,
    weight_fifo_words=8, cache_fifo_words=8,
)  # fmt: skip
COUNT, STRIDE, BASE, FENCE_PC, HALT_PC, DEST, TAGS, WINDOW = range(8)
HANGS = 7  # at this position the device waits for ever


def program(
    count: int, stride: int = 1, base: int = 0, dest: int = 0, tags: int = 0, window: int = 64
) -> list[Instruction]:
    """`count` words from `base`, `stride` apart, at most `window` at once; `tags`: 0 weights, 1 cache, 2 in turn."""
    values = {COUNT: count, STRIDE: stride, BASE: base, DEST: dest, TAGS: tags, WINDOW: window}
    fixed = {FENCE_PC: make(Op.FENCE), HALT_PC: make(Op.HALT)}
    return [fixed.get(i) or make(Op.SET, value=values[i], label=f"register {i}") for i in range(8)]


class Device(wiring.Component):
    def __init__(self, core: Core = CORE) -> None:
        super().__init__({**top_ports.host(), **top_ports.memory(core), **top_ports.trace(core, 512)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        regs, busy, position = Array(Signal(24, name=f"r{i}") for i in range(8)), Signal(), Signal(32)
        asked, got, total, step, cycles = (
            Signal(32, name=n) for n in ("asked", "got", "total", "step", "cycles")
        )
        write, is_read = self.host_valid & self.host_write, self.host_valid & ~self.host_write
        address, data = self.host_address, self.host_write_data
        with m.If(write & address[14] & (address[:2] == 0)):
            m.d.sync += regs[address[2:5]].eq(data >> OPCODE_BITS)
        with m.If(write & (address == 0x30)):
            m.d.sync += position.eq(data)
        with m.If(is_read):
            m.d.sync += self.host_data.eq(0)
            with m.Switch(address):
                for at, value in ((0, busy), (0x90, asked), (0xA0, total), (0x40, cycles), (0x58, got)):
                    with m.Case(at):
                        m.d.sync += self.host_data.eq(value)
        with m.If(write & (address == 0) & ~busy):
            m.d.sync += [busy.eq(1), asked.eq(0), got.eq(0), total.eq(0), step.eq(0), cycles.eq(0)]
        reading = busy & (asked < regs[COUNT]) & (position != HANGS) & (asked - got < regs[WINDOW])
        storing = busy & (step == 2)
        m.d.comb += [
            self.request_valid.eq(reading | storing), self.request_write.eq(storing),
            self.request_address.eq(regs[BASE] + asked * regs[STRIDE]),
            self.request_tag.eq((regs[TAGS] == 1) | (regs[TAGS] == 2) & asked[0]),
            self.request_data.eq(total), self.request_mask.eq(0b1111),
        ]  # fmt: skip
        with m.If(storing):
            m.d.comb += self.request_address.eq(regs[DEST])
        with m.If(busy):
            m.d.sync += cycles.eq(cycles + 1)
        with m.If(reading & self.request_ready):
            m.d.sync += asked.eq(asked + 1)
        with m.If(self.response_valid):
            m.d.sync += [got.eq(got + 1), total.eq(total + self.response_data[:32])]
            m.d.comb += [
                self.trace_scratch_valid.eq(1), self.trace_scratch_address.eq(got),
                self.trace_scratch_mask.eq(0b1011), self.trace_scratch_data.eq(self.response_data),
                self.trace_buffer_valid.eq(1), self.trace_buffer_column.eq(self.response_tag),
                self.trace_buffer_group.eq(got), self.trace_buffer_exponent.eq(got + 3),
                self.trace_buffer_codes.eq(self.response_data),
            ]  # fmt: skip
        done = [busy & (got == regs[COUNT]), 1, self.request_ready, 1, 1]  # reads, -, store, FENCE, HALT
        for i, end in enumerate(done):
            with m.If(busy & (step == i) & end):
                m.d.comb += [self.trace_retire.eq(1), self.trace_pc.eq(i)]
                m.d.sync += [step.eq(i + 1), busy.eq(i + 1 < len(done))]
        return m


def build_device(component: Callable[[], Any] = Device, folder: Path | None = None, **options: Any) -> Path:
    verilog = yosys.clean_verilog(yosys.to_rtlil(component(), "top"), "top")
    return build.library(verilog, "top", native.sources(), folder=folder, **options)


assert COUNTERS.index("store_words") == 11 and 0x40 + 2 * 11 != 0x58 + 2
