"""A report fresh from a search, so that the page and the dictionary do not drift apart."""

from __future__ import annotations

import math

import pytest
from pytest import approx

from sartor.report.html import page

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def fresh():
    from sartor.api.design import design
    from sartor.search.study import find_study

    study = find_study("edge-smollm2").with_points(20_000)
    search = study.search.model_copy(update={"generations": 3, "population": 64})
    return design(study.model_copy(update={"search": search})).report


def test_the_page_takes_it(fresh):
    assert len(page(fresh).encode()) < 2e6


def test_the_sample_has_the_same_sections(fresh, report):
    assert set(report) == set(fresh)
    assert set(report["headline"]) == set(fresh["headline"])


def test_the_headline_the_front_and_the_breakdown_are_one_chip(fresh):
    usd = fresh["headline"]["usd_per_mtoken"]
    assert fresh["figures"]["usd_per_mtoken"] == approx(usd, rel=1e-3)
    assert math.fsum(fresh["breakdown"]["usd_per_mtoken"].values()) == approx(usd, rel=1e-3)
    assert math.fsum(fresh["breakdown"]["energy_j_per_token"].values()) == approx(
        fresh["headline"]["j_per_token"], rel=1e-3
    )
