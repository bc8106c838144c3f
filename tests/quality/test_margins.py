"""Which of two compressions harms less, and how surely (benchmarks/quality_margins.py)."""

import sys
from pathlib import Path

import numpy as np
import pytest
from tiny_model import tiny, windows

from sartor.quality import forward
from sartor.quality.classes import parsed
from sartor.quality.measure import measure
from sartor.quality.recipe import Recipe

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import quality_margins


def test_a_difference_by_hand() -> None:
    # Means 2 and 3; differences 1, 0, 2, 1: mean 1, deviation 1 / sqrt 2, error of four of them half of that.
    found = quality_margins.compared(np.array([[0.0, 4, 1, 3], [1, 4, 3, 4]]))
    assert (found["first"], found["second"], found["difference"]) == (2, 3, 1)
    assert found["difference_error"] == pytest.approx(0.5**0.5 / 2)


def test_windows_are_harmed_as_each_by_itself(monkeypatch) -> None:
    model, tokens = tiny(), windows(4, 40)
    monkeypatch.setattr(quality_margins, "model_of", lambda name: (model, None))
    monkeypatch.setattr(quality_margins, "windows", lambda words, scored: tokens)
    names = ["int4-g32", "int3-g32-gptq"]
    found = quality_margins.harms(names, 2)
    assert found.shape == (2, 2 * tokens.shape[1])
    for row, name in zip(found, names, strict=True):
        alone = [measure(model, tokens[[i, 2, 3]], Recipe(parsed(name), rotate=True))["kl"] for i in range(2)]
        assert row.reshape(2, -1).mean(-1) == pytest.approx(alone, rel=0.02)
    assert forward.Forward(model, Recipe(), scored=2).linear.scored == 2
