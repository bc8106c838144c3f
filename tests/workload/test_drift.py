"""How far traffic is from other traffic."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest import approx

from sartor.errors import InputError
from sartor.serve.simulate import scaled
from sartor.workload.drift import distance, drift
from sartor.workload.traffic import WINDOWS, Traffic, dispersion

samples = st.lists(st.integers(0, 9), min_size=1, max_size=30).map(np.array)


def made(name: str, gaps, prompt: int, output: int) -> Traffic:
    arrival_s = np.concatenate([[0.0], np.cumsum(gaps)])
    lengths = np.full(len(arrival_s), prompt), np.full(len(arrival_s), output)
    return Traffic(name, arrival_s, *lengths)


def test_twice_as_fast_and_twice_as_long_by_hand() -> None:
    found = drift(made("a", np.ones(64), 100, 10), made("b", np.full(64, 0.5), 200, 10))
    assert found["figures"]["rate_per_s"] == [1.0, 2.0] and found["figures"]["prompt_mean"] == [100, 200]
    # Prompts have no length in common, outputs are the same, and gaps over their mean too.
    assert found["distances"] == {"prompt_tokens": 1.0, "output_tokens": 0.0, "gaps": 0.0}


@given(samples, samples)
def test_distance_is_a_distance(a: np.ndarray, b: np.ndarray) -> None:
    assert distance(a, a) == 0 and distance(a, b) == distance(b, a) and 0 <= distance(a, b) <= 1
    brute = max(abs((a <= x).mean() - (b <= x).mean()) for x in range(10))
    assert distance(a, b) == approx(brute)


def test_dispersion_of_arrivals_at_random_is_one_and_of_pairs_two() -> None:
    rng = np.random.default_rng(0)
    alone = np.cumsum(rng.exponential(1.0, 200_000))
    assert dispersion(alone) == approx((1.0,) * len(WINDOWS), rel=0.3)
    pairs = np.repeat(alone, 2)  # each count is twice one at random: variance 4 over mean 2
    assert dispersion(pairs)[:4] == approx((2.0,) * 4, rel=0.2)
    assert dispersion(np.zeros(5)) == (1.0,) * len(WINDOWS)


def test_what_was_decoded_together_goes_along_where_it_is_known() -> None:
    one = made("a", np.ones(3), 100, 10)
    two = replace(one, batch=np.array([1.0, 2.0, 2.0, 4.0]))
    # Ten tokens each: 10 + 5 + 5 + 2.5 passes.
    assert drift(one, two)["recorded_batch"] == approx(40 / 22.5) and drift(two, one)["recorded_batch"] is None
    assert scaled(two, None, 2).recorded_batch == approx(20 / 15)
    for wrong in (np.ones(3), np.array([1.0, 0.5, 1.0, 1.0]), np.array([1.0, np.nan, 1.0, 1.0])):
        with pytest.raises(InputError, match="batch must be at least 1"):
            replace(one, batch=wrong)
