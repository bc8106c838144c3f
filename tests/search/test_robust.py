"""One chip for several works."""

import itertools

import numpy as np
import pytest

from sartor.search.explore import explore
from sartor.search.refine import REFINE_TECH
from sartor.search.robust import cheapest, regrets
from sartor.search.study import find_study


@pytest.fixture(scope="module")
def table():
    study = find_study("cloud-llama70b")
    search = study.search.model_copy(update={"points": 60_000, "generations": 3, "population": 32})
    study = study.model_copy(update={"search": search})
    main = explore(study)
    return study, main, regrets(study, main, 60_000)


def test_the_tailored_chip_is_the_best_at_its_own_work(table):
    _, _, regret = table
    n = len(regret.works)
    assert regret.works == ["chat", "reasoning", "long-context", "Qwen3-235B-A22B"]
    for b in range(n):
        known = [regret.usd[a][b] for a in range(n) if regret.usd[a][b] is not None]
        assert regret.usd[b][b] == min(known)
        assert regret.regret(b, b) == 0
        assert all(r is None or r >= 0 for r in (regret.regret(a, b) for a in range(n)))


def test_the_robust_pick_regrets_less_than_any_tailored_chip(table):
    _, _, regret = table
    n = range(len(regret.works))
    worst = [max((np.inf if regret.regret(a, b) is None else regret.regret(a, b)) for b in n) for a in n]
    assert regret.robust_worst is not None and regret.robust_worst <= min(worst) + 1e-12


def test_cheapest_is_the_minimum_over_every_deployment(table):
    _, main, _ = table
    ready, genome = main.problem, main.found.genomes[:, main.pick]
    names, counts = ready.space.names, ready.space.counts
    free = [names.index(n) for n in ("tensor_parallel", "stages", "batch", "load")]
    best = np.inf
    for ways in itertools.product(*(range(counts[i]) for i in free)):
        one = genome.copy()
        one[free] = ways
        result = ready.price(one[:, None], REFINE_TECH)
        if float(np.ravel(result.worst_violation)[0]) <= 1:
            best = min(best, float(np.ravel(result.usd_per_mtoken)[0]))
    assert cheapest(ready, genome[None, :])[0] == pytest.approx(best, rel=1e-12)


def test_a_study_alone_has_no_table(table):
    study, main, _ = table
    assert regrets(study.model_copy(update={"others": []}), main, 1000) is None
