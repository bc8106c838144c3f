"""The explanation says what a new pricing would say."""

import numpy as np
import pytest

from sartor.search import explain
from sartor.search.explore import explore
from sartor.search.polish import neighbors
from sartor.search.refine import REFINE_TECH


@pytest.fixture(scope="module")
def run():
    from sartor.search.study import find_study

    study = find_study("edge-smollm2")
    search = study.search.model_copy(update={"points": 100_000, "generations": 5, "population": 32})
    return explore(study.model_copy(update={"search": search, "others": []}))


def test_operators_sum_to_the_phase(run):
    priced = run.problem.price(run.found.genomes[:, [run.pick]], REFINE_TECH, keep=True)
    for rows in map(explain.phase_rows, priced.phases.values()):
        assert sum(r["share"] for r in rows) == pytest.approx(1)
        assert [r["latency_s"] for r in rows] == sorted((r["latency_s"] for r in rows), reverse=True)
        for r in rows:
            # Nothing is faster than the resource it needs most; the bound is that resource or the wait for input.
            needs = {k: r[f"{k}_s"] for k in ("compute", "memory", "vector", "network")}
            assert r["latency_s"] >= max(needs.values()) * (1 - 1e-9)
            assert r["bound"] == "exposed" or needs[r["bound"]] == max(needs.values())


def test_one_more_is_one_step_and_what_pricing_says(run):
    steps = explain.one_more(run, run.pick)
    assert {s["variable"] for s in steps} >= {"units", "rows", "lanes", "columns", "clock", "vector_lanes"}
    genome = run.found.genomes[:, run.pick].copy()
    base = run.problem.price(genome[:, None], REFINE_TECH)
    values = dict(run.problem.space.values)
    for s in steps[:12]:
        moved = genome.copy()
        index = run.problem.space.names.index(s["variable"])
        choices = [
            run.problem.space.describe(_with(genome, index, i))[s["variable"]]
            for i in range(len(values[s["variable"]]))
        ]
        moved[index] = choices.index(s["to"])
        assert abs(int(moved[index]) - int(genome[index])) == 1
        again = run.problem.price(moved[:, None], REFINE_TECH)
        ratio = float(np.ravel(again.usd_per_mtoken)[0] / np.ravel(base.usd_per_mtoken)[0]) - 1
        assert s["change"]["usd_per_mtoken"] == pytest.approx(ratio, abs=1e-12)
        assert bool(s["breaks"]) == bool(np.ravel(again.worst_violation)[0] > 1)


def _with(genome, index, value):
    changed = genome.copy()
    changed[index] = value
    return changed


def test_no_single_step_that_keeps_the_limits_is_cheaper_by_more_than_the_tie(run):
    # The search is at a local optimum: of the neighbors that keep the limits none beats the cheapest found.
    usd = run.found.points[:, 0].min()
    best = int(np.argmin(run.found.points[:, 0]))
    for s in explain.one_more(run, best):
        if not s["breaks"]:
            assert 1 + s["change"]["usd_per_mtoken"] >= 1 - 1e-6, s
    assert usd > 0


def test_why_not_breaks_the_one_limit_it_names(run):
    rows = explain.why_not(run, run.pick)
    assert {"ttft", "power", "unit cost"} <= {r["limit"] for r in rows}
    for miss in run.found.near.values():
        result = run.problem.price(miss.genome[:, None], REFINE_TECH)
        over = {name for name, ratio in result.violations.items() if float(np.ravel(ratio)[0]) > 1}
        assert over == {miss.limit}
        assert float(np.ravel(result.usd_per_mtoken)[0]) == pytest.approx(miss.usd_per_mtoken, rel=1e-4)


def test_best_dollar_is_allowed_and_faster(run):
    best = explain.best_dollar(explain.one_more(run, run.pick))
    assert best is None or (
        best["added_chip_usd"] > 0 and not best["breaks"] and best["change"]["latency_s"] < 0
    )


def test_neighbours_by_hand():
    # Two variables of 3 and 2 values around (1, 0): (0, 0), (2, 0), (1, 1).
    found = neighbors(np.array([3, 2]), np.array([[1, 0]], np.uint8))
    assert sorted(map(tuple, found.T.tolist())) == [(0, 0), (1, 1), (2, 0)]
