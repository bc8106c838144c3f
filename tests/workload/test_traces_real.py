"""Validation: the readers and the profiles against public traces, which are not part of the repository."""

import json
from pathlib import Path

import numpy as np
import pytest

from sartor.workload.fit_profile import fit
from sartor.workload.generator import generate
from sartor.workload.profiles import profiles
from sartor.workload.traces import read_trace

SHARED = Path(__file__).parents[2] / ".." / "shared" / "data"
TRACES = SHARED / "traces"
pytestmark = pytest.mark.skipif(not TRACES.is_dir(), reason="no public traces at ../shared/data/traces")

FILES = {
    "azure2023_conv": "azure2023/AzureLLMInferenceTrace_conv.csv",
    "azure2023_code": "azure2023/AzureLLMInferenceTrace_code.csv",
    "mooncake_conversation": "mooncake/conversation_trace.jsonl",
    "mooncake_synthetic": "mooncake/synthetic_trace.jsonl",
}
FITTED = {"chat": "azure2023_conv", "code": "azure2023_code", "long-context": "mooncake_conversation"}


def summary(trace):
    return json.loads((TRACES / "summary.json").read_text())[trace]


@pytest.mark.parametrize("trace", FILES)
def test_readers_give_the_published_statistics(trace):
    traffic, known = read_trace(TRACES / FILES[trace]), summary(trace)
    found = traffic.demand(95)
    assert len(traffic) == known["arrivals"]["n"]
    assert found.rate_per_s == pytest.approx(known["arrivals"]["rps"], rel=1e-3)
    assert found.arrival_scv**0.5 == pytest.approx(known["arrivals"]["iat_cv"], rel=1e-3)
    assert found.prompt_mean == pytest.approx(known["input"]["mean"], abs=0.06)
    assert found.prompt_tail == pytest.approx(known["input"]["p95"], abs=0.01)
    assert found.output_mean == pytest.approx(known["output"]["mean"], abs=0.06)
    assert np.percentile(traffic.output_tokens, 99) == pytest.approx(known["output"]["p99"], abs=0.01)
    assert found.prefix_hit == pytest.approx(known.get("inf_cache_prefix_hit", 0), abs=5e-4)


def test_serving_logs_are_read():
    logs = sorted((SHARED / "measured" / "serving_logs").glob("*/*/requests.jsonl"))
    if not logs:
        pytest.skip("the serving logs are not at ../shared/data/measured/serving_logs")
    for log in logs:
        found = read_trace(log).demand()
        assert found.rate_per_s == pytest.approx(10.3, rel=0.01)
        assert found.prompt_mean == pytest.approx(857.5, abs=0.06)
        assert found.output_mean == pytest.approx(652.5, abs=0.06)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", FITTED)
def test_a_profile_generates_its_trace(name, seed):
    known = summary(FITTED[name])
    traffic = generate(profiles()[name], known["arrivals"]["n"], np.random.default_rng(seed))
    for side, lengths in (("input", traffic.prompt_tokens), ("output", traffic.output_tokens)):
        assert lengths.mean() == pytest.approx(known[side]["mean"], rel=0.05)
        for percentile, error in ((50, 0.05), (90, 0.05), (95, 0.05), (99, 0.10)):
            want = known[side][f"p{percentile}"]
            assert np.percentile(lengths, percentile) == pytest.approx(want, rel=error)
    found = traffic.demand()
    assert found.rate_per_s == pytest.approx(known["arrivals"]["rps"], rel=0.02)
    assert found.arrival_scv**0.5 == pytest.approx(known["arrivals"]["iat_cv"], rel=0.10)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", FITTED)
def test_bursts_over_a_second_to_a_minute_are_those_of_the_trace(name, seed):
    # Independent gaps would give half the peaks of code and chat, and twice those of long-context.
    known = summary(FITTED[name])["arrivals"]
    arrival_s = generate(profiles()[name], known["n"], np.random.default_rng(seed)).arrival_s
    for window_s in (1, 10, 60):
        counts = np.histogram(arrival_s, np.arange(0, arrival_s[-1], window_s))[0]
        assert counts.max() / counts.mean() == pytest.approx(known[f"peak_to_mean_{window_s}s"], rel=0.55)
        assert counts.var() / counts.mean() == pytest.approx(known[f"fano_{window_s}s"], rel=0.55)


@pytest.mark.parametrize("name", FITTED)
def test_closed_forms_see_the_trace_in_its_profile(name):
    want = read_trace(TRACES / FILES[FITTED[name]]).demand()
    found = generate(profiles()[name], 50_000, np.random.default_rng(2)).demand()
    for moment, error in (("prompt_square_mean", 0.05), ("output_scv", 0.06), ("decode_context_mean", 0.05),
                          ("context_max", 0.10), ("prefix_hit", 0.001)):  # fmt: skip
        assert getattr(found, moment) == pytest.approx(getattr(want, moment), rel=error), moment


@pytest.mark.parametrize("name", FITTED)
def test_the_built_in_profile_is_the_fit_of_its_trace(name):
    fitted, kept = fit(read_trace(TRACES / FILES[FITTED[name]])), profiles()[name]
    for table in ("levels", "gaps", "prompt_tokens", "output_tokens"):
        assert getattr(fitted, table) == pytest.approx(getattr(kept, table), rel=1e-4)
    assert (fitted.rate_per_s, fitted.prefix_hit) == (kept.rate_per_s, kept.prefix_hit)
    assert fitted.copula == pytest.approx(kept.copula, abs=1e-3)
    assert fitted.clustering == pytest.approx(kept.clustering, abs=1e-3)
    assert fitted.fitted_to == kept.fitted_to
