"""The card, as the terminal shows it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.console import Console

from sartor.report.card import card

FOLDER = Path(__file__).parent


def shown(report, language: str = "en", width: int = 100) -> str:
    console = Console(width=width, color_system=None, force_terminal=False, legacy_windows=False)
    with console.capture() as capture:
        console.print(card(report, language))
    return "\n".join(line.rstrip() for line in capture.get().splitlines()) + "\n"


@pytest.mark.parametrize("language", ["en", "ko"])
def test_golden(report, language):
    assert shown(report, language) == (FOLDER / f"card_{language}.txt").read_text(encoding="utf-8")


def test_a_long_name_goes_on_below_where_the_terminal_is_narrow(report):
    report["comparison"][0]["name"] = "a-chip-with-a-name-of-many-words"
    table = shown(report, width=80).split("$/Mtoken")[1]
    assert "…" not in table and "many-words" in table.replace("\n", "").replace(" ", "")


def test_names_are_not_markup(report):
    report["study"]["title"] = "[bold]loud[/bold]"
    report["comparison"][1]["name"] = "[red]chip"
    assert "[bold]loud[/bold]" in shown(report) and "[red]chip" in shown(report)


def test_what_is_not_known_is_a_dash_or_said(report):
    report["headline"]["usd_per_mtoken"] = report["comparison"][0]["usd_per_mtoken"]["cost"] = None
    report["headline"]["j_per_token"] = float("nan")
    text = shown(report)
    assert "not known" in text and "nan" not in text


def test_what_the_hardware_said_stands_in_the_card(report):
    found = json.loads((FOLDER / "silicon.json").read_text(encoding="utf-8"))
    text = shown({**report, "silicon": found})
    assert "“The capital of South Korea is Seoul.”" in text
    assert "16,754 instructions compared, 2 tokens, no difference" in text
    assert "1,435,676 cycles a token at RTL, estimate −15 %; memory at 97.7 %" in text


def test_hardware_that_differs_or_was_refused_is_said(report):
    found = json.loads((FOLDER / "silicon.json").read_text(encoding="utf-8"))
    assert "differ in 3 places" in shown({**report, "silicon": {**found, "mismatches": 3}})
    assert "two cores" in shown({**report, "silicon": {"refused": "two cores"}})
