"""A Korean reader is told everything in Korean: no English sentence stays, but names, commands and what sources say."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from sartor.report.html import page
from sartor.report.trusted import trusted
from sartor.search.study import find_study, names

# Six words in a row, between which only spaces, commas and brackets stand.
SENTENCE = re.compile(r"(?:[A-Za-z][A-Za-z'’-]*[ ,;:()]+){5,}[A-Za-z]+")
QUOTED = ("pre", "script", "style", "svg")
CITED = ("source", "sources")  # classes of what repeats a source's words, and says so at its head


class Korean(HTMLParser):
    """The text that a reader of the Korean page sees."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[bool] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag not in ("br", "input", "meta", "link"):
            has = dict(attrs)
            other = (has.get("lang") == "en" and tag != "html") or "data-ko" in has  # which the script fills
            self.open.append(other or tag in QUOTED or any(c in CITED for c in (has.get("class") or "").split()))
            self.texts += [has["data-ko"]] if "data-ko" in has else []

    def handle_endtag(self, tag):
        self.open.pop()

    def handle_data(self, data):
        if not any(self.open):
            self.texts.append(data)


def english(report) -> list[str]:
    return [found.group() for text in Korean(page(report)).texts if (found := SENTENCE.search(text))]


def told(report, name: str):
    """`report` with what the study `name` says."""
    said = find_study(name).model_dump(mode="json")
    report["study"] |= {key: said[key] for key in ("title", "title_ko", "rests_on", "rests_on_ko", "quality")}
    return report


def test_no_english_sentence_stays(report):
    assert english(told(report, "edge-smollm2") | {"trust": trusted()}) == []


@pytest.mark.parametrize("name", names())
def test_nor_one_of_a_study(report, name):
    assert english(told(report, name)) == []
    assert all(claim.text_ko and claim.source_ko for claim in find_study(name).claims)


def test_one_that_stays_is_found(report):
    told(report, "phone")["study"]["rests_on_ko"] = "This sentence was left in the language of its writer."
    assert english(report) == ["This sentence was left in the language of its writer"]


def test_kinds_of_facts_are_in_korean(report):
    texts = Korean(page(report)).texts
    assert not {"measured", "seen", "derived", "recalled", "assumed"} & set(texts) and "가정함" in texts
