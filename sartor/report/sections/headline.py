"""The first thing one sees: the chip, the answer, and the best chip one could buy instead."""

from __future__ import annotations

from typing import Any

from ..facts import chip_facts, choice, deployed
from ..numbers import UNKNOWN, figure, is_known, plain, usd
from ..tags import Html, both, esc, number, say, shown, table, tag
from ..verdict import against, buyers_price, verdict, wins

Report = dict[str, Any]
TILES = ("j_per_token", "tpot_s", "ttft_s", "tokens_per_s", "power_w")
MORE_IS_BETTER = ("tokens_per_s", "tokens_per_s_per_chip")
BESIDE = ("j_per_token", "tpot_s", "ttft_s", "latency_s", *MORE_IS_BETTER, "power_w", "chip_usd")


def html(report: Report) -> Html:
    facts = chip_facts(report)
    head = tag("p", say("headline.chip", **facts), tag("br"), say("headline.formats", **facts), cls="chip")
    parts = [tag("h1", title(report)), head, _verdict(report), _tiles(report), _beside(report)]
    return tag("section", *parts, id="headline")


def title(report: Report) -> Html:
    """The study's title in every language."""
    study = report["study"]
    english = study["title"] or study["name"]
    return both({"en": english, "ko": study["title_ko"] or english})


def _verdict(report: Report) -> Html:
    """Plain sentences, the bad news first."""
    items = []
    for key, blanks in verdict(report):
        items.append(tag("li", say(key, **blanks), cls="bad" if against((key, blanks)) else None))
    return tag("ul", *items, cls=f"verdict {'won' if wins(report) else 'lost'}")


def _tiles(report: Report) -> Html:
    head = report["headline"]
    rest = [_tile(name, head) for name in TILES]
    return tag("div", _tile("usd_per_mtoken", head, _band(head), cls="tile big"), *rest, cls="tiles")


def _tile(name: str, head: dict[str, Any], more: Html = "", cls: str = "tile") -> Html:
    amount, _, unit = figure(name, head[name]).partition(" ")
    known = number(head[name], amount) + (f" {tag('small', esc(unit))}" if unit else "")
    value = tag("p", known if is_known(head[name]) else shown(UNKNOWN), cls="value")
    return tag("div", value, tag("p", say(f"figure.{name}")), more, cls=cls)


def _band(head: dict[str, Any]) -> Html:
    band = head["band"]
    words = say("headline.band", low=usd(band[0]), high=usd(band[2])) if band else say("headline.no_band")
    return tag("p", words, cls="band")


def _beside(report: Report) -> Html:
    """The chip beside the best one could buy, like with like."""
    best, note = report["headline"]["best_rival"], tag("p", say("headline.usd_note"), cls="note")
    if best is None:
        return note
    heads = [say("headline.figure"), say("headline.this_chip"), shown(best["name"]), say("headline.compared")]
    rows = [*_money(report, best), *(_row(name, report["headline"][name], best[name]) for name in BESIDE)]
    head = tag("h2", say("headline.against", rival=best["name"]))
    return head + table(heads, rows, "beside") + note + _notes(report, best)


def _money(report: Report, best: dict[str, Any]) -> list[list[Html]]:
    mine, paid = report["comparison"][0]["usd_per_mtoken"], buyers_price(best)
    at_price = _row("usd_price", mine["vendor"], paid[0] if paid else None)
    if paid:
        at_price[2] += " " + tag("small", say(f"basis.{paid[1]}"))
        at_price[1] += " " + tag("small", say("basis.vendor"))
    return [_row("usd_cost", mine["cost"], best["usd_per_mtoken"]["cost"]), at_price]


def _row(name: str, mine: Any, theirs: Any) -> list[Html]:
    kind = "usd_per_mtoken" if name.startswith("usd") else name
    cells = [number(value, figure(kind, value)) for value in (mine, theirs)]
    return [say(f"figure.{name}"), *cells, _compared(mine, theirs, name in MORE_IS_BETTER)]


def _compared(mine: Any, theirs: Any, more_is_better: bool) -> Html:
    """By what factor the chip is better or worse."""
    if not (is_known(mine) and is_known(theirs) and mine and theirs):
        return shown(UNKNOWN)
    ratio = mine / theirs if more_is_better else theirs / mine
    if abs(ratio - 1) < 0.005:
        return say("headline.same")
    way, size = ("better", ratio) if ratio > 1 else ("worse", 1 / ratio)
    return tag("span", say(f"headline.{way}", ratio=plain(size)), cls=way)


def _notes(report: Report, best: dict[str, Any]) -> Html:
    """How the rival is deployed, when its price is from, and what the figures leave out."""
    how = {n: choice(n, best[n]) for n in ("weights", "cache", "batch", "load")}
    price = {n: best[f"price_{n}"] or UNKNOWN for n in ("date", "source")}
    lines = [
        say("headline.best_way", rival=best["name"], chips=deployed(best), **how),
        say("headline.dates", rival=best["name"], facts=_newest(report), **price),
        say("headline.load_note", percentile=plain(report["study"]["slo"]["percentile"], 2)),
    ]
    limit, shared = report["study"]["budget"]["batch"], report["headline"]["shared"]
    if limit:
        lines.append(say("headline.single", batch=f"{limit:g}"))
    if shared:
        lines.append(say("headline.shared", name=shared["name"]))
    return "".join(tag("p", line, cls="note") for line in lines)


def _newest(report: Report) -> str:
    return max((row["date"] for row in report["assumptions"]), default=UNKNOWN)
