"""A small search that takes a second."""

import pytest

from sartor.search.study import Study, find_study


@pytest.fixture
def small() -> Study:
    study = find_study("edge-smollm2")
    search = study.search.model_copy(update={"points": 60_000, "generations": 4, "population": 32})
    return study.model_copy(update={"search": search, "others": []})
