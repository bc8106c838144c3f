"""The page as text: whole, escaped, honest about what is not known, and asking no network for anything."""

from __future__ import annotations

import json
import re
import tomllib
from html.parser import HTMLParser
from pathlib import Path

import pytest

import sartor
from sartor.report.html import fill, page, sections
from sartor.report.numbers import figure, percent, plain
from sartor.report.tags import VOID

NASTY = "<script>alert('x')</script> & \"quoted\" --> <!--style-->"


class Outline(HTMLParser):
    """Checks that elements close in order; keeps ids, text outside scripts, and what might be fetched."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open, self.ids, self.text, self.scripts, self.fetched = [], [], [], 0, []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.ids += [attrs["id"]] if "id" in attrs else []
        self.fetched += [v for k, v in attrs.items() if k in ("src", "href") and not v.startswith("#")]
        self.scripts += tag == "script"
        if tag not in (*VOID, "meta"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("script", "style"):
            self.text.append(data)


def seen(report) -> str:
    return re.sub(r"\s+", " ", " ".join(Outline(page(report)).text))


def test_every_section_is_there_once_and_every_element_closes(report):
    outline = Outline(page(report))
    assert outline.open == []
    assert len(outline.ids) == len(set(outline.ids))
    names = {part.__name__.rpartition(".")[2] for part in sections(report)}
    assert names | {"again", "honest", "data", "plot-pareto", "plot-roofline"} <= set(outline.ids)


def test_every_number_of_the_headline_is_shown(report):
    text, head = page(report), report["headline"]
    for name in (
        "usd_per_mtoken",
        "j_per_token",
        "tpot_s",
        "ttft_s",
        "latency_s",
        "tokens_per_s",
        "power_w",
        "chip_usd",
    ):
        assert f'value="{head[name]!r}"' in text, name
        for part in figure(name, head[name]).split(" "):
            assert part in text, name
    words = seen(report)
    for shown in (plain(head["cheaper_at_price"]), plain(head["cheaper_at_cost"]), percent(head["wins"])):
        assert shown in words
    assert head["best_rival"]["name"] in words


def test_every_chip_assumption_and_limit_is_shown(report):
    words = seen(report)
    for row in report["comparison"]:
        assert row["name"] in words
    for fact in report["assumptions"]:
        assert " ".join(fact["source"].split()) in words
    assert f"sartor design edge-smollm2 --points {report['study']['search']['points']} --seed 1" in words


def test_markup_from_outside_is_text(report):
    scripts = Outline(page(report)).scripts
    report["study"]["title"] = report["study"]["title_ko"] = report["study"]["rests_on"] = NASTY
    report["headline"]["best_rival"]["name"] = report["comparison"][1]["name"] = NASTY
    report["comparison"][1]["source"] = report["assumptions"][0]["source"] = NASTY
    report["phases"]["decode"]["operators"][0]["name"] = report["chip"]["toml"] = (
        NASTY + "\n" + report["chip"]["toml"]
    )
    report["chip"]["toml"] = 'name = "<script>"\n' + report["chip"]["toml"].split("\n", 2)[2]
    outline = Outline(page(report))
    assert outline.scripts == scripts
    assert "alert('x')" in " ".join(outline.text)
    assert "<script>alert" not in page(report)


def test_what_is_not_known_is_said_and_never_nan(report):
    report["headline"]["usd_per_mtoken"] = float("nan")
    report["headline"]["band"] = report["headline"]["cheaper_at_cost"] = None
    report["comparison"][0]["usd_per_mtoken"]["cost"] = report["comparison"][2]["ttft_s"] = None
    report["front"][0]["ttft_s"] = float("inf")
    report["one_more"][0]["change"]["usd_per_mtoken"] = float("nan")
    words = seen(report).lower()
    assert "not known" in words and "알려지지 않음" in words
    assert re.findall(r"[^ ]* \b(?:nan|inf)\b [^ ]*", words) == []
    assert not re.search(r">(None|nan|inf)<", page(report))


def test_the_data_of_the_plots_is_json_without_markup(report):
    report["headline"]["chip"] = "</script><b>"
    report["comparison"][0]["name"] = "</script><b>"
    report["front"][0]["power_w"] = float("nan")
    text = re.search(r'<script type="application/json" id="data">(.*?)</script>', page(report), re.S)[1]
    assert "<" not in text
    data = json.loads(text, parse_constant=pytest.fail)
    assert data["mine"] == "</script><b>"
    assert len(data["front"]["figures"]["usd_per_mtoken"]) == len(report["front"])


def test_nothing_is_fetched_and_the_file_is_small(report):
    text = page(report)
    assert Outline(text).fetched == []
    assert "default-src 'none'" in text
    assert not re.search(r"@import|url\(", text.split("<script>")[0])
    assert len(text.encode()) < 2e6


def test_a_report_without_rivals_or_other_work_still_reads(report):
    report["comparison"], report["regret"], report["best_dollar"] = report["comparison"][:1], None, None
    report["headline"] |= {
        "best_rival": None,
        "cheaper_at_cost": None,
        "cheaper_at_price": None,
        "shared": None,
    }
    mine = report["headline"]["chip"]
    report["survival"] = {"band": {mine: report["survival"]["band"][mine]}, "wins": {mine: 1.0}, "swings": []}
    report["why_not"], report["one_more"] = [], []
    words = seen(report)
    assert "there is no price to beat" in words and "No other work to compare with" in words


def test_a_section_that_is_missing_is_an_error_not_a_gap(report):
    del report["why_not"]
    with pytest.raises(KeyError, match="why_not"):
        page(report)


def test_work_that_was_left_out_of_the_regret_table_is_named(report):
    done = report["regret"]["works"]
    left = [o["name"] for o in report["study"]["others"] if o["name"] not in done]
    report["study"]["others"].append({"name": "flying"})
    assert ", ".join([*left, "flying"]) in seen(report)


def test_parts_are_not_searched_for_marks():
    assert fill("a <!--x--> b <!--y-->", {"x": "<!--y-->", "y": "2"}) == "a <!--y--> b 2"


def test_every_file_beside_the_modules_is_packaged():
    project = Path(sartor.__file__).parents[1] / "pyproject.toml"
    if not project.exists():
        pytest.skip("installed: there is no pyproject.toml to read")
    globs = tomllib.loads(project.read_text())["tool"]["setuptools"]["package-data"]["sartor"]
    folder = Path(sartor.__file__).parent
    packaged = {p for g in globs for p in folder.glob(g)}
    beside = {p for each in ("report", "sim") for p in (folder / each).rglob("*.*") if p.suffix not in (".py", ".pyc")}
    assert beside <= packaged


def test_what_the_rest_of_a_die_is_said_to_be(report):
    assert "unused corners" not in seen(report)  # a report that does not say what its die was made with
    report["assumptions"].append({
        "fact": "overheads.area.other_fraction", "value": 0.4, "low": 0.25, "high": 0.55, "unit": "fraction",
        "kind": "derived", "date": "2026-11", "source": "",
    })  # fmt: skip
    assert "unused corners. Nobody lists them: 40 % of the die, from public chips (25 % to 55 %)" in seen(report)
