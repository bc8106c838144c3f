"""All errors on record on one screen, and as JSON."""

import json

import pytest
from typer.testing import CliRunner

from sartor.cli import app
from sartor.validation.record import on_record


def told(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["validate", *arguments], catch_exceptions=False, env={"COLUMNS": "80"})
    assert done.exit_code == 0
    return done.output


def test_one_screen_has_every_kind_as_it_stands_on_record() -> None:
    lines = told().splitlines()
    assert len(lines) < 45 and all(len(line) <= 80 for line in lines)
    assert {line.split()[0] for line in lines} >= {kind for kind, _, _ in on_record()}
    one = on_record()["gpu", "held_out", "decode"]
    line = next(line for line in lines if line.startswith("gpu decode  "))
    assert f"{one.n}" in line and f"{one.median:.1%}" in line and f"{one.p90:.1%}" in line
    assert not [line for line in lines if line.startswith("gpu") and "fitted" in line]
    assert [line for line in lines if line.startswith("rtl decode") and "fitted" in line]  # nothing else is known


def test_json_has_all_groups_and_the_band_as_a_share() -> None:
    rows = json.loads(told("--json"))["on_record"]
    assert len(rows) == len(on_record())
    found = next(r for r in rows if (r["kind"], r["rows"], r["group"]) == ("gpu", "held_out", "decode"))
    assert found["band"] == pytest.approx(2.718281828 ** on_record()["gpu", "held_out", "decode"].band - 1)
