"""The README's picture and card, from a real run of the default study: `python docs/pictures.py [--check]`."""

from __future__ import annotations

import argparse
import io
import re
import sys
from pathlib import Path
from typing import Any

import vl_convert
from rich.console import Console

from sartor import api
from sartor.report.card import card

ROOT = Path(__file__).parents[1]
STUDY = "edge-smollm2"
PICTURE = ROOT / f"docs/pictures/{STUDY}.svg"
READMES = {"README.md": "en", "README.ko.md": "ko"}
WIDTH = 100  # letters of the card
_CARD = re.compile(r"(<!-- card -->\n```text\n).*?(\n```\n<!-- /card -->)", re.DOTALL)
_CHOSEN, _RIVAL = "#c2185b", "#8a4b08"


def spec(report: dict[str, Any]) -> dict[str, Any]:
    """The Pareto front in dollars and joules, the chosen chip on it, and the chips one could buy, all at cost."""
    front = [_point("", row["usd_per_mtoken"], row) for row in report["front"]]
    rows = [_point(row["name"], row["usd_per_mtoken"]["cost"], row) for row in report["comparison"]]
    chosen = [{**rows[0], "name": _label(report)}]
    others = [row for row in rows[1:] if row["usd"] is not None]
    color = {"field": "latency_s", "type": "quantitative", "title": "mean latency of a request, s",
              "scale": {"scheme": "viridis"}, "legend": {"orient": "bottom", "gradientLength": 260}}  # fmt: skip
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": 620, "height": 380, "background": "white", "padding": 12,
        "title": {
            "text": f"{report['search']['evaluations']:,} designs, the {report['search']['front']} that none beats",
            "subtitle": "and chips one could buy, at the same work; all at cost; lower and further left is better",
            "anchor": "start",
        },
        "layer": [
            _layer(front, {"type": "point", "filled": True, "size": 40, "opacity": 0.9}, {"color": color}),
            _layer(others, {"type": "point", "shape": "diamond", "size": 120, "color": _RIVAL, "filled": True}),
            _layer(others, {"type": "text", "dy": -14, "color": _RIVAL, "fontSize": 12}, _NAME),
            _layer(chosen, {"type": "point", "shape": "circle", "size": 220, "color": _CHOSEN, "strokeWidth": 2.5}),
            _layer(chosen, {"type": "text", "dy": 44, "dx": -12, "align": "left", "color": _CHOSEN, "fontSize": 13,
                            "fontWeight": "bold", "lineBreak": "\n"}, _NAME),
        ],
        "config": {"font": "Helvetica, Arial, sans-serif", "axis": {"gridColor": "#e8e8e8", "labelFontSize": 12,
                   "titleFontSize": 13}, "title": {"fontSize": 15, "subtitleFontSize": 12}},
    }  # fmt: skip


_NAME = {"text": {"field": "name"}}


def _point(name: str, usd: float | None, row: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "usd": usd, "mj": row["j_per_token"] * 1e3, "latency_s": row["latency_s"]}


def _label(report: dict[str, Any]) -> str:
    d, area = report["chip"]["design"], sum(report["breakdown"]["area_mm2"].values())
    return f"the chosen chip\n{area:.1f} mm² in {d['node']}, {d['memory'].upper()} x{d['units']}"


def _layer(values: list[dict], mark: dict, encoding: dict | None = None) -> dict[str, Any]:
    axes = {
        "x": _axis("usd", "US dollars per million output tokens, prompts included, at cost", "$~g"),
        "y": _axis("mj", "energy per output token, mJ", "~g"),
    }
    return {"data": {"values": values}, "mark": mark, "encoding": {**axes, **(encoding or {})}}


def _axis(field: str, title: str, form: str) -> dict[str, Any]:
    return {"field": field, "type": "quantitative", "title": title, "axis": {"format": form, "tickCount": 6},
            "scale": {"type": "log", "nice": False, "padding": 46}}  # fmt: skip


def card_text(report: dict[str, Any], language: str) -> str:
    """The card as `sartor design` prints it in a terminal of `WIDTH` columns."""
    console = Console(width=WIDTH, file=io.StringIO(), legacy_windows=False)
    console.print(card(report, language))
    return "\n".join(line.rstrip() for line in console.file.getvalue().rstrip().splitlines())


def pages(report: dict[str, Any]) -> dict[Path, str]:
    """What each file should hold."""
    found = {PICTURE: vl_convert.vegalite_to_svg(spec(report))}
    for name, language in READMES.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        shown = card_text(report, language)
        found[ROOT / name] = _CARD.sub(lambda m, shown=shown: m[1] + shown + m[2], text)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where a file is not current")
    check = parser.parse_args().check
    stale = []
    for path, text in pages(api.design(STUDY).report).items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(str(path.relative_to(ROOT)))
            if not check:
                path.write_text(text, encoding="utf-8")
    print(f"{'not current' if check else 'written'}: {', '.join(stale)}" if stale else "all current")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
