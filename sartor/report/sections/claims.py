"""One format and one kind of memory at a time, and published claims held against the chips of each."""

from __future__ import annotations

from typing import Any

from ..facts import choice
from ..numbers import count, figure, is_known, plain
from ..tags import Html, both, cell, esc, say, section, shown, table, tag, told, tr

Report = dict[str, Any]
FIGURES = ("usd_per_mtoken", "j_per_token", "ttft_s", "tpot_s", "tokens_per_s", "power_w")
FEW = 9  # points that are named one by one
CHOICES = ("node", "memory", "units", "cores", "columns", "cache", "batch")


def present(report: Report) -> bool:
    return bool(report.get("variants"))


def html(report: Report) -> Html:
    part = report["study"]["variants"]
    limits = {n: figure(f"{n}_s", part[n] or report["study"]["slo"][n]) for n in ("ttft", "tpot")}
    traffic = part["profile"] or report["study"]["traffic"]["profile"]
    about = tag("p", say("claims.limits", traffic=traffic, **limits))
    note = [tag("p", say("claims.note"), cls="note")] if report["claims"] else []
    return section("claims", about, _variants(report["variants"]), *note, *map(_claim, report["claims"]))


def _variants(rows: list[dict[str, Any]]) -> Html:
    heads = [say("claims.variant"), say("claims.bits"), *(say(f"figure.{f}") for f in FIGURES)]
    heads += [say(f"variable.{c}") for c in CHOICES]
    return table(heads, [_variant(row) for row in rows], "variants")


def _variant(row: dict[str, Any]) -> Html:
    name = shown(row["weights"]) + tag("small", shown(row["memory"]))
    if not row["kept"]:
        wide = 1 + len(FIGURES) + len(CHOICES)
        return tr([name, tag("td", say("claims.none"), cls="cannot", colspan=wide)])
    figures = [cell(row[f], figure(f, row[f])) for f in FIGURES]
    choices = [shown(choice(c, row["design"][c])) for c in CHOICES]
    return tr([name, cell(row["bits"], plain(row["bits"])), *figures, *choices])


def _claim(claim: dict[str, Any]) -> Html:
    """The claim, where it holds, and the factor at every point."""
    texts = {"en": claim["text"], "ko": claim["text_ko"] or claim["text"]}
    source = tag("p", say("claims.against", chip=claim["chip"], weights=claim["weights"], cache=claim["cache"]), " ",
                 told(claim, "source"), cls="note")  # fmt: skip
    return tag("h3", both(texts)) + source + _answer(claim) + _grid(claim)


def _answer(claim: dict[str, Any]) -> Html:
    """How many points hold, the best of them and the worst."""
    known = [p for p in claim["points"] if is_known(p["factor"])]
    if not known:
        return tag("p", say("claims.unknown"), cls="warn")
    kept = [p for p in known if p["factor"] >= claim["factor"]]
    ends = {"best": max(known, key=_factor), "worst": min(known, key=_factor)}
    blanks = {f"{name}_{key}": value for name, p in ends.items() for key, value in _words(p).items()}
    counts = {"kept": count(len(kept)), "points": count(len(known)), "factor": plain(claim["factor"])}
    key = "claims.holds" if len(kept) == len(known) else "claims.part" if kept else "claims.fails"
    return tag("p", say(key, **counts, **blanks), cls="answer") + _few(kept, known)


def _few(kept: list[dict[str, Any]], known: list[dict[str, Any]]) -> Html:
    """Where the claim holds, or where it fails: whichever is rarer; nothing where the table says it better."""
    failed = [p for p in known if p not in kept]
    some = min((kept, failed), key=len)
    if not 0 < len(some) <= FEW:
        return ""
    return tag("p", say("claims.where" if some is kept else "claims.not_where", where=_where(some)))


def _factor(p: dict[str, Any]) -> float:
    return float(p["factor"])


def _words(p: dict[str, Any]) -> dict[str, str]:
    at = f"{p['weights']}, {p['memory']}, {p['batch']} × {count(p['context'])}"
    return {"factor": plain(p["factor"]), "at": at}


def _where(some: list[dict[str, Any]]) -> str:
    """Batches and contexts of a table of points, with the chips that are meant there.

    >>> one, other = {"memory": "M", "weights": "W"}, {"memory": "M", "weights": "V"}
    >>> _where([{**p, "batch": b, "context": 1024} for p, b in ((one, 1), (other, 1), (one, 8))])
    '1 × 1,024 (W + M; V + M), 8 × 1,024 (W + M)'
    """
    found: dict[tuple[int, int], list[str]] = {}
    for p in some:
        found.setdefault((p["batch"], p["context"]), []).append(f"{p['weights']} + {p['memory']}")
    return ", ".join(f"{b} × {count(c)} ({'; '.join(chips)})" for (b, c), chips in sorted(found.items()))


def _grid(claim: dict[str, Any]) -> Html:
    points = claim["points"]
    places = list(dict.fromkeys((p["batch"], p["context"]) for p in points))
    heads = [say("claims.variant"), *(tag("span", f"{b} × {count(c)}") for b, c in places)]
    rows = []
    for name in dict.fromkeys((p["weights"], p["memory"]) for p in points):
        mine = {(p["batch"], p["context"]): p for p in points if (p["weights"], p["memory"]) == name}
        head = shown(name[0]) + tag("small", shown(name[1]))
        rows.append(tr([head, *(_cell(mine[place], claim["factor"]) for place in places)]))
    return table(heads, rows, "heat")


def _cell(p: dict[str, Any], asked: float) -> Html:
    """Green where the claim holds; below, how many of the other chip stand against one."""
    if not is_known(p["factor"]):
        return tag("td", say("claims.cannot"), cls="cannot")
    chips = tag("small", f"/ {p['chips']}") if p["chips"] > 1 else ""
    shade = "heat0" if p["factor"] >= asked else "heat3"
    return tag("td", tag("b", esc(f"{plain(p['factor'], 2)}×")), chips, cls=shade)
