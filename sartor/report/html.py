"""`report.html`: one file that needs no network, from the report's dictionary."""

from __future__ import annotations

import functools
from importlib.resources import files
from typing import Any

import vl_convert

from .sections import (
    assumptions,
    claims,
    comparison,
    drift,
    headline,
    pareto,
    proportionality,
    regret,
    service,
    silicon,
    steps,
    survival,
    trust,
    why,
    why_not,
)
from .tags import Html, esc, say, tag

Report = dict[str, Any]
SCRIPTS = ("page.js", "figures.js", "plotted.js", "plots.js")  # each uses those before it
SECTIONS = (headline, pareto, comparison, why, service, drift, silicon, claims, proportionality, steps, why_not, regret,
            survival, trust, assumptions)  # fmt: skip


def page(report: Report) -> str:
    """The whole page."""
    parts = {
        "title": _title(report["study"]),
        "style": own_file("page.css"),
        "menu": menu(report),
        "body": "\n".join(part.html(report) for part in sections(report)),
        "vega": vega(),
        "script": "".join(own_file(name) for name in SCRIPTS),
    }
    return fill(own_file("page.html"), parts)


def _title(study: Report) -> Html:
    """What the browser's tab says; page.js puts in the reader's language."""
    english = f"{study['title'] or study['name']} – Sartor"
    korean = f"{study['title_ko']} – Sartor" if study.get("title_ko") else english
    return tag("title", esc(english), data_en=english, data_ko=korean)


def sections(report: Report) -> list[Any]:
    """All of them, but those of what was not made: hardware, a simulation, a redesign, errors."""
    return [part for part in SECTIONS if part not in (silicon, service, drift, claims, trust) or part.present(report)]


def menu(report: Report) -> Html:
    """Links to the sections."""
    names = [part.__name__.rpartition(".")[2] for part in sections(report)]
    return "".join(tag("a", say(f"menu.{name}"), href=f"#{name}") for name in names)


@functools.cache
def vega() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script; the package carries them, so that nothing is fetched."""
    return vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;").replace("</script", "<\\/script")


def own_file(name: str) -> str:
    """A file beside this one."""
    return files("sartor.report").joinpath(name).read_text(encoding="utf-8")


def fill(template: str, parts: dict[str, Html]) -> str:
    """`template` with each `<!--name-->` replaced, in one pass, so that no part is searched for marks."""
    first, *pieces = template.split("<!--")
    filled = [first]
    for piece in pieces:
        name, rest = piece.split("-->", 1)
        filled.append(parts[name] + rest)
    return "".join(filled)
