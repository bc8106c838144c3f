"""The table and the plot of compression proportionality in docs/formats-silicon.md."""

import importlib.util
import sys
from pathlib import Path

import pytest

from sartor.formats.hardware import decoded

DOCS = Path(__file__).parents[1] / "docs"
pytest.importorskip("vl_convert", reason="needs vl-convert-python")


@pytest.fixture(scope="module")
def page():
    sys.path.insert(0, str(DOCS))
    try:
        spec = importlib.util.spec_from_file_location("proportionality_page", DOCS / "proportionality.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
    finally:
        sys.path.remove(str(DOCS))


def test_page_and_picture_are_current(page) -> None:
    text = page.PAGE.read_text(encoding="utf-8")
    assert page.filled(text, "proportionality", page.table()) == text, "run: python docs/proportionality.py"
    assert page.PICTURE.exists()


def test_every_format_that_was_counted_keeps_what_its_bits_promise(page) -> None:
    # On both networks: rows of whole groups of 128, and rows of 576 with attention and norms that weigh more.
    counted = {key[:2]: row for key, row in page.counted().items() if key[2] == 1}
    assert {network for network, _ in counted} == set(page.NETWORKS)
    assert {name for network, name in counted if network == "smollm2-135m"} == {name for _, name in counted}
    for key, row in counted.items():
        assert row["proportionality"] >= page.TARGET, key


def test_every_format_with_a_decoder_keeps_what_its_bits_promise(page) -> None:
    for name in decoded():
        speedup, promised = page.by_batch(name, 1)
        assert speedup / promised > page.TARGET, name
