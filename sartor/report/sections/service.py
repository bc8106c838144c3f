"""Every request of the trace on the chosen design, beside what the closed form had said, and the designs beside it."""

from __future__ import annotations

from typing import Any

from ..numbers import count, figure, percent, plain, usd
from ..tags import Html, cell, esc, named, say, section, table, tag, tr

Report = dict[str, Any]
SHOWN = ("p50", "p90", "p95", "p99")


def present(report: Report) -> bool:
    return bool(report.get("service"))


def html(report: Report) -> Html:
    found = report["service"]
    best = found["tried"][0]
    key = "kept" if found["kept"] else "missed"
    blanks = {"share": percent(best["share"]), "rate": plain(best["rate_per_s"]), "replicas": count(best["replicas"])}
    answer = say(f"service.{key}", requests=count(found["requests"]), trace=found["trace"], **blanks)
    note = say("service.note", percentile=plain(found["percentile"]), margin=percent(found["margin"]))
    words = tag("p", answer, cls="answer" if found["kept"] else "warn")
    return section("service", words, _beside(best), tag("p", note, cls="note"), _tried(found))


def _beside(best: Report) -> Html:
    """What users saw, and what the closed form had said: TTFT at the percentile, the others as means."""
    heads = [say("service.figure"), say("service.closed"), say("service.mean"), *(esc(p) for p in SHOWN)]
    rows = []
    for name in ("ttft_s", "tpot_s", "latency_s"):
        seen, said = best[name], best["planned"][name]
        values = [said, seen["mean"], *(seen[p] for p in SHOWN)]
        rows.append([named("figure", name), *(cell(v, figure(name, v)) for v in values)])
    joules = [best["planned"]["j_per_token"], best["j_per_token"]]
    energy = (cell(v, figure("j_per_token", v)) for v in joules)
    rows.append([named("figure", "j_per_token"), *energy, *[""] * len(SHOWN)])
    return table(heads, rows)


def _tried(found: Report) -> Html:
    """The chosen one first."""
    names = ("way", "load", "rate", "usd", "closed_ttft", "ttft", "tpot", "share", "verdict")
    rows = [_row(t, found, i == 0) for i, t in enumerate(found["tried"])]
    return tag("h3", say("service.tried")) + table([say(f"service.{n}") for n in names], rows, "sortable")


def _row(t: Report, found: Report, mine: bool) -> Html:
    at = f"p{found['percentile']:g}" if f"p{found['percentile']:g}" in t["ttft_s"] else "p95"
    way = f"{t['replicas']} × {t['chips']:g}, {t['batch']:g}"
    cells = [
        cell(t["load"], percent(t["load"])), cell(t["rate_per_s"], plain(t["rate_per_s"])),
        cell(t["usd_per_mtoken"], usd(t["usd_per_mtoken"])),
        cell(t["planned"]["ttft_s"], figure("ttft_s", t["planned"]["ttft_s"])),
        *(cell(t[name][at], figure(name, t[name][at])) for name in ("ttft_s", "tpot_s")),
        cell(t["share"], f"{100 * t['share']:.1f} %"), say("service.keeps" if t["kept"] else "service.misses"),
    ]  # fmt: skip
    return tr([esc(way), *cells], cls="mine" if mine else None if t["kept"] else "missed")
