"""Cores of this folder run for a few tokens: they are built as units are, not to run fast."""

import pytest

from sartor.sim import build
from tests.verilate import QUICK


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(build, "FAST", QUICK)
