"""The compiled loops against the arrays that define them, bit by bit."""

import numpy as np
import pytest
from binary32 import canonical_numbers
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sartor.families.tensor import cache_numerics, float32, golden_vector, numerics
from sartor.families.tensor.core import Core
from sartor.families.tensor.golden_state import State
from sartor.families.tensor.isa import (
    BYPASS,
    Function,
    Mask,
    Op,
    Operand,
    Reduce,
    after,
    make,
)
from sartor.families.tensor.kernels import compiled, matrix, numbers, vector
from sartor.families.tensor.start import Start

SEEDS = st.integers(0, 2**32)
COMPILED = settings(deadline=None)  # at the first example
LEAST = np.float32(2.0**-126)
MOST = float32.MOST


def same(found, expected) -> None:
    assert np.array_equal(float32.bits(found).ravel(), float32.bits(expected).ravel())


def any_numbers(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Canonical, all exponents alike, or those of one size."""
    exponent = rng.integers(-126, 128, shape) if rng.integers(2) else rng.integers(-130, 128)
    x = float32.canonical(np.ldexp(rng.choice([-1, 1], shape) * rng.uniform(1, 2, shape), exponent))
    return np.where(rng.random(shape) < 0.1, np.float32(0), x)


@COMPILED
@given(canonical_numbers(), canonical_numbers())
@example(np.float32(1 - 2.0**-24), LEAST)  # rounds up to 2^-126, but is below it
@example(np.float32(2.0**-63), np.float32(2.0**-63))
@example(MOST, MOST)
@example(np.float32(2.0**-100), np.float32(-(2.0**-100)))  # -0
def test_sums_and_products(a: np.float32, b: np.float32) -> None:
    same(numbers.plus(a, b), float32.add(a, b))
    same(numbers.times(a, b), float32.multiply(a, b))


@COMPILED
@given(st.floats(width=32, allow_nan=False))
def test_what_is_read_becomes_canonical(x: float) -> None:
    same(numbers.canonical(np.float32(x)), float32.canonical(x))


@pytest.mark.parametrize("kind", Function)
@COMPILED
@given(canonical_numbers(), st.floats(-130, 130, width=32))
def test_functions(kind: int, any_size: np.float32, of_exp2: float) -> None:
    for x in (any_size, float32.canonical(of_exp2)[()]):
        same(numbers.function(int(kind), x), numerics.function(kind, x))


@COMPILED
@given(st.integers(-(2**39), 2**39 - 1), st.integers(-300, 300))
@example(2**30 - 1, -156)
@example(2**30, -156)
def test_accumulators_become_binary32(value: int, exponent: int) -> None:
    y = np.empty((1, 1, 1), np.float32)
    matrix.rounded(np.full((1, 1, 1), float(value)), np.full((1, 1), 133), exponent - 133, y)
    same(y, numerics.result(value, 133, exponent - 133 + numerics.UNIT_BIAS))


@COMPILED
@given(SEEDS, st.integers(1, 5))
def test_codes(seed: int, groups: int) -> None:
    x = any_numbers(np.random.default_rng(seed), 2, 3, groups * 32)
    keys = cache_numerics.KEY_LOW, cache_numerics.KEY_HIGH
    for found, expected in zip(golden_vector.quantized(x), numerics.quantize_groups(x), strict=True):
        assert found.dtype == expected.dtype and np.array_equal(found, expected)
    codes, exponents = golden_vector.quantized(x, *keys)
    cached = codes, cache_numerics.power_scale(exponents)
    for found, expected in zip(cached, cache_numerics.quantize_keys(x), strict=True):
        assert found.dtype == expected.dtype and np.array_equal(found, expected)


@pytest.mark.parametrize("kind", [Reduce.SUM, Reduce.MAX, Reduce.MAGNITUDE])
@COMPILED
@given(seed=SEEDS, groups=st.integers(1, 20), small=st.booleans(), exponent=st.sampled_from([-126, -100, 0, 127]))
def test_reductions(kind: int, seed: int, groups: int, small: bool, exponent: int) -> None:
    """Also where running sums are flushed to zero or saturate on the way."""
    rng = np.random.default_rng(seed)
    x = rng.integers(-2, 3, (2, 3, groups * 32)) / 2 if small else rng.normal(size=(2, 3, groups * 32))
    y = float32.canonical(np.ldexp(x, exponent))
    scalars = np.zeros((2, 4, 16), np.float32)
    vector.reduced(y, int(kind), BYPASS, BYPASS, 0, np.zeros(1, np.float32), scalars, 2)
    same(scalars[:, 2, :3], numerics.reduce(kind, y))


CORE, GROUPS, COLUMNS = Core(scratch_groups=32), 2, 3
PLACES = {"a_addr": 1, "a_stride": 2, "b_addr": 9, "b_stride": 3, "d_addr": 20, "d_stride": 2}


def operand(s: State, kind: int, index: int, a: np.ndarray):
    """As the instruction has it, of [sequences, columns, n]."""
    at = {Operand.B: (9, 3), Operand.D: (20, 2)}
    if kind in at:
        first, step = at[kind]
        rows = [s.scratch[:, (first + c * step) * 32 :][:, : GROUPS * 32] for c in range(COLUMNS)]
        return np.stack(rows, axis=1)
    constant = s.scalars[:, index & 3, :COLUMNS, None] if kind == Operand.SCALAR else s.constants[index]
    return a if kind == Operand.A else constant


@pytest.mark.parametrize("p", [Operand.NONE, Operand.A, Operand.B, Operand.SCALAR, Operand.CONSTANT])
@pytest.mark.parametrize("q", [Operand.NONE, Operand.B, Operand.SCALAR, Operand.CONSTANT, Operand.D])
@settings(max_examples=20, deadline=None)
@given(
    seed=SEEDS, mask=st.sampled_from(Mask), swap=st.booleans(), index=st.integers(0, 15), reduce=st.booleans(),
    kind=st.sampled_from([f for f in Function if f != Function.RSQRT]), last=st.sampled_from(Function),
)  # fmt: skip
def test_a_pass_is_f_of_a_p_plus_q(p: int, q: int, seed: int, mask: int, swap: bool, index: int, reduce: bool,
                                   kind: int, last: int) -> None:  # fmt: skip
    rng = np.random.default_rng(seed)
    s = State(CORE, [np.zeros(0, np.uint8)] * 2, tuple(any_numbers(rng, 16).tolist()))
    s.scratch[...], s.scalars[...] = any_numbers(rng, *s.scratch.shape), any_numbers(rng, *s.scalars.shape)
    s.start([Start(0, (int(x),), ()) for x in rng.integers(0, 70, 2)])
    a = np.stack([s.scratch[:, (1 + 2 * c) * 32 :][:, : GROUPS * 32] for c in range(COLUMNS)], axis=1)
    if swap:
        a = a.reshape(2, COLUMNS, -1, 2)[..., ::-1].reshape(a.shape)
    if mask:
        length = s.positions[:, None, None] + 1 + np.arange(COLUMNS)[:, None] * (mask == Mask.CAUSAL)
        a = np.where(np.arange(GROUPS * 32) < length, a, -MOST)
    y = float32.multiply(a, operand(s, p, index, a)) if p else a
    y = numerics.function(kind, float32.add(y, operand(s, q, index, a)) if q else y)
    shape = {**PLACES, "d_addr": after(1, 3, 4, last)} if reduce and q != Operand.D else PLACES
    is_sum = shape is not PLACES
    golden_vector.run(s, make(
        Op.VEC, n=GROUPS, columns=COLUMNS, p=p, q=q, p_index=index, q_index=index, mask=mask, swap=swap,
        function=kind, reduce=Reduce.SUM * is_sum, **shape,
    ))  # fmt: skip
    if is_sum:
        total = float32.add(float32.multiply(numerics.reduce(Reduce.SUM, y), s.constants[3]), s.constants[4])
        same(s.scalars[:, 1, :COLUMNS], numerics.function(last, total))
    else:
        same(operand(s, Operand.D, 0, y), y)


def test_without_a_cache_loops_are_compiled_all_the_same(monkeypatch) -> None:
    """No folder of numba's can be written."""
    def refused(*given, cache: bool = False, **more):
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return plain(*given, **more)

    plain = compiled.numba.njit
    monkeypatch.setattr(compiled.numba, "njit", refused)
    assert compiled.compiled(lambda x: x + 1)(2) == 3
