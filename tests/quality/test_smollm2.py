"""Real weights: the recorded figures are found again, and llama.cpp finds the same."""

import pytest

from sartor.errors import InputError
from sartor.formats.harm import measured
from sartor.quality import text
from sartor.quality.classes import parsed, shown
from sartor.quality.find import model_of
from sartor.quality.measure import measure
from sartor.quality.recipe import Recipe
from sartor.workload import fetch

pytestmark = pytest.mark.slow
SAME = 0.02  # of KL, on another machine
EVERY, LIKELIEST = 40, 4000


@pytest.fixture(scope="module")
def weights():
    """The real file, where no folder of a test holds it."""
    try:
        return fetch.smollm2()
    except InputError as error:
        pytest.skip(f"needs the real weights: {error}")


@pytest.fixture
def smollm2(weights, cache):
    cache.mkdir()
    for suffix in ("", ".verified"):
        (cache / f"{weights.name}{suffix}").symlink_to(f"{weights}{suffix}")
    return model_of("smollm2-135m")


def test_recorded_figures_are_found_again(smollm2) -> None:
    for recipe in (Recipe(parsed("nvfp4"), rotate=True), Recipe(kv="int4")):
        model, words = smollm2
        found = measure(model, text.windows(words, text.read("en"), 1024, False), recipe)
        asked = shown(recipe.weights), recipe.activations, recipe.kv, recipe.rotate
        (row,) = (r for r in measured() if (r.weights, r.activations, r.kv, r.rotate, r.smooth) == (*asked, None))
        assert found["kl"] == pytest.approx(row.kl, rel=SAME)
        assert found["perplexity"] == pytest.approx(row.perplexity, rel=1e-3)
