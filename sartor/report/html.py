"""`report.html`: one file that needs no network, from the report's dictionary."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from .sections import comparison, headline
from .tags import Html, esc

Report = dict[str, Any]
SECTIONS = (headline, comparison)


def page(report: Report) -> str:
    """The whole page."""
    parts = {
        "title": esc(report["study"]["title"] or report["study"]["name"]),
        "style": own_file("page.css"),
        "body": "\n".join(part.html(report) for part in SECTIONS),
        "script": own_file("page.js"),
    }
    return fill(own_file("page.html"), parts)


def own_file(name: str) -> str:
    """A file beside this one."""
    return files("sartor.report").joinpath(name).read_text(encoding="utf-8")


def fill(template: str, parts: dict[str, Html]) -> str:
    """`template` with each `<!--name-->` replaced, in one pass, so that no part is searched for marks."""
    pieces = template.split("<!--")
    filled = [pieces[0]]
    for piece in pieces[1:]:
        name, rest = piece.split("-->", 1)
        filled.append(parts[name] + rest)
    return "".join(filled)


