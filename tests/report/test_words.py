"""Both languages are complete, and every sentence that the code asks for is there."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

import sartor.report
from sartor.report.words import LANGUAGES, blanks, term, text, words
from sartor.search import evaluate
from sartor.workload.derive import PHASES, operators
from sartor.workload.find import find_model, names

CODE = "\n".join(p.read_text() for p in Path(sartor.report.__path__[0]).rglob("*.py"))


@pytest.mark.parametrize("key", sorted(words()))
def test_both_languages_with_the_same_blanks(key):
    entry = words()[key]
    assert set(entry) == set(LANGUAGES)
    assert all(entry[lang].strip() for lang in LANGUAGES)
    assert blanks(entry["en"]) == blanks(entry["ko"])


def test_every_sentence_asked_for_by_name_is_there():
    asked = set(re.findall(r'\b(?:say|text)\(\s*"([a-z_]+\.[a-z_]+)"', CODE))
    assert len(asked) > 80 and asked <= set(words())


@pytest.mark.parametrize("model", names())
def test_every_operator_of_a_model_has_a_word(model):
    phases = (operators(find_model(model), phase) for phase in PHASES)
    ops = {op.name for phase in phases for op in (*phase.gemms, *phase.attentions, *phase.recurrences, *phase.lookups)}
    assert {name for name in ops if f"part.{name}" not in words()} == set()


def test_every_limit_has_a_word():
    """Those that a search counts, by the source of `_violations`."""
    asked = set(re.findall(r'^        "([a-z ]+)": \(', inspect.getsource(evaluate._violations), re.M))
    assert len(asked) > 10
    assert {name for name in asked if f"limit.{name.replace(' ', '_')}" not in words()} == set()


def test_korean_is_korean():
    plainly = {"J/token", "TPOT", "TTFT", "SRAM", "Q, K, V", "tokens/s", "$/Mtoken", "90 %", "10 %", "down", "V", "up"}
    for key, entry in words().items():
        same = entry["en"] == entry["ko"]
        assert not same or entry["en"] in plainly or "{" in entry["en"], key


def test_a_figure_that_nobody_knows_is_said_in_the_readers_language():
    assert (
        "알려지지 않음" in text("headline.no_band", "ko") or term("say", "unknown", "ko") == "알려지지 않음"
    )
    assert text("headline.band", "en", low="not known", high="$1") == "10–90 % of draws: not known – $1"
    assert text("headline.band", "ko", low="not known", high="$1").endswith("알려지지 않음 – $1")
