"""Fitting a profile: laws on made-up traffic."""

import tomllib

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from sartor.errors import InputError
from sartor.workload.fit_profile import bisect, fit, to_toml
from sartor.workload.generator import generate
from sartor.workload.traffic import Traffic


def made_up(seed, n=4000, shape=0.3, sigma=1.0, r=0.5):
    """Gamma gaps, lognormal lengths of correlated logarithms."""
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal((2, n))
    prompt, output = np.exp(5 + sigma * a), np.exp(4 + sigma * (r * a + (1 - r * r) ** 0.5 * b))
    gaps = rng.gamma(shape, 1 / shape, n)
    return Traffic("made up", np.cumsum(gaps), np.ceil(prompt).astype(int), np.ceil(output).astype(int), 0.5)


# No shrinking: it would take minutes, and a smaller example of a numerical miss explains nothing.
@settings(max_examples=10, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(st.integers(0, 99), st.floats(0.05, 1.0), st.floats(0.2, 1.0), st.floats(-0.8, 0.8))
def test_generated_traffic_has_the_moments_of_what_was_fitted(seed, shape, sigma, r):
    traffic = made_up(seed, shape=shape, sigma=sigma, r=r)
    want = traffic.demand()
    found = generate(fit(traffic), 20_000, np.random.default_rng(seed)).demand()
    assert found.rate_per_s == pytest.approx(want.rate_per_s, rel=0.02)
    assert found.arrival_scv**0.5 == pytest.approx(want.arrival_scv**0.5, rel=0.05)
    assert found.prompt_mean == pytest.approx(want.prompt_mean, rel=0.03)
    assert found.output_mean == pytest.approx(want.output_mean, rel=0.03)
    assert found.prompt_tail == pytest.approx(want.prompt_tail, rel=0.03)
    assert found.decode_context_mean == pytest.approx(want.decode_context_mean, rel=0.05)
    assert found.prefix_hit == 0.5


def test_fitting_what_a_fit_generates_changes_little():
    once = fit(made_up(1))
    twice = fit(generate(once, 50_000, np.random.default_rng(2)))
    assert twice.copula == pytest.approx(once.copula, abs=0.03)
    assert twice.prompt_tokens[1:-1] == pytest.approx(once.prompt_tokens[1:-1], rel=0.03, abs=1)


def test_even_arrivals_stay_even():
    traffic = Traffic("even", np.arange(200.0), np.arange(1, 201), np.full(200, 7))
    assert set(fit(traffic).gaps) == {1.0}
    assert fit(traffic).output_tokens == (7.0,) * len(fit(traffic).levels)


def test_bisect_stops_at_the_nearer_end():
    assert bisect(lambda x: x, 5.0, 0.0, 1.0) == pytest.approx(1)
    assert bisect(lambda x: x, -5.0, 0.0, 1.0) == pytest.approx(0)


def test_too_little_is_refused():
    with pytest.raises(InputError, match="made up: 99 requests are too few to fit"):
        fit(made_up(0, n=99))
    flood = Traffic("flood", np.zeros(200), np.ones(200, int), np.ones(200, int))
    with pytest.raises(InputError, match="flood: all requests arrive at once"):
        fit(flood)


def test_toml_reads_back_whatever_the_name():
    made = fit(made_up(0), name='a "b".c', source="x\\y", date="2026-11")
    entry = tomllib.loads(to_toml(made))['a "b".c']
    assert entry["source"] == "x\\y"
    assert tuple(entry["prompt_tokens"]) == pytest.approx(made.prompt_tokens, rel=1e-5)
