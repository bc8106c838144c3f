"""The report's first page for a terminal: the chip, the verdict, and a short table beside it."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from .facts import chip_facts, deployed, refusal
from .numbers import change, count, figure, is_known, percent, usd
from .verdict import against, verdict, wins
from .words import term, text

Report = dict[str, Any]

NAME = 15  # letters: names of most chips stand on one line


def card(report: Report, language: str = "en") -> RenderableType:
    """What `sartor design` shows when it is done."""
    notes = Text(_notes(report, language), style="dim")
    return Group(_headline(report, language), _table(report, language), notes)


def _headline(report: Report, language: str) -> Panel:
    head, study = report["headline"], report["study"]
    lines = Text()
    facts = chip_facts(report)
    lines.append(text("headline.chip", language, **facts) + "\n" + text("headline.formats", language, **facts) + "\n\n")
    lines.append(f"{usd(head['usd_per_mtoken'])} ", style="bold")
    lines.append(f"{text('card.usd', language)} ({_band(head['band'], language)})\n")
    figures = {n: figure(n, head[n]) for n in ("j_per_token", "tpot_s", "ttft_s", "tokens_per_s")}
    lines.append(text("card.figures", language, **figures) + "\n\n")
    for key, blanks in verdict(report):
        mark, style = ("!", "yellow") if against((key, blanks)) else ("·", "")
        lines.append(f"{mark} {text(key, language, **blanks)}\n", style=style)
    lines.append(_silicon(report.get("silicon"), language))
    lines.rstrip()
    title = study.get("title_ko" if language == "ko" else "title") or study["name"]
    return Panel(lines, title=escape(title), border_style="green" if wins(report) else "yellow")


def _silicon(found: Report | None, language: str) -> Text:
    """What the generated hardware said, and whether it is the golden model; nothing where it was not asked for."""
    if found is None:
        return Text("")
    if "refused" in found:
        key, why = refusal(found)
        return Text(text(key, language, **why))
    lines, prompt = Text("\n"), found["prompt"]
    lines.append(" ".join(f"“{prompt}".split()))
    lines.append(" " + " ".join(found["text"][len(prompt) :].split()) + "”\n", style="bold")
    tokens = len(found["rtl_tokens"])
    wrong = {"mismatches": count(found["mismatches"])} if found["mismatches"] else {}
    blanks = {"instructions": count(found["instructions"]), "tokens": count(tokens), **wrong}
    lines.append(text("silicon.differs" if wrong else "silicon.equal", language, **blanks) + "\n")
    figures = {
        "cycles": count(found["cycles_rtl"] / tokens), "error": change(found["cycles_error"]),
        "used": percent(found["memory_utilization"]),
    }  # fmt: skip
    return lines.append(text("card.silicon", language, **figures))


def _band(band: Any, language: str) -> str:
    if not band:
        return text("headline.no_band", language)
    return text("headline.band", language, low=usd(band[0]), high=usd(band[2]))


def _table(report: Report, language: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(text("card.chip", language), overflow="fold", min_width=NAME)
    for name in ("cost", "price", "energy", "tpot", "ttft", "chips", "batch"):
        table.add_column(text(f"card.{name}", language), justify="right")
    for row in report["comparison"]:
        style = "bold" if row["name"] == report["headline"]["chip"] else "" if row["feasible"] else "dim"
        name = row["name"] if row["feasible"] else f"{row['name']} *"
        table.add_row(Text(name), *_cells(row, language), style=style)
    return table


def _cells(row: dict[str, Any], language: str) -> list[str]:
    paid = [v for b in ("vendor", "rental") if is_known(v := row["usd_per_mtoken"][b])]
    prices = [row["usd_per_mtoken"]["cost"], min(paid, default=None)]
    money = [usd(v) if is_known(v) else "–" for v in prices]
    figures = [figure(n, row[n]) if is_known(row[n]) else "–" for n in ("j_per_token", "tpot_s", "ttft_s")]
    return [*money, *figures, deployed(row), f"{row['batch']:g}"]


def _notes(report: Report, language: str) -> str:
    """What the marks mean, and which limit each marked chip misses by how much."""
    missed = [_missed(s, language) for s in report["comparison"] if not s["feasible"]]
    return "\n".join([*missed, text("headline.usd_note", language), text("card.bases", language)])


def _missed(row: dict[str, Any], language: str) -> str:
    over = ", ".join(f"{term('limit', k, language)} +{percent(v - 1)}" for k, v in row["misses"].items())
    return text("card.missed", language, chip=row["name"], over=over)
