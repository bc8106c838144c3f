"""Every chip of the comparison, in its best configuration, on three price bases."""

from __future__ import annotations

from typing import Any

from ..facts import deployed
from ..numbers import UNKNOWN, figure, is_known, percent, plain
from ..tags import Html, named, number, say, section, shown, table, tag, told, tr

Report = dict[str, Any]
BASES = ("cost", "vendor", "rental")
FIGURES = ("j_per_token", "tpot_s", "ttft_s", "tokens_per_s_per_chip", "power_w")
MORE_IS_BETTER = ("tokens_per_s_per_chip",)


def html(report: Report) -> Html:
    rows = report["comparison"]
    errors = any(row.get("error") for row in rows)  # else a column in which nothing is known
    names = ("formats", "chips", "batch", *(("error",) if errors else ()), "misses")
    heads = [say(f"comparison.{h}") for h in ("chip", "cost", "vendor", "rental", *FIGURES, *names)]
    best = winners(rows)
    body = [_row(row, i, best, errors) for i, row in enumerate(rows)]
    said = ("bases", "tokens", *(("errors",) if errors else ()), "winner")
    notes = "".join(tag("p", say(f"comparison.{n}"), cls="note") for n in said)
    return section("comparison", table(heads, body, "sortable"), notes, _sources(rows))


def columns(row: dict[str, Any]) -> dict[str, Any]:
    """The compared figures of one chip by column."""
    return {**{b: row["usd_per_mtoken"][b] for b in BASES}, **{f: row[f] for f in FIGURES}}


def winners(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The best value of each column among the chips that keep the limits."""
    best = {}
    for name in (*BASES, *FIGURES):
        known = [v for row in rows if row["feasible"] and is_known(v := columns(row)[name])]
        best[name] = (max if name in MORE_IS_BETTER else min)(known, default=None)
    return best


def _row(row: dict[str, Any], i: int, best: dict[str, Any], errors: bool) -> Html:
    cells = [_cell(row, name, value, best[name]) for name, value in columns(row).items()]
    chips = number(row["tensor_parallel"] * row["stages"], deployed(row))
    batch = number(row["batch"], f"{row['batch']:g}")
    formats = tag("td", shown(row["weights"]), tag("br"), tag("small", shown(row["cache"])))
    marks = " ".join(m for m in ("mine" if i == 0 else "", "" if row["feasible"] else "missed") if m)
    head = shown(row["name"]) + tag("small", shown(f"{row['node']} · {row['memory']}"))
    error = [_error(row)] if errors else []
    return tr([head, *cells, formats, chips, batch, *error, _misses(row)], cls=marks or None)


def _cell(row: dict[str, Any], name: str, value: Any, best: Any) -> Html:
    kind = "usd_per_mtoken" if name in BASES else name
    won = row["feasible"] and is_known(value) and value == best
    words = plain(value) if name == "tokens_per_s_per_chip" else figure(kind, value)
    sheet = (
        tag("small", f"TDP {plain(row['tdp_w'])} W") if name == "power_w" and is_known(row["tdp_w"]) else ""
    )
    return tag("td", number(value, words), sheet, cls="n best" if won else "n")


def _error(row: dict[str, Any]) -> Html:
    """The 80 % band of its times, where whole steps were measured."""
    error = row.get("error")
    return number(error["latency"], f"±{percent(error['latency'])}") if error else tag("td", shown(UNKNOWN))


def _misses(row: dict[str, Any]) -> Html:
    """Which limits a chip breaks, and by how much."""
    if row["feasible"]:
        return tag("td", say("comparison.keeps"), cls="keeps")
    items = (tag("li", named("limit", k), " +" + percent(v - 1)) for k, v in row["misses"].items())
    return tag("td", tag("ul", *items), cls="misses")


def _sources(rows: list[dict[str, Any]]) -> Html:
    """Where each chip's figures and price come from."""
    heads = [say(f"comparison.{h}") for h in ("chip", "source", "price_date", "price_source", "note")]
    fields = ("source", "price_date", "price_source")
    named_in = [[shown(r["name"]), *(shown(r[f] or UNKNOWN) for f in fields)] for r in rows[1:]]
    body = [[*cells, told(r, "note") or shown(UNKNOWN)] for cells, r in zip(named_in, rows[1:], strict=True)]
    return tag("details", tag("summary", say("comparison.sources")), table(heads, body, "sources"))
