"""Real weights: the recorded figures are found again."""

import pytest

from sartor.formats.harm import measured
from sartor.quality import text
from sartor.quality.classes import parsed, shown
from sartor.quality.measure import measure
from sartor.quality.recipe import Recipe

SAME = 0.02  # of KL, on another machine


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def cache(folder, monkeypatch):
    """Of all tests here: the reference is run once."""
    monkeypatch.setenv("SARTOR_CACHE", str(folder))
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    "recipe",
    [Recipe(parsed("nvfp4"), rotate=True), Recipe(kv="int4"), Recipe(activations="chip", kv="chip"),
     pytest.param(Recipe(kv="chip-int4"), marks=pytest.mark.long),
     Recipe(parsed("attn_v=mxint8,embedding=int4-g32-asym,int4-g64"), rotate=True)],
    ids=["weights", "cache", "chip", "a cache of 4 bits", "mix"],
)  # fmt: skip
def test_recorded_figures_are_found_again(smollm2, recipe: Recipe) -> None:
    model, words = smollm2
    windows = text.windows(words, text.read("en"), 1024, recipe.calibrated)
    asked = shown(recipe.weights), recipe.activations, recipe.kv, recipe.rotate, None
    (row,) = (r for r in measured() if (r.weights, r.activations, r.kv, r.rotate, r.smooth) == asked)
    found = measure(model, windows, recipe)
    assert found["kl"] == pytest.approx(row.kl, rel=SAME)
    assert found["perplexity"] == pytest.approx(row.perplexity, rel=1e-3)
