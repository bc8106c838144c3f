"""The section on the chip as hardware: from a run that was really made (edge-smollm2's core, two tokens)."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from test_html import Outline, seen

from sartor.report.html import page, sections
from sartor.report.numbers import count

FOUND = json.loads((Path(__file__).parent / "silicon.json").read_text(encoding="utf-8"))


@pytest.fixture
def built(report):
    return {**report, "silicon": {**FOUND}}


def test_without_hardware_there_is_no_section_and_no_link(report):
    for nothing in (report, {**report, "silicon": None}):
        assert 'id="silicon"' not in page(nothing) and "#silicon" not in page(nothing)


def test_the_sentence_the_cycles_and_the_verdict_are_shown(built):
    outline, words = Outline(page(built)), seen(built)
    assert outline.open == [] and "silicon" in outline.ids and 'href="#silicon"' in page(built)
    assert "The capital of South Korea is Seoul." in words
    assert "16,754 instructions compared, 2 tokens, no difference" in words
    # 2,871,353 cycles of two tokens; the estimate, 2,431,829, is 15 % below.
    for figure in ("1,435,676", "1,215,914", "\u221215 %", "97.7 %"):
        assert figure in words
    assert "명령 16,754개" in words


def test_the_limits_do_not_deny_what_was_counted(built, report):
    """With the RTL's cycles on the page nothing says that they were not counted; no silicon there is either way."""
    refused = {**report, "silicon": {"refused": "no"}}
    for words, counted in ((seen(report), False), (seen(built), True), (seen(refused), False)):
        denied = ["was not built and counted" in words, "세어 보지 않았습니다" in words]
        assert denied == [not counted] * 2
        assert "No silicon of such a chip exists yet" in words


def test_causes_add_up_to_the_cycles_of_the_run(built):
    part = page(built).split('id="silicon"')[1].split("</section>")[0]
    values = [float(v) for v in re.findall(r'<data value="([\d.]+)"[^>]*>[\d,.]+</data></td><td', part)]
    causes = [FOUND["counters"][c] / 2 for c in ("mm_weights", "mm_cache", "vector", "fence", "control")]
    assert sum(causes) == FOUND["counters"]["cycles"] / 2
    assert set(causes) <= set(values)


def test_a_difference_is_a_warning(built):
    built["silicon"]["mismatches"] = 3
    assert "differ in 3 places" in seen(built) and "no difference" not in seen(built)


def test_a_chip_that_was_not_generated_says_why(report):
    report["silicon"] = {"refused": "<b>'int4-g128' has no decoder"}
    words = seen(report)
    assert "was not generated: <b>'int4-g128' has no decoder." in words
    assert "<b>'int4" not in page(report) and len(sections(report)) == 12


def test_several_cores_are_said_in_both_languages(report):
    report["silicon"] = {"refused": "tiny has 2 cores; what joins them is not generated", "cores": 2}
    words = seen(report)
    assert "This chip has 2 cores" in words and "코어가 2개" in words and "tiny has" not in words


def test_gates_are_shown_where_synthesis_ran(built):
    built["silicon"]["synthesis"] = {
        "gate_equivalents": 187791.6, "components": [{"name": "matrix.tile", "gate_equivalents": 73370.8}],
    }  # fmt: skip
    words = seen(built)
    assert "188,000 gate equivalents" in words and "matrix.tile" in words and count(73370.8) in words
