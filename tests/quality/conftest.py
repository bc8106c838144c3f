"""Results of measurements go into a folder of the test; the real weights are linked into it."""

import pytest

from sartor.errors import InputError
from sartor.quality.find import model_of
from sartor.workload import fetch


@pytest.fixture(scope="session")
def weights():
    """The real file, looked for before a test has a folder of its own."""
    try:
        return fetch.smollm2()
    except InputError as error:
        pytest.skip(f"needs the real weights: {error}")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SARTOR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def smollm2(weights, cache):
    """The model and its tokenizer."""
    cache.mkdir(exist_ok=True)
    for suffix in ("", ".verified"):
        link = cache / f"{weights.name}{suffix}"
        if not link.is_symlink():
            link.symlink_to(f"{weights}{suffix}")
    return model_of("smollm2-135m")
