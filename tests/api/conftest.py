"""Tests of this folder share tiny_chip.py, and keep nothing beyond a run."""

import sys
from pathlib import Path

import pytest

from tests.quick import quick as quick

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SARTOR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"
