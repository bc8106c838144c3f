"""The generator by hand and by law, the built-in profiles, and finding traffic by name or path."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from trace_samples import AZURE

from sartor.errors import InputError, UnknownName
from sartor.workload.draws import clustered, correlated, dispersion, strata, table_moments
from sartor.workload.generator import Profile, generate
from sartor.workload.profiles import demand, find_traffic, names, profile, profiles

FLAT = Profile("flat", rate_per_s=2.0, prefix_hit=0.25, copula=0.0, clustering=0.0, levels=(0, 0.5, 1),
               gaps=(1, 1, 1), prompt_tokens=(10, 20, 40), output_tokens=(1, 1, 3))  # fmt: skip


def rng(seed=0):
    return np.random.default_rng(seed)


def test_a_flat_profile_by_hand():
    traffic = generate(FLAT, 1000, rng())
    # Gaps are all 1 / rate = 0.5 s.
    assert traffic.arrival_s == pytest.approx(np.arange(1000) / 2)
    # Half uniform on 10..20, half on 20..40: mean (15 + 30) / 2, median 20.
    assert traffic.demand().prompt_mean == pytest.approx(22.5, rel=0.01)
    assert np.median(traffic.prompt_tokens) == pytest.approx(20, abs=1)
    # Half at 1, half uniform on 1..3.
    assert traffic.demand().output_mean == pytest.approx(1.5, rel=0.01)
    assert traffic.prefix_hit == 0.25


@given(st.integers(1, 300), st.integers(0, 99))
def test_strata_hold_one_draw_each_and_keep_the_order(n, seed):
    order = rng(seed).standard_normal(n)
    u = strata(order, rng(seed))
    assert sorted(np.floor(u * n).tolist()) == list(range(n))
    assert np.argsort(u).tolist() == np.argsort(order).tolist()


@given(st.floats(-1, 1))
def test_the_copula_correlates_as_asked(r):
    first, second = correlated(20_000, r, rng())
    # Ranks of normals of correlation r correlate by 6/pi asin(r/2) (Pearson, 1907).
    assert np.corrcoef(first, second)[0, 1] == pytest.approx(6 / np.pi * np.arcsin(r / 2), abs=0.02)


@given(st.floats(-1, 1))
def test_clustering_keeps_the_draws_and_orders_them(share):
    n = 20_000
    u = clustered(n, share, rng())
    assert sorted(np.floor(u * n).tolist()) == list(range(n))
    # Independent draws of 0..1 have dispersion (1/12) / (1/2)^2 = 1/3 over any number of them. A part that is
    # spread evenly adds nothing to sums of 20; one that moves slowly over 1000 adds 20 times as much.
    factor = 1 + share if share <= 0 else 1 + 19 * share
    assert dispersion(u, 20) == pytest.approx(factor / 3, rel=0.3, abs=0.05)


def test_dispersion_by_hand():
    # Pairs of 1, 1, 3, 3: 2, 4, 6 with variance 8/3, over 2 x 2^2.
    assert dispersion(np.array([1.0, 1.0, 3.0, 3.0]), 2) == pytest.approx(8 / 3 / 8)
    assert dispersion(rng().exponential(size=50_000), 30) == pytest.approx(1, rel=0.1)


@given(st.lists(st.floats(0, 1e6), min_size=2, max_size=9).map(sorted).filter(lambda v: v[-1] > 1))
def test_moments_of_a_table_are_those_of_its_draws(values):
    levels = np.linspace(0, 1, len(values))
    draws = np.interp((np.arange(100_000) + 0.5) / 100_000, levels, values)
    mean, cv = table_moments(levels, values)
    assert mean == pytest.approx(draws.mean(), rel=1e-3)
    assert cv == pytest.approx(draws.std() / draws.mean(), abs=1e-3)


def test_the_four_profiles_are_sourced():
    assert names() == ["chat", "code", "long-context", "reasoning"]
    for built_in in profiles().values():
        assert built_in.source and built_in.date and built_in.fitted_to
        assert table_moments(built_in.levels, built_in.gaps)[0] == pytest.approx(1, rel=1e-3)


# Inter-arrival CV as published or measured in the traces; see traffic.toml for the sources.
CV = {"chat": 1.09, "code": 13.15, "long-context": 3.03, "reasoning": 2.28}


@pytest.mark.parametrize("name", CV)
@pytest.mark.parametrize("requests", [2_000, 100_000])
def test_generated_arrivals_are_as_bursty_as_their_source(name, requests):
    found = profile(name, requests=requests, rng=rng(1)).demand()
    assert found.arrival_scv**0.5 == pytest.approx(CV[name], rel=0.1)
    assert found.rate_per_s == pytest.approx(profiles()[name].rate_per_s, rel=0.02 if requests > 1e4 else 0.1)


def test_reasoning_answers_are_longer_than_prompts():
    # Rate-weighted means of ServeGen's DeepSeek-R1 clients: 1268 tokens in, 1527 out.
    found = demand("reasoning")
    assert found.prompt_mean == pytest.approx(1268, rel=0.05)
    assert found.output_mean == pytest.approx(1527, rel=0.05)


def test_the_same_rng_gives_the_same_requests():
    one, same, other = (profile("chat", requests=50, rng=rng(seed)) for seed in (3, 3, 4))
    assert one.arrival_s.tolist() == same.arrival_s.tolist()
    assert one.prompt_tokens.tolist() == same.prompt_tokens.tolist()
    assert one.output_tokens.tolist() == same.output_tokens.tolist()
    assert one.prompt_tokens.tolist() != other.prompt_tokens.tolist()


def test_another_rate_only_scales_time():
    slow, fast = (profile("code", requests=500, rng=rng(3), rate_per_s=r) for r in (1.0, 10.0))
    assert fast.arrival_s == pytest.approx(slow.arrival_s / 10)
    assert fast.prompt_tokens.tolist() == slow.prompt_tokens.tolist()


@pytest.mark.parametrize("name", CV)
def test_demand_of_a_name_is_that_of_its_fixed_sample(name):
    assert demand(name, 90.0) == find_traffic(name).demand(90.0)
    assert find_traffic(name) is find_traffic(name)
    with pytest.raises(ValueError, match="read-only"):
        find_traffic(name).prompt_tokens[0] = 1


def test_traffic_is_found_by_path(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text(AZURE)
    assert len(find_traffic(path)) == len(find_traffic(str(path))) == 3
    assert demand(path).prompt_mean == pytest.approx((374 + 396 + 879) / 3)


@pytest.mark.parametrize("name", ["chta", "", "x" * 5000])
def test_an_unknown_name_lists_the_profiles(name):
    with pytest.raises(UnknownName, match="chat, code, long-context, reasoning"):
        find_traffic(name)
    with pytest.raises(UnknownName, match="unknown traffic profile"):
        profile(name, requests=1, rng=rng())


@pytest.mark.parametrize("path", ["missing.csv", "no/such/trace"])
def test_a_missing_file_is_no_unknown_name(path):
    with pytest.raises(InputError, match="cannot be read: No such file"):
        find_traffic(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rate_per_s": 0.0}, "[flat] rate_per_s = 0.0 must be above 0"),
        ({"rate_per_s": float("nan")}, "[flat] rate_per_s = nan must be above 0"),
        ({"prefix_hit": 2.0}, "[flat] prefix_hit = 2.0 must be from 0 to 1"),
        ({"copula": -2.0}, "[flat] copula = -2.0 must be from -1 to 1"),
        ({"clustering": 1.5}, "[flat] clustering = 1.5 must be from -1 to 1"),
        ({"levels": (0, 0.7, 0.9)}, "[flat] levels must rise from 0 to 1"),
        ({"gaps": (1, 1)}, "[flat] gaps has 2 values for 3 levels"),
        ({"prompt_tokens": (0, 1, 2)}, "prompt_tokens must be finite, never fall and start at 1 or more"),
        ({"output_tokens": (1, 3, 2)}, "[flat] output_tokens must be finite, never fall"),
        ({"output_tokens": (1, 3, float("inf"))}, "[flat] output_tokens must be finite"),
    ],
)
def test_an_impossible_profile_is_refused(change, message):
    with pytest.raises(InputError) as caught:
        dataclasses.replace(FLAT, **change)
    assert message in str(caught.value)


@pytest.mark.parametrize("asked", [{"requests": 0}, {"requests": 5, "rate_per_s": -1.0}])
def test_impossible_requests_are_refused(asked):
    with pytest.raises(InputError, match=r"profile chat: (requests = 0|rate_per_s = -1\.0) must be"):
        profile("chat", rng=rng(), **asked)
