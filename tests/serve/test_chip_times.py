"""Steps of a chip: what the estimate says where one thing happens, and no more than the sum where two do."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest import approx

from sartor.chip.presets import preset
from sartor.families import priced
from sartor.serve.chip_table import Sizes, chip_table
from sartor.serve.chip_times import ChipTimes
from sartor.workload.derive import operators
from sartor.workload.find import bundled
from sartor.workload.step import Step

CASES = (("h100-sxm", "llama-3.1-8b", 1), ("h100-sxm", "deepseek-v3", 16), ("rngd", "llama-3.1-8b", 1))
ANY = (0, 0)  # the spread of contexts, which chips do not ask for


@functools.cache
def made(chip: str, model: str, chips: int):
    replica = priced(preset(chip)).replica(chips, {})
    times = ChipTimes(chip_table(priced(preset(chip)), bundled(model), Sizes(64, 1024, 16384), chips))
    return replica, bundled(model), times


def asked(case, phase, step):
    replica, model, _ = made(*case)
    done = replica.phase(operators(model, phase), step)
    return float(done.latency_s), float(done.dynamic_j)


cases = st.sampled_from(CASES)


@given(cases, st.integers(1, 64), st.floats(1, 16000))
@settings(max_examples=60, deadline=None)
def test_decode_alone_is_the_estimate(case, n: int, mean: float) -> None:
    """Straight between the table's points: within 1 % in time and 2 % in energy, whose power limit bends it."""
    context = int(mean * n)
    found, wanted = made(*case)[2].step([], n, context, ANY), asked(case, "decode", Step(n, 1, context / n))
    assert found[0] == approx(wanted[0], rel=0.01) and found[1] == approx(wanted[1], rel=0.02)


@given(cases, st.integers(1, 1024))
@settings(max_examples=60, deadline=None)
def test_a_prompt_alone_is_the_estimate(case, tokens: int) -> None:
    assert made(*case)[2].step([(tokens, 0)], 0, 0, ANY) == approx(asked(case, "prefill", Step(1, tokens, 0)))


@given(cases, st.integers(1, 1024), st.integers(1, 15000))
@settings(max_examples=60, deadline=None)
def test_a_later_chunk_is_the_estimate(case, tokens: int, cached: int) -> None:
    found = made(*case)[2].step([(tokens, cached)], 0, 0, ANY)
    assert found == approx(asked(case, "prefill", Step(1, tokens, cached)), rel=0.02)


@given(cases, st.lists(st.integers(1, 300), min_size=1, max_size=3), st.integers(0, 60))
@settings(max_examples=100, deadline=None)
def test_together_is_less_than_one_after_the_other(case, tokens: list[int], n: int) -> None:
    times = made(*case)[2]
    parts = [times.step([(t, 0)], 0, 0, ANY) for t in tokens] + ([times.step([], n, n * 500, ANY)] if n else [])
    whole = times.step([(t, 0) for t in tokens], n, n * 500, ANY)
    for i in range(2):
        assert max(p[i] for p in parts) * 0.999 <= whole[i] <= sum(p[i] for p in parts) * 1.001


@given(cases, st.integers(1, 64), st.integers(1, 12000), st.integers(1, 300))
@settings(max_examples=60, deadline=None)
def test_a_run_is_its_steps(case, n: int, mean: int, steps: int) -> None:
    """The line that a run follows gives the same sum as its steps one by one."""
    times = made(*case)[2]
    line = times.line(n, mean * n, ANY)
    steps = min(steps, line.steps)
    one_by_one = sum(times.step([], n, (mean + i) * n, ANY)[0] for i in range(steps))
    assert steps * line.s + line.s_more * steps * (steps - 1) / 2 == approx(one_by_one, rel=1e-6)


def test_weights_are_streamed_once_by_hand() -> None:
    # 32 requests and a prompt of 32 tokens, contexts short: the matrices of 64 tokens take as long as those of 32, for
    # memory bounds both. So together they take what one takes, and attention and its passes more.
    times = made(*CASES[0])[2]
    alone, together = times.step([], 32, 32, ANY)[0], times.step([(32, 0)], 32, 32, ANY)[0]
    assert together == approx(alone, rel=0.06)


def test_a_power_cap_slows_what_would_draw_more() -> None:
    chips, model = priced(preset("h100-sxm")), bundled("llama-3.1-8b")
    size = Sizes(16, 512, 4096)
    free, capped = (ChipTimes(chip_table(chips, model, size, power_cap_w=cap)) for cap in (None, 400.0))
    for chunks, n in (([(512, 0)], 0), ([], 16)):
        (s, j), (slow_s, slow_j) = free.step(chunks, n, n * 100, ANY), capped.step(chunks, n, n * 100, ANY)
        assert slow_j == approx(j)
        assert slow_s == approx(max(s, j / (400.0 - chips.static_w)), rel=1e-6)


@pytest.mark.parametrize("cap", [1.0, 50.0])
def test_a_cap_below_the_static_power_is_refused(cap: float) -> None:
    from sartor.errors import InputError

    with pytest.raises(InputError, match="power cap"):
        chip_table(priced(preset("h100-sxm")), bundled("llama-3.1-8b"), Sizes(4, 64, 512), power_cap_w=cap)


def test_tables_are_not_larger_than_they_must_be() -> None:
    table = chip_table(priced(preset("h100-sxm")), bundled("llama-3.1-8b"), Sizes(256, 2048, 131072))
    assert sum(np.size(getattr(table, name)) for name in ("decode", "prompt", "cached", "shared", "head")) < 120_000
