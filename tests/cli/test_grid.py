"""Listings stay readable in a narrow terminal: nothing is folded, nothing is lost."""

import doctest

import pytest
from typer.testing import CliRunner

from sartor.api import listing
from sartor.api.listing import KINDS
from sartor.cli import app, show


def printed(*args, width):
    done = CliRunner().invoke(app, [*args], env={"COLUMNS": str(width)}, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.parametrize("width", [80, 200])
@pytest.mark.parametrize("kind", KINDS)
def test_names_and_headings_are_whole(kind, width, monkeypatch):
    monkeypatch.setattr(show.OUT, "_width", width)
    text = printed("list", kind, width=width)
    assert all(row["name"] in text for row in listing(kind))
    assert "…" not in text and max(map(len, text.splitlines())) <= width


def test_facts_are_listed_in_the_unit_of_their_table(monkeypatch):
    monkeypatch.setattr(show.OUT, "_width", 80)
    text = printed("list", "nodes", width=80)
    assert "wafer price USD" in text and "logic density MTr/mm2" in text  # as in nodes.csv
    assert " 96.3 " in text  # N7


def test_a_command_to_type_keeps_its_brackets(monkeypatch):
    """Rich takes [ray] for a style."""
    tool = {"name": "ray", "version": None, "adds": "more machines", "get": "pip install -e '.[ray]'"}
    facts = {"sartor": "0", "python": "3", "cache": "c", "cache_bytes": {}, "tools": [tool]}
    monkeypatch.setattr(show.api, "doctor", lambda: facts)
    assert "pip install -e '.[ray]'" in printed("doctor", width=80)


def test_docstrings():
    assert doctest.testmod(show).failed == 0
