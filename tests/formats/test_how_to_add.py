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
from sartor.formats.group_scale import Scale
from sartor.formats.hardware import decoded
from sartor.formats.quantize import as_stored

PAGE = (Path(__file__).parents[2] / "docs" / "how-to-add.md").read_text(encoding="utf-8")
NAME, FILE = "e2m1-g32", "half_scaled"


def block(kind: str, which: int = 0) -> str:
    section = PAGE[PAGE.index("## A number format") :]
    body = section.split(f"```{kind}\n")[which + 1].split("```", 1)[0]
    return textwrap.dedent(body)


@pytest.fixture
def table(monkeypatch):
    """`table(rows)`: formats.csv has these rows too, as long as the test lasts."""
    known = (Path(spec.__file__).parents[1] / "data" / "formats.csv").read_text(encoding="utf-8")
    caches = (spec.formats, codec, decoded)

    def add(rows: str) -> None:
        monkeypatch.setattr(spec, "data_text", lambda name: known + rows)
        for cache in caches:
            cache.cache_clear()

    yield add
    monkeypatch.undo()
    for cache in caches:
        cache.cache_clear()


@pytest.fixture
def added(tmp_path, monkeypatch, table):
    """Python finds the file in the package, and the table has the row."""
    file = tmp_path / f"{FILE}.py"
    file.write_text(block("python"), encoding="utf-8")
    found = importlib.util.spec_from_file_location(f"sartor.formats.{FILE}", file)
    module = importlib.util.module_from_spec(found)
    monkeypatch.setitem(sys.modules, f"sartor.formats.{FILE}", module)
    found.loader.exec_module(module)
    table(block("csv"))
    return codec(NAME)


def test_the_format_of_the_example_works(added) -> None:
    w = weights(0, 4, 64)
    encoded = added.encode(w)
    raw = encoded.packed()
    assert len(raw) * 8 == added.bits_per_weight(64) * w.size == 4.5 * w.size
    assert np.array_equal(added.unpack(raw.tobytes(), 4, 64).dequantized(), encoded.dequantized())
    # Its scale has more bits than that of MXFP4, and no weight is cut.
    assert np.square(encoded.dequantized() - w).mean() < np.square(codec("mxfp4").round_trip(w) - w).mean()
    # Decoders know its codes and its scales: nothing else is added.
    assert str(decoded()[NAME]) == "E2M1 codes with a scale"
    assert np.array_equal(as_stored(encoded, decoded()[NAME], "w").dequantized(), encoded.dequantized())


def test_another_width_or_group_is_a_row_alone(table) -> None:
    table(block("csv", 1))
    w = weights(0, 4, 64)
    off = {name: np.square(codec(name).round_trip(w) - w).mean() for name in ("int6-g32", "int7-g32", "int8-g32")}
    assert off["int6-g32"] > off["int7-g32"] > off["int8-g32"] and codec("int7-g32").bits_per_weight(64) == 7.5
    assert len(codec("mxfp4-g64").encode(w).packed()) * 8 == 4.125 * w.size
    assert "int7-g32" not in decoded() and decoded()["mxfp4-g64"].scale == Scale.POWER


def test_the_table_is_as_it_was_afterwards() -> None:
    assert not {NAME, "int7-g32", "mxfp4-g64"} & {*spec.formats(), *decoded()}
