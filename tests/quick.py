"""Cores that run for a few tokens are built as units are, not to run fast: for the conftest.py of a folder."""

import pytest

from tests.verilate import QUICK


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr("sartor.sim.build.FAST", QUICK)
