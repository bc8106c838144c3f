"""Every number that comes with the house says its unit, its date and where it is from: each row of each file."""

import csv
import io
import re
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

from sartor.tables import KINDS, data_text

ROOT = Path(__file__).parents[1]
FACTS = ("unit", "kind", "date", "source")
# What rows of a file say beside their numbers; units are in the names of columns where there is no column for them.
SAID = {
    "dram.csv": ("kind", "date", "source"), "formats.csv": ("source",),
    "measured/chips.csv": ("evidence", "source"), "measured/dram.csv": ("simulator",),
    "measured/formats_silicon.csv": ("date", "source"), "measured/prices.csv": ("unit", "date", "evidence", "source"),
    "measured/proportionality.csv": ("date", "source"), "measured/quality.csv": ("date",),
    "measured/silicon_share.csv": ("date", "source"), "measured/tile_replay.csv": ("date", "source"),
    **dict.fromkeys(
        (f"{name}.csv" for name in ("economics", "gpu", "links", "lut", "macs", "memories", "nodes", "overheads",
                                    "packages", "serving_stacks", "silicon", "units")), FACTS),
}  # fmt: skip
# Files that are made whole by code of the house, which names them and says how.
MADE = {
    "measured/errors.csv": "benchmarks/trust.py", "measured/held_out.csv": "sartor/validation/left_out.py",
    "measured/rtl.csv": "benchmarks/rtl_cycles.py", "measured/quality.csv": "benchmarks/quality.py",
}  # fmt: skip
SPECIFIED = {"gguf_types.csv"}  # numbers of a file format, compared with the package gguf (tests/formats)
FORM = {
    "date": r"20\d\d(-[01]\d|-mid)?(-[0-3]\d)?( .+)?", "kind": "|".join(KINDS), "evidence": "[A-Z]", "source": ".{5,}",
}  # fmt: skip


def lacking(text: str, columns: tuple[str, ...]) -> list[str]:
    """Lines and columns of a CSV in which nothing is said, or nothing of the form it should have."""
    return [
        f"line {line}: {column} {row[column]!r}"
        for line, row in enumerate(csv.DictReader(io.StringIO(text)), 2) for column in columns
        if not re.fullmatch(FORM.get(column, ".+"), (row[column] or "").strip())
    ]  # fmt: skip


def in_data(pattern: str) -> list[str]:
    data = Path(str(files("sartor.data")))
    return sorted(path.relative_to(data).as_posix() for path in data.rglob(pattern))


def test_every_file_is_looked_at() -> None:
    assert set(in_data("*.csv")) == {*SAID, *MADE, *SPECIFIED}
    for name, script in MADE.items():
        assert Path(name).name in (ROOT / script).read_text(encoding="utf-8"), name


@pytest.mark.parametrize("name", SAID)
def test_every_row_says_where_it_is_from(name: str) -> None:
    assert lacking(data_text(name), SAID[name]) == []


@pytest.mark.parametrize(("name", "column"), [(name, column) for name in SAID for column in SAID[name]])
def test_a_row_that_does_not_is_found(name: str, column: str) -> None:
    rows = list(csv.DictReader(io.StringIO(data_text(name))))
    rows[len(rows) // 2][column] = ""
    planted = io.StringIO()
    writer = csv.DictWriter(planted, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    assert lacking(planted.getvalue(), SAID[name]) == [f"line {len(rows) // 2 + 2}: {column} ''"]


@pytest.mark.parametrize("name", [*in_data("chips/*.toml"), *in_data("models/*.toml")])
def test_a_chip_and_a_model_say_where_they_are_from(name: str) -> None:
    found = tomllib.loads(data_text(name))
    assert len(found["source"]) >= 5
    price = found.get("price", {})
    assert not price or (price["source"] and re.fullmatch(FORM["date"], price["date"]))


def test_a_profile_of_traffic_says_where_it_is_from() -> None:
    found = [one for one in tomllib.loads(data_text("traffic.toml")).values() if isinstance(one, dict)]
    assert len(found) >= 4
    for one in found:
        assert one["source"] and one["fitted_to"] and re.fullmatch(FORM["date"], one["date"])
