"""The chip as hardware: what its RTL said, in how many cycles, beside the estimate."""

from __future__ import annotations

from typing import Any

from ..bars import parts_card
from ..facts import refusal
from ..numbers import change, count, percent, plain, quantity
from ..tags import Html, cell, esc, named, say, section, shown, table, tag

Report = dict[str, Any]
# Cycles by cause add up to the run's; the others say why within these.
CAUSES = ("mm_weights", "mm_cache", "vector", "fence", "control")
WITHIN = ("weight_stall", "cache_stall", "drain_stall")


def present(report: Report) -> bool:
    return report.get("silicon") is not None


def html(report: Report) -> Html:
    """Nothing for a report without the hardware."""
    if not present(report):
        return ""
    found = report["silicon"]
    if "refused" in found:
        key, blanks = refusal(found)
        return section("silicon", tag("p", say(key, **blanks), cls="warn"))
    return section("silicon", _said(found), _equal(found), _figures(found), _cycles(found), _area(found))


def _said(found: dict[str, Any]) -> Html:
    """The sentence: the prompt, then what the chip went on with."""
    prompt, text = found["prompt"], found["text"]
    return tag("blockquote", esc(prompt), tag("strong", esc(text[len(prompt) :])), cls="said")


def _equal(found: dict[str, Any]) -> Html:
    wrong = found["mismatches"]
    blanks = {"instructions": count(found["instructions"]), "tokens": count(len(found["rtl_tokens"]))}
    if wrong:
        return tag("p", say("silicon.differs", mismatches=count(wrong), **blanks), cls="warn")
    return tag("p", say("silicon.equal", **blanks), cls="answer")


def _figures(found: dict[str, Any]) -> Html:
    """Cycles beside the estimate, and what follows."""
    tokens = len(found["rtl_tokens"])
    rtl, estimated = found["cycles_rtl"] / tokens, found["cycles_estimated"] / tokens
    speed, used = found["tokens_per_s_chip"], found["memory_utilization"]
    rows = [
        [say("silicon.cycles_rtl"), cell(rtl, count(rtl))],
        [say("silicon.cycles_estimated"), cell(estimated, count(estimated))],
        [say("silicon.cycles_error"), cell(found["cycles_error"], change(found["cycles_error"]))],
        [say("silicon.speed"), cell(speed, quantity(speed, "token/s"))],
        [say("silicon.utilization"), cell(used, percent(used))],
        [say("silicon.simulated"), cell(found["seconds_per_token"], quantity(found["seconds_per_token"], "s"))],
    ]
    return table([say("silicon.figure"), say("silicon.value")], rows)


def _cycles(found: dict[str, Any]) -> Html:
    """Where the cycles went, and which of them were waits."""
    counters, tokens = found["counters"], len(found["rtl_tokens"])
    parts = [(named("counter", name), counters[name] / tokens) for name in CAUSES]
    waits = [
        tag("li", named("counter", name), ": ", esc(percent(counters[name] / counters["cycles"])))
        for name in WITHIN
    ]
    note = tag("div", tag("p", say("silicon.waits")), tag("ul", *waits), cls="note")
    return tag("h3", say("silicon.cycles")) + parts_card(say("silicon.by_cause"), parts, "", note)


def _area(found: dict[str, Any]) -> Html:
    """Synthesized components, where synthesis ran."""
    area = found.get("synthesis")
    if not area:
        return ""
    blocks = {c["name"]: c["gate_equivalents"] for c in area["components"]}
    rows = [[shown(name), cell(gates, count(gates))] for name, gates in blocks.items()]
    words = say("silicon.gates", gates=plain(area["gate_equivalents"]))
    heads = [say("silicon.component"), say("silicon.gate_equivalents")]
    whole = [(named("block", name), gates) for name, gates in blocks.items() if "." not in name]
    inner = tag("details", tag("summary", say("silicon.components")), table(heads, rows))
    return tag("h3", say("silicon.area")) + parts_card(words, whole, "", inner)
