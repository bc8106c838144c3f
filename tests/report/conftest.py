"""A report that was really made (edge-smollm2, thinned), so that tests of the page need no search."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

_SAMPLE = json.loads((Path(__file__).parent / "sample.json").read_text(encoding="utf-8"))


@pytest.fixture
def report() -> dict:
    return copy.deepcopy(_SAMPLE)
