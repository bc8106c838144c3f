"""The search: deterministic, the same from every executor, interruptible, resumable, honest about failure."""

import dataclasses

import numpy as np
import pytest

from sartor.errors import Infeasible, InputError
from sartor.search import explore as explore_module
from sartor.search import screen, store
from sartor.search.executors import _windowed
from sartor.search.explore import explore
from sartor.search.pareto import front
from sartor.search.problem import objectives, problem
from sartor.search.refine import REFINE_TECH
from sartor.version import HOUSE, sources


def bits(run):
    return run.found.genomes.tobytes(), run.found.points.tobytes(), run.found.evaluations, run.found.killed


@pytest.fixture(autouse=True)
def units(monkeypatch):
    """Three units of 20,000 points, so that a small search has several."""
    monkeypatch.setattr(screen, "UNIT", 20_000)
    monkeypatch.setattr(explore_module, "UNIT", 20_000)


def test_the_same_seed_gives_the_same_front_and_another_seed_another(small):
    first, again = explore(small), explore(small)
    assert bits(first) == bits(again)
    assert bits(explore(small.with_points(seed=2))) != bits(first)


def test_a_pool_of_processes_gives_the_same_bits(small):
    assert bits(explore(small, "pool")) == bits(explore(small))


@pytest.mark.slow
def test_a_ray_cluster_gives_the_same_bits(small):
    ray = pytest.importorskip("ray", reason="needs ray: pip install 'sartor[ray]'")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error")
    try:
        assert bits(explore(small, "ray")) == bits(explore(small))
    finally:
        ray.shutdown()


def test_screening_finds_the_front_of_all_its_points(small):
    ready = problem(small)
    unit = screen.screen_unit(ready, 0, 5_000)
    genomes = ready.space.sample(5_000, np.random.default_rng([small.search.seed, 0]))
    result = ready.price(genomes, screen.SCREEN_TECH)
    kept = np.flatnonzero(result.feasible)
    points = objectives(result)[kept]
    best = front(points)
    assert unit.feasible == len(kept) > 0
    assert sorted(map(tuple, unit.points)) == sorted(map(tuple, points[best]))


def test_every_design_on_the_front_keeps_every_limit(small):
    run = explore(small)
    for name, ratio in run.result.violations.items():
        # Screening rounds to single precision: a design on a limit may pass it by that much.
        assert np.all(np.asarray(ratio) <= 1 + 1e-5), name


def test_refinement_never_loses_what_screening_found(small):
    ready = problem(small)
    screened = np.concatenate([screen.screen_unit(ready, n, 20_000).points for n in range(3)])
    refined = explore(small).found.points
    # Single precision in screening, double afterwards.
    assert np.all(refined.min(axis=0) <= screened.min(axis=0) * (1 + 1e-5))
    assert refined[:, 0].min() < screened[:, 0].min() * 0.98  # and it is worth its time


def test_ctrl_c_keeps_what_was_found_and_the_same_call_resumes(small, tmp_path, monkeypatch):
    monkeypatch.setenv("SARTOR_CACHE", str(tmp_path))
    whole = explore(small)

    def stop_after_two(done, total):
        if done >= 40_000:
            raise KeyboardInterrupt

    stopped = explore(small, progress=stop_after_two, resume=True)
    assert stopped.interrupted and 0 < stopped.found.evaluations < whole.found.evaluations
    assert stopped.found.genomes.shape[1] > 0
    resumed = explore(small, resume=True)
    assert resumed.screened == 20_000  # only the third unit
    assert bits(resumed) == bits(whole)
    assert not list((tmp_path / "runs").glob("*/*.parquet"))  # a finished run leaves nothing to resume


def test_units_of_other_prices_are_no_part_of_a_run(small, tmp_path, monkeypatch):
    ready = problem(small)
    unit = screen.screen_unit(ready, 0, 200)
    store.Shards(ready, tmp_path).save(0, unit)
    assert store.Shards(ready, tmp_path).load(0).evaluations == unit.evaluations
    monkeypatch.setattr(store, "code", lambda *parts: "other")
    assert store.Shards(ready, tmp_path).load(0) is None
    priced = {path.relative_to(HOUSE).as_posix() for path in sources(store.PRICES, store.NOT_IN_PRICES)}
    assert {"data/silicon.csv", "data/models/llama-3.1-8b.toml", "families/tensor/cycles.py", "tech/dram.py"} <= priced
    assert not any(path.startswith(("data/studies", "families/tensor/rtl", "report")) for path in priced)


