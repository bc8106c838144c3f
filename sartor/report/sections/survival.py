"""Does the winner survive what we do not know?"""

from __future__ import annotations

from typing import Any

from ..bars import bands, tornado
from ..numbers import plain
from ..tags import Html, esc, named, say, section, tag
from ..verdict import surviving
from ..words import words as all_words

Report = dict[str, Any]


def html(report: Report) -> Html:
    found, mine = report["survival"], report["headline"]["chip"]
    share = found["wins"].get(mine)
    words = say("survival.alone") if len(found["wins"]) < 2 else _share(report, share)
    drawn = bands(found["band"], found["wins"], mine) if found["band"] else tag("p", say("say.missing"))
    answer = tag("p", words, cls="answer") + _lead(found.get("lead"))
    return section("survival", answer, drawn, _missing(report), _tornado(report))


def _lead(lead: dict[str, Any] | None) -> Html:
    """Is the winner better than the runner-up beyond the error?"""
    if lead is None:
        return ""
    blanks = {"chip": lead["chip"], "over": lead["over"], "factor": plain(lead["factor"])}
    words = say("survival.beyond" if lead["beyond"] else "survival.within", error=plain(1 + lead["error"]), **blanks)
    names = ", ".join(lead["unmeasured"])
    unmeasured = tag("p", say("survival.unmeasured", names=names), cls="note") if names else ""
    return tag("p", words, cls="answer") + unmeasured


def _share(report: Report, share: float | None) -> Html:
    key, blanks = surviving(report, share)
    return say(key, **blanks)


def _missing(report: Report) -> Html:
    """Chips whose cost nobody knows, or that break a limit, have no band."""
    alone = [s for s in report["comparison"] if not s["shared"]]
    names = [s["name"] for s in alone if s["name"] not in report["survival"]["band"]]
    return tag("p", say("survival.missing", names=", ".join(names)), cls="note") if names else ""


def _tornado(report: Report) -> Html:
    drawn = tornado(report["survival"]["swings"], fact_name)
    return tag("h3", say("survival.swings")) + tag("p", say("survival.swings_note")) + drawn


def fact_name(name: str) -> Html:
    """A fact in the reader's words, with its name in the tables small.

    >>> fact_name("gpu.hopper.idle_watts")
    'idle watts<small>gpu, hopper, idle_watts</small>'
    """
    quantity = name.rpartition(".")[2]
    words = named("fact", quantity) if f"fact.{quantity}" in all_words() else esc(quantity.replace("_", " "))
    return words + tag("small", esc(name.replace(".", ", ")))
