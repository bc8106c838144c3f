"""One chip for several works: what a chip tailored to one costs when it does another."""

from __future__ import annotations

from typing import Any

from ..facts import choice
from ..numbers import change, is_known, usd
from ..tags import Html, esc, named, say, section, shown, table, tag, tr

Report = dict[str, Any]


def html(report: Report) -> Html:
    regret, left_out = report["regret"], missing_works(report)
    notes = [tag("p", say("regret.left_out", works=", ".join(left_out)), cls="warn")] if left_out else []
    if regret is None:
        return section("regret", tag("p", say("regret.none")), *notes)
    return section("regret", _table(regret), *notes, _robust(regret))


def missing_works(report: Report) -> list[str]:
    """Works of the study that no chip of the space can do: they are not in the table, and it must say so."""
    done = report["regret"]["works"] if report["regret"] else []
    return [other["name"] for other in report["study"]["others"] if other["name"] not in done]


def _table(regret: dict[str, Any]) -> Html:
    works = regret["works"]
    heads = [say("regret.made_for"), *(shown(w) for w in works)]
    rows = [_row(shown(w), regret["regret"][a], regret["usd"][a]) for a, w in enumerate(works)]
    best = [regret["usd"][b][b] for b in range(len(works))]
    robust = [_over(mine, least) for mine, least in zip(regret["robust_usd"], best, strict=True)]
    rows.append(_row(say("regret.robust_row"), robust, regret["robust_usd"], "robust"))
    return table(heads, rows, "heat")


def _over(mine: float | None, least: float | None) -> float | None:
    return mine / least - 1 if is_known(mine) and is_known(least) and mine and least else None


def _row(name: Html, over: list[float | None], dollars: list[float | None], cls: str | None = None) -> Html:
    return tr([name, *(_cell(o, d) for o, d in zip(over, dollars, strict=True))], cls=cls)


def _cell(over: float | None, dollars: float | None) -> Html:
    """A shade for the eye, the percentage for the reader, the dollars for the sceptic."""
    if not is_known(over):
        return tag("td", say("regret.cannot"), cls="cannot")
    assert over is not None
    shade = sum(over > edge for edge in (0.005, 0.05, 0.2, 0.5, 1.0))
    words = say("regret.home") if over == 0 else esc(change(over))
    return tag("td", tag("b", words), tag("small", shown(usd(dollars))), cls=f"heat{shade}")


def _robust(regret: dict[str, Any]) -> Html:
    design, worst = regret["robust"], regret["robust_worst"]
    words = say("regret.robust", worst=change(worst)) if is_known(worst) else say("regret.no_robust")
    chips = (
        tag("span", named("variable", v), f" {shown(choice(v, x))}", cls="chip-diff")
        for v, x in design.items()
    )
    return tag("h3", say("regret.robust_title")) + tag("p", words, cls="answer") + tag("p", " ".join(chips))