def test_a_run_whose_units_another_run_priced_has_no_rate(small, tmp_path, monkeypatch):
    monkeypatch.setenv("SARTOR_CACHE", str(tmp_path))
    ready, shards = problem(small), store.Shards(problem(small))
    for number in range(3):
        shards.save(number, screen.screen_unit(ready, number, 20_000))
    run = explore(small, resume=True)
    assert run.screened == 0 and run.points_per_s is None and run.points_per_cpu_s is None
    assert bits(run) == bits(explore(small))


def test_a_run_goes_on_when_another_of_the_same_study_ends(small, tmp_path, monkeypatch):
    ready = problem(small)
    unit, shards, table = screen.screen_unit(ready, 0, 200), store.Shards(ready, tmp_path), store.to_table
    monkeypatch.setattr(store, "to_table", lambda *given: shards.clear() or table(*given))
    shards.save(0, unit)  # the folder goes while the unit is written
    assert shards.load(0) is None
    monkeypatch.undo()
    shards.save(0, unit)
    assert shards.load(0) is not None


def test_a_damaged_shard_is_priced_again(small, tmp_path, monkeypatch):
    monkeypatch.setenv("SARTOR_CACHE", str(tmp_path))

    def stop(done, total):
        raise KeyboardInterrupt

    explore(small, progress=stop, resume=True)
    (shard,) = (tmp_path / "runs").glob("*/*.parquet")
    shard.write_bytes(shard.read_bytes()[:100])
    assert bits(explore(small, resume=True)) == bits(explore(small))


def test_an_impossible_budget_says_what_was_nearest_and_by_how_much(small):
    budget = small.budget.model_copy(update={"power": 0.01})
    with pytest.raises(
        Infeasible, match=r"keeps every limit.*nearest misses power by \d+% \(also .*loosen \[budget\].* cores of "
    ):
        explore(small.model_copy(update={"budget": budget}))


def test_results_come_in_the_order_of_the_items_however_few_are_under_way():
    handed: list[int] = []
    results = _windowed(lambda i: handed.append(i) or i, lambda i: (i, len(handed)), range(7), 3)
    # Item 0 is given when three are under way; one more is handed out for each that is given.
    assert list(results) == [(0, 3), (1, 4), (2, 5), (3, 6), (4, 7), (5, 7), (6, 7)]


def test_unknown_executor(small):
    with pytest.raises(InputError, match="unknown executor 'dask'"):
        explore(small, "dask")


def test_the_pick_is_the_least_energy_of_the_cheapest(small):
    run = explore(small)
    usd, joules = np.asarray(run.result.usd_per_mtoken), np.asarray(run.result.j_per_token)
    near = usd <= usd.min() * 1.01
    assert near[run.pick] and joules[run.pick] == joules[near].min()


def test_a_row_of_the_front_is_a_chip_that_prices_the_same(small):
    from sartor.families import priced
    from sartor.search.evaluate import evaluate
    from sartor.search.result import Deployment

    run = explore(small)
    ready, chip = run.problem, run.chip(run.pick, "picked")
    _, how = ready.space.decode(run.found.genomes[:, [run.pick]], REFINE_TECH)
    one = Deployment(*(float(np.ravel(getattr(how, f.name))[0]) for f in dataclasses.fields(Deployment)))
    alone = evaluate(priced(chip, device=True), ready.work, one, ready.economy, ready.budget)
    assert float(alone.usd_per_mtoken) == pytest.approx(run.row(run.pick)["usd_per_mtoken"], rel=1e-9)


def test_screening_stays_in_single_precision(small):
    # One double column among them would make most of the others double, and screening a third slower.
    ready = problem(small)
    result = ready.price(ready.space.sample(100, np.random.default_rng(0)), screen.SCREEN_TECH)
    figures = {**vars(result), **result.violations}
    wide = [n for n, v in figures.items() if isinstance(v, np.ndarray) and v.dtype != np.float32]
    assert not wide
