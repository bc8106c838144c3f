"""The trust page: a table of what is asked most, a picture and a paragraph for each kind of number, and at the end how
each was judged, what is not covered, and every error on record. The words are in trust.toml."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import trust_glance

from sartor.report.words import term
from sartor.validation import validation
from sartor.validation.record import Recorded, on_record
from sartor.validation.rtl import CLASSES

INTRO = """How wrong the estimates are, measured: every row of the measurements is predicted from its inputs alone and
compared with what was measured. Do it again, with your own files too: `sartor validate KIND [--data FILE]`
([validation.md](validation.md))."""
READING = """*Held out*: predicted by figures fitted without the rows like it (whole models, whole shapes). *Unseen*: rows that
no figure was fitted to. *Fitted*: by figures that have seen these rows. Nine in ten are within the 90th percentile. A
test fails when an error grows by more than a tenth."""
ALL = "Of rows like these four in five lie within the band, either way."
TITLES = {kind: term("truth", kind) for kind in ("gpu", "serving", "dram", "area", "cost", "rtl")}
WORDS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
KOREAN = tomllib.loads(Path(__file__).with_name("trust.ko.toml").read_text(encoding="utf-8"))
MISSING: dict[str, list[str]] = WORDS["missing"]
PICTURES = {
    "gpu": ("trust-gpu-time", "trust-gpu-energy"), "serving": ("trust-serving",), "dram": ("trust-dram",),
    "area": ("trust-area", "trust-power"), "cost": ("trust-cost",), "rtl": ("trust-rtl",),
}  # fmt: skip
AND = {"en": " and ", "ko": ", "}
LEAST = {
    "en": "{median} off in the middle and {p90} at the 90th percentile ({form})",
    "ko": "{form} 중앙값 {median}, 90백분위 {p90}",
}
_ROWS = {"held_out": "held out", "fitted": "fitted", "unseen": "unseen"}
_ERROR = re.compile(r"\{(\w+)/(\w+)/([^/}]+)(?:/(\w+))?\}")


def said() -> dict[str, Any]:
    """What reports say beside the errors."""
    return {
        kind: {"missing": _plain(kind, "en"), "missing_ko": _plain(kind, "ko"), "glance": _glance(kind)}
        for kind in TITLES
    }


def _glance(kind: str) -> list[dict[str, str]]:
    """Lines of the table on top, without their errors: reports take these from the record."""
    korean = KOREAN["glance"]
    return [{"what": what, "what_ko": korean[what], "judged": judged, "judged_ko": korean[judged],
             "rows": rows, "group": group}
            for what, judged, (of, rows, group) in trust_glance.ASKED if of == kind]  # fmt: skip


def _plain(kind: str, language: str) -> list[str]:
    return [plain(what) for what in missing(kind, language)]


def plain(markdown: str) -> str:
    """Without links and marks of code.

    >>> plain("`energy` is of whole ticks ([validation.md](validation.md))")
    'energy is of whole ticks (docs/validation.md)'
    """
    return re.sub(r"\[([^]]*)\]\(([^)]*)\)", r"docs/\2", markdown).replace("`", "")


def missing(kind: str, language: str = "en") -> Iterable[str]:
    """What is not covered, with what reading in ticks alone leaves. In Korean as far as it is translated."""
    korean = KOREAN.get(kind, {}) if language == "ko" else {}
    words = [korean.get(what, what) for what in MISSING[kind]]
    if kind != "gpu":
        return words
    found = _found()
    least = AND[language].join(
        LEAST[language].format(form=form, **_least(found, form)) for form in ("prefill", "decode")
    )
    unjudged = sum(row["n"] for row in found["coverage"]["unjudged"])
    return [what.format(least=least, unjudged=unjudged) for what in words]


@functools.cache
def _found() -> dict[str, Any]:
    return validation("gpu").facts()


def _least(found: dict[str, Any], form: str) -> dict[str, str]:
    row = found["by"][f"{form} energy as read"]
    return {end: f"{100 * row[f'least_{end}_ape']:.1f} %" for end in ("median", "p90")}


def with_errors(text: str) -> str:
    """`text` with each {kind/rows/group} in it replaced by the error on record; a group that is not there is an error.

    >>> with_errors("of {rtl/fitted/decode/n} passes")
    'of 160 passes'
    """
    return _ERROR.sub(lambda found: _error(*found.groups()), text)


def _error(kind: str, rows: str, group: str, figure: str | None) -> str:
    value = getattr(on_record()[kind, rows, group], figure or "median")
    return f"{value:,}" if figure == "n" else f"{100 * value:.1f} %"


def page(made: str) -> str:
    """docs/trust.md."""
    lines = ["# Trust", "", made, "", INTRO, ""]
    lines += ["![Errors by question: medians and 90th percentiles](pictures/trust.svg)", ""]
    lines += ["## At a glance", "", *trust_glance.table(), "", READING, ""]
    for kind, title in TITLES.items():
        lines += [f"## {title}", "", *_pictures(kind), with_errors(WORDS["about"][kind]).strip(), ""]
    lines += _each("How each was judged", lambda kind: [WORDS["judged"][kind].strip()])
    lines += _each("What is not covered", lambda kind: [f"- {what}" for what in missing(kind)])
    lines += ["## All errors on record", "", ALL, "", *_each("", _table)]
    return "\n".join(lines).rstrip() + "\n"


def _pictures(kind: str) -> Iterable[str]:
    for name in PICTURES[kind]:
        yield from (f"![Predicted against measured: {name}](pictures/{name}.svg)", "")


def _each(title: str, body: Callable[[str], Iterable[str]]) -> list[str]:
    """A part of the page with a heading for each kind, which says the part too: headings are links."""
    lines = [f"## {title}", ""] if title else []
    for kind, name in TITLES.items():
        lines += [f"### {name}: {(title or 'all errors').lower()}", "", *body(kind), ""]
    return lines


def _table(kind: str) -> Iterable[str]:
    yield "| what | rows | n | median | 90th percentile | worst | 80 % band |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for one in on_record().values():
        if one.kind == kind and (one.rows != "fitted" or _is_shown(one.group.split())):
            yield _line(one)


def _is_shown(words: list[str]) -> bool:
    """Of fitted rows those of a kind, and those of a class of instructions in one."""
    return len(words) == 1 or (len(words) == 2 and words[1] in CLASSES)


def _line(one: Recorded) -> str:
    figures = " | ".join(f"{100 * value:.1f} %" for value in (one.median, one.p90, one.worst, one.band))
    return f"| {one.group} | {_ROWS[one.rows]} | {one.n:,} | {figures} |"
