"""The sections on service and on drift."""

from __future__ import annotations

import pytest

from sartor.report.html import page, sections
from sartor.report.sections import drift, service
from sartor.report.verdict import verdict

COST = {
    "old_design": {}, "old_usd_before": 0.5, "old_usd": 1.2, "new_usd": 1.0, "regret": 0.2, "tokens_per_day": 1e9,
    "saved_usd_per_day": 1e5, "nre_usd": 5e7, "pays_after_days": 500.0, "lifetime_s": 4 * 365.25 * 86400, "pays": True,
}  # fmt: skip
DRIFT = {
    "before": "chat", "now": "recorded", "requests": 10,
    "figures": {"rate_per_s": [5.0, 10.0], "prefix_hit": [0.0, 0.4]}, "distances": {"prompt_tokens": 0.31},
}  # fmt: skip


def test_what_users_saw_stands_beside_the_closed_form(report):
    text = service.html(report)
    best = report["service"]["tried"][0]
    for value in (best["ttft_s"]["p95"], best["planned"]["ttft_s"], best["share"], best["usd_per_mtoken"]):
        assert f'value="{value!r}"' in text
    assert text.count("<tr") >= 5 + len(report["service"]["tried"])


def test_a_design_that_misses_is_said_first(report):
    report["service"]["kept"] = False
    assert verdict(report)[0][0] == "verdict.not_in_service"
    assert "None of the designs tried" in service.html(report)


def test_sections_of_what_was_not_done_are_left_out(report):
    del report["service"]
    assert not {service, drift} & set(sections(report)) and 'id="service"' not in page(report)


@pytest.mark.parametrize(
    ("cost", "said"),
    [
        ({}, "pays after 500 days, within a chip&#x27;s life of 4.00 years"),
        ({"pays": False, "pays_after_days": 5000.0}, "does not pay"),
        ({"pays": False, "pays_after_days": None, "saved_usd_per_day": -1.0}, "would save nothing"),
        (dict.fromkeys(("old_usd", "regret", "saved_usd_per_day", "pays_after_days")), "cannot keep the limits"),
    ],
)
def test_whether_a_new_chip_pays(report, cost, said):
    report["drift"] = {**DRIFT, "redesign": {**COST, **cost}}
    text = drift.html(report)
    assert said in text and "31 %" in text and 'value="2.0"' in text
    assert any(key.startswith("drift.") for key, _ in verdict(report))
    assert 'id="drift"' in page(report)


def test_how_many_were_decoded_together_is_said_where_it_is_known(report):
    plain = {**DRIFT, "redesign": COST}
    for shown, found in ((True, {"recorded_batch": 2.5}), (False, {"recorded_batch": None}), (False, {})):
        report["drift"] = plain | found
        assert ("a decode pass had 2.50 sequences" in drift.html(report)) is shown
