"""Why not something cheaper: the best design that each limit rules out, and how many it rules out."""

from __future__ import annotations

from typing import Any

from ..bars import bar, track
from ..facts import choice
from ..numbers import change, count, is_known, percent, usd
from ..tags import Html, cell, named, say, section, shown, table, tag

Report = dict[str, Any]


def html(report: Report) -> Html:
    return section("why_not", _nearest(report), _killed(report["search"]))


def _nearest(report: Report) -> Html:
    if not report["why_not"]:
        return tag("p", say("why_not.none"))
    mine = report["chip"]["design"]
    rows = [_row(miss, mine) for miss in report["why_not"]]
    return table([say(f"why_not.{h}") for h in ("limit", "over", "usd", "cheaper", "differs")], rows, "cheaper")


def _row(miss: dict[str, Any], mine: dict[str, Any]) -> list[Html]:
    over = cell(miss["over"], change(miss["over"]))
    return [named("limit", miss["limit"]), over, cell(miss["usd_per_mtoken"], usd(miss["usd_per_mtoken"])),
            tag("td", _cheaper(miss["cheaper"])), tag("td", differences(miss["design"], mine))]  # fmt: skip


def _cheaper(share: Any) -> Html:
    """A limit that only rules out dearer designs costs nothing."""
    if not is_known(share):
        return shown(percent(share))
    return say("why_not.saves", share=percent(share)) if share > 0 else say("why_not.costs_nothing")


def differences(design: dict[str, Any], mine: dict[str, Any]) -> Html:
    """What differs from the chosen design."""
    changed = [v for v in design if design[v] != mine.get(v)]
    if not changed:
        return say("say.none")
    words = (
        tag("span", named("variable", v), f" {shown(choice(v, design[v]))}", cls="chip-diff") for v in changed
    )
    return " ".join(words)


def _killed(search: dict[str, Any]) -> Html:
    """How many of the priced designs each limit ruled out; one design may break several."""
    killed = sorted(search["killed"].items(), key=lambda p: -p[1])
    total = max(search["evaluations"], 1)
    rows = [[named("limit", k), track(bar(v / total)), cell(v, count(v)),
             tag("td", percent(v / total), cls="n")] for k, v in killed]  # fmt: skip
    heads = [say("why_not.limit"), "", say("why_not.designs"), say("why_not.share")]
    words = {k: count(search[k]) for k in ("evaluations", "feasible")}
    return (
        tag("h3", say("why_not.killed"))
        + tag("p", say("why_not.killed_note", **words))
        + table(heads, rows, "bars")
    )
