"""The traffic of today beside the one that the chip in service was designed for, and whether a new chip pays."""

from __future__ import annotations

from typing import Any

from ..numbers import UNKNOWN, count, is_known, percent, plain, usd
from ..tags import Html, cell, named, say, section, shown, table, tag, tr
from ..verdict import redesign_pays

Report = dict[str, Any]
SHARES = ("prefix_hit",)


def present(report: Report) -> bool:
    return bool(report.get("drift"))


def html(report: Report) -> Html:
    found = report["drift"]
    key, blanks = redesign_pays(found["redesign"])
    parts = [tag("p", say(key, **blanks), cls="answer"), _money(found), _figures(found)]
    return section("drift", *parts, _distances(found), _together(found), tag("p", say("drift.note"), cls="note"))


def _together(found: Report) -> Html:
    """How many were really decoded together, where the chip in service wrote it down."""
    batch = found.get("recorded_batch")
    return tag("p", say("drift.together", batch=plain(batch))) if is_known(batch) else Html("")


def _money(found: Report) -> Html:
    """Dollars per million output tokens, and what it takes to come back."""
    cost = found["redesign"]
    rows = [
        ("old_usd_before", usd(cost["old_usd_before"])), ("old_usd", usd(cost["old_usd"])),
        ("new_usd", usd(cost["new_usd"])), ("tokens_per_day", count(cost["tokens_per_day"])),
        ("saved_usd_per_day", usd(cost["saved_usd_per_day"])), ("nre_usd", usd(cost["nre_usd"])),
        ("pays_after_days", plain(cost["pays_after_days"]) if is_known(cost["pays_after_days"]) else UNKNOWN),
    ]  # fmt: skip
    body = [[say(f"drift.{name}"), cell(cost[name], words)] for name, words in rows]
    return table([say("drift.money"), say("drift.value")], body)


def _figures(found: Report) -> Html:
    heads = [say("drift.figure"), shown(found["before"]), shown(found["now"]), say("drift.ratio")]
    rows = []
    for name, (before, now) in found["figures"].items():
        ratio = now / before if before else None
        words = percent if name in SHARES else plain
        rows.append(tr([say(f"drift.{name}"), cell(before, words(before)), cell(now, words(now)),
                        cell(ratio, plain(ratio))]))  # fmt: skip
    return tag("h3", say("drift.traffic")) + table(heads, rows)


def _distances(found: Report) -> Html:
    rows = [[named("drift", name), cell(v, percent(v))] for name, v in found["distances"].items()]
    return table([say("drift.distribution"), say("drift.distance")], rows)
