"""What one more of anything would buy."""

from __future__ import annotations

from typing import Any

from ..facts import choice
from ..numbers import change, is_known, percent, plain, usd
from ..tags import Html, cell, named, number, say, section, shown, table, tag, tr

Report = dict[str, Any]
CHANGES = ("usd_per_mtoken", "j_per_token", "latency_s", "ttft_s", "tpot_s", "tokens_per_s", "power_w")
MORE_IS_BETTER = ("tokens_per_s",)


def html(report: Report) -> Html:
    steps = report["one_more"]
    groups = list(dict.fromkeys(s["group"] for s in steps))
    rows = [_row(s, first) for g in groups for s, first in _marked(s for s in steps if s["group"] == g)]
    heads = [say("steps.group"), say("steps.step"), *(say(f"steps.{c}") for c in CHANGES)]
    heads += [say("steps.added"), say("steps.breaks")]
    shown_steps = table(heads, rows, "steps") if rows else tag("p", say("say.missing"))
    return section("steps", tag("p", _best(report["best_dollar"]), cls="answer"), shown_steps)


def _marked(steps: Any) -> Any:
    """Steps of one group, the first one marked: it names the group."""
    return ((step, i == 0) for i, step in enumerate(steps))


def _best(step: dict[str, Any] | None) -> Html:
    if step is None:
        return say("steps.no_best")
    change_of = step["change"]
    words = {"latency": change(change_of["latency_s"]), "dollars": change(change_of["usd_per_mtoken"]),
             "joules": change(change_of["j_per_token"]), "added": usd(step["added_chip_usd"])}  # fmt: skip
    before, after = (choice(step["variable"], step[end]) for end in ("from", "to"))
    return tag("strong", named("variable", step["variable"]), f" {before} → {after}. ") + say(
        "steps.best", **words
    )


def _row(step: dict[str, Any], first: bool) -> Html:
    before, after = (choice(step["variable"], step[end]) for end in ("from", "to"))
    head = named("group", step["group"]) if first else tag("span", named("group", step["group"]), cls="again")
    what = tag("td", named("variable", step["variable"]), tag("small", shown(f"{before} → {after}")))
    changes = [_change(name, step["change"].get(name)) for name in CHANGES]
    added = cell(step["added_chip_usd"], _signed_usd(step["added_chip_usd"]))
    return tr(
        [head, what, *changes, added, _breaks(step["breaks"])], cls="barred" if step["breaks"] else None
    )


def _signed_usd(value: Any) -> str:
    """Dollars added; less than a cent is said so.

    >>> _signed_usd(22.18), _signed_usd(-1332.5), _signed_usd(0.00456), _signed_usd(0.0)
    ('+$22.2', '−$1,330', '+$0.00456', '$0')
    """
    if not is_known(value):
        return usd(value)
    return f"{'+' if value > 0 else '−' if value < 0 else ''}${plain(abs(value))}"


def _change(name: str, value: Any) -> Html:
    """A change, shaded by how good or bad it is; the sign says it too."""
    way = ""
    if is_known(value) and abs(value) >= 0.005:
        good = (value > 0) == (name in MORE_IS_BETTER)
        way = f"{'good' if good else 'poor'}{1 if abs(value) < 0.05 else 2 if abs(value) < 0.2 else 3}"
    return tag("td", number(value, change(value)), cls=f"n {way}".strip())


def _breaks(breaks: dict[str, float]) -> Html:
    items = (tag("li", named("limit", k), " +" + percent(v - 1)) for k, v in breaks.items())
    return (
        tag("td", tag("ul", *items), cls="misses") if breaks else tag("td", say("steps.allowed"), cls="keeps")
    )
