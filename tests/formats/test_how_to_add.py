"""The example of docs/how-to-add.md, added as it stands there: one file, one row."""

import importlib.util
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from test_codec import weights

from sartor.formats import spec
from sartor.formats.codec import codec

PAGE = (Path(__file__).parents[2] / "docs" / "how-to-add.md").read_text(encoding="utf-8")
NAME, FILE = "e2m1-g32", "half_scaled"


def block(kind: str) -> str:
    section = PAGE[PAGE.index("## A number format") :]
    body = section.split(f"```{kind}\n", 1)[1].split("```", 1)[0]
    return textwrap.dedent(body)


@pytest.fixture
def added(tmp_path, monkeypatch):
    """Python finds the file in the package, and the table has the row, as long as the test lasts."""
    file = tmp_path / f"{FILE}.py"
    file.write_text(block("python"), encoding="utf-8")
    found = importlib.util.spec_from_file_location(f"sartor.formats.{FILE}", file)
    module = importlib.util.module_from_spec(found)
    monkeypatch.setitem(sys.modules, f"sartor.formats.{FILE}", module)
    found.loader.exec_module(module)
    table = (Path(spec.__file__).parents[1] / "data" / "formats.csv").read_text(encoding="utf-8")
    monkeypatch.setattr(spec, "data_text", lambda name: table + block("csv"))
    spec.formats.cache_clear()
    codec.cache_clear()
    yield codec(NAME)
    monkeypatch.undo()
    spec.formats.cache_clear()
    codec.cache_clear()


def test_the_format_of_the_example_works(added) -> None:
    w = weights(0, 4, 64)
    encoded = added.encode(w)
    raw = encoded.packed()
    assert len(raw) * 8 == added.bits_per_weight(64) * w.size == 4.5 * w.size
    assert np.array_equal(added.unpack(raw.tobytes(), 4, 64).dequantized(), encoded.dequantized())
    # Its scale has more bits than that of MXFP4, and no weight is cut.
    assert np.square(encoded.dequantized() - w).mean() < np.square(codec("mxfp4").round_trip(w) - w).mean()


def test_the_table_is_as_it_was_afterwards() -> None:
    assert NAME not in spec.formats()
