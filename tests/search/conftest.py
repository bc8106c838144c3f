"""A small search that takes a second."""

import pytest

from sartor.search.study import Study, find_study


@pytest.fixture
def small() -> Study:
    study = find_study("edge-smollm2")
    search = study.search.model_copy(update={"points": 60_000, "generations": 4, "population": 32})
    # Few points must find a chip: users who wait a minute, and pay more.
    slo = study.slo.model_copy(update={"ttft": 60.0, "tpot": 0.06})
    budget = study.budget.model_copy(update={"unit_cost": 60.0})
    return study.model_copy(update={"search": search, "others": [], "slo": slo, "budget": budget})
