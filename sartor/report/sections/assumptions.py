"""What the answer rests on, how to get it again, and what it does not know."""

from __future__ import annotations

from typing import Any

from ..numbers import UNKNOWN, is_known
from ..tags import Html, both, cell, esc, in_both, named, say, section, shown, table, tag, told, tr
from ..words import LANGUAGES, text
from .survival import fact_name

Report = dict[str, Any]
KINDS = ("seen", "measured", "derived", "recalled", "assumed")
LIMITS = ("serving", "made", "rtl", "existing", "prices", "quality")


def html(report: Report) -> Html:
    rows = report["assumptions"]
    return (
        section("assumptions", _rests_on(report), _kinds(rows), _all(rows))
        + _again(report)
        + _limits(report)
    )


def _rests_on(report: Report) -> Html:
    study = report["study"]
    words = told(study, "rests_on") or told(study["quality"], "evidence")
    return tag("blockquote", words) if words else ""


def _kinds(rows: list[dict[str, Any]]) -> Html:
    """How many facts of each kind: the fewer assumed, the better."""
    items = []
    for kind in KINDS:
        n = sum(r["kind"] == kind for r in rows)
        items.append(tag("li", tag("strong", str(n)), " ", say(f"kind.{kind}"), cls=f"kind-{kind}"))
    return tag("ul", *items, cls="kinds")


def _all(rows: list[dict[str, Any]]) -> Html:
    """Every fact, folded: there are a hundred."""
    return tag("details", tag("summary", say("assumptions.all", n=len(rows))), _filter(), _table(rows))


def _filter() -> Html:
    words = {f"data_{lang}": text("assumptions.filter", lang) for lang in LANGUAGES}
    box = tag("input", type="search", id="filter", placeholder=text("assumptions.filter"), **words)
    return tag("label", say("assumptions.filter_label"), " ", box, cls="controls needs-script")


def _table(rows: list[dict[str, Any]]) -> Html:
    heads = [say(f"assumptions.{h}") for h in ("fact", "value", "range", "unit", "kind", "date", "source")]
    return table(heads, [_row(r) for r in rows], "sortable", id="facts")


def _row(r: dict[str, Any]) -> Html:
    value = cell(r["value"], _as_written(r["value"]))
    ends = shown(f"{_as_written(r['low'])} – {_as_written(r['high'])}")
    kind = tag("td", tag("span", named("kind", r["kind"]), cls=f"kind kind-{esc(r['kind'])}"))
    source = tag("td", shown(r["source"] or UNKNOWN), cls="source")
    cells = [value, tag("td", ends, cls="n"), shown(r["unit"]), kind, shown(r["date"] or UNKNOWN), source]
    return tr([fact_name(r["fact"]), *cells])


def _as_written(value: Any) -> str:
    """A fact with the digits of its table: no zeros that nobody wrote.

    >>> _as_written(1.5), _as_written(140.0), _as_written(2600000.0)
    ('1.5', '140', '2,600,000')
    """
    return f"{float(f'{value:.6g}'):,.10g}" if is_known(value) else UNKNOWN


def _again(report: Report) -> Html:
    """The command that gives this report again, and the chip as a file."""
    search, study = report["study"]["search"], report["study"]
    command = f"sartor design {study['name']} --points {search['points']} --seed {search['seed']}"
    spec = tag("details", tag("summary", say("again.chip")), tag("pre", esc(report["chip"]["toml"])))
    return section(
        "again", tag("pre", esc(command)), tag("p", say("again.version", version=report["sartor"])), spec
    )


def _limits(report: Report) -> Html:
    evidence = {lang: one or UNKNOWN for lang, one in in_both(report["study"]["quality"], "evidence").items()}
    names = [name for name in LIMITS if name != "rtl" or not _counted(report)]
    lines = [
        both({lang: text(f"honest.{name}", lang, evidence=evidence[lang]) for lang in LANGUAGES}) for name in names
    ]
    if found := report.get("accuracy"):
        kl, bound = f"{found['kl']:.2g}", f"{found['bound']:.2g}"
        words = {"model": found["measured_on"], "kl": kl, "bound": bound}
        if found.get("part") == "cache":  # on what weights rest stays said
            lines.insert(names.index("quality") + 1, say("honest.cache", **words))
        else:
            lines[names.index("quality")] = say("honest.accuracy", **words)
    return section("honest", tag("ul", *(tag("li", line) for line in lines)))


def _counted(report: Report) -> bool:
    """Whether the section on silicon has the cycles of this chip's RTL."""
    found = report.get("silicon")
    return found is not None and "refused" not in found
