"""The integers of cb4-g64: what their docstring says of them, on normal weights in groups of 64."""

import functools

import numpy as np
import pytest

from sartor.formats.codec import codec
from sartor.formats.decode import Element

LEAST, MOST = -16, 15
OURS = [int(n) for n in Element.CB4.of.numbers(np.arange(16, dtype=np.uint8))]
NORMAL = np.random.default_rng(0).normal(size=(20_000, 64)).astype(np.float32)


def error(name: str) -> float:
    return float(((codec(name).round_trip(NORMAL) - NORMAL) ** 2).mean(dtype=np.float64))


def test_its_error_is_5_percent_below_int4_and_1_percent_above_nf4() -> None:
    found = error("cb4-g64")
    assert found / error("int4-g64") == pytest.approx(0.947, abs=0.004)
    assert found / error("nf4") == pytest.approx(1.009, abs=0.004)


@functools.cache
def moments() -> tuple[np.ndarray, list[np.ndarray]]:
    """All weights over their scales, ascending, and up to each the sums of scale^2 times 1, them and their squares."""
    largest = NORMAL[np.arange(len(NORMAL)), np.abs(NORMAL).argmax(1)][:, None]
    scale = (largest / LEAST).astype(np.float16).astype(np.float64)
    v, weight = (NORMAL / scale).reshape(-1), np.broadcast_to(scale**2, NORMAL.shape).reshape(-1)
    order = np.argsort(v)
    v, weight = v[order], weight[order]
    return v, [np.concatenate([[0], np.cumsum(weight * v**n)]) for n in range(3)]


def lost(number: float, low: float, high: float) -> float:
    """Mean squared error of what lies between and is rounded to the number."""
    v, sums = moments()
    i, j = np.searchsorted(v, [low, high])
    zero, one, two = (m[j] - m[i] for m in sums)
    return float(two - 2 * number * one + number**2 * zero) / len(v)


def between(a: float, b: float) -> float:
    """Of what lies between two neighbors."""
    return lost(a, a, (a + b) / 2) + lost(b, (a + b) / 2, b)


def best(first, count, step, last) -> tuple[float, list[int]]:
    """The least error of `count` ascending integers from `first` on, and the integers, by dynamic programming."""
    ways = {first: (0.0, [first])}  # by their last integer
    for _ in range(count - 1):
        ways = {
            b: min((loss + step(a, b), [*chosen, b]) for a, (loss, chosen) in ways.items() if a < b)
            for b in range(min(ways) + 1, MOST + 1)
        }
    return min((loss + last(b), chosen) for b, (loss, chosen) in ways.items())


def test_none_with_the_same_magnitudes_of_both_signs_have_less() -> None:
    loss, chosen = best(
        0, 8, lambda a, b: between(a, b) + between(-b, -a),
        lambda b: lost(b, b, np.inf) + between(LEAST, -b) + lost(LEAST, -np.inf, LEAST),
    )  # fmt: skip
    assert sorted({*chosen, *(-n for n in chosen), LEAST}) == OURS
    assert loss == pytest.approx(error("cb4-g64"), rel=1e-4)


def test_of_all_the_best_have_2_percent_less() -> None:
    loss, chosen = best(LEAST, 16, between, lambda b: lost(b, b, np.inf) + lost(LEAST, -np.inf, LEAST))
    assert [n for n in chosen if n < 2] == OURS[:10] and chosen[10:] == [3, 5, 7, 9, 11, 14]
    assert loss / error("cb4-g64") == pytest.approx(0.983, abs=0.004)
