"""Does a token come as much faster as its weights get fewer bits? `python docs/proportionality.py [--check]` fills
docs/formats-silicon.md and its picture: at RTL, as benchmarks/proportionality.py counted it, and by batch.

By batch: the formulas of cycles on the same core with columns for 16 tokens, Llama-3.2-1B whole, 512 tokens before each; an
H100 beside it, as measured (sartor/report/proportionality.py).
"""

from __future__ import annotations

import csv
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import vl_convert
from fill import filled, write

from sartor.formats.hardware import decoded
from sartor.formats.spec import format_named
from sartor.report.proportionality import BATCHES, COUNTED, by_batch, points

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs/pictures/proportionality.svg"
PAGE = ROOT / "docs/formats-silicon.md"
NETWORKS, TARGET = {"llama-3.2-1b": "Llama-3.2-1B", "smollm2-135m": "SmolLM2"}, 0.95
SHOWN = (1, *BATCHES)


def counted() -> dict[tuple[str, str, int], dict[str, float]]:
    """At RTL, by network, format and batch."""
    text = files("sartor.data").joinpath("measured/proportionality.csv").read_text(encoding="utf-8")
    return {(r["network"], r["format"], int(r["batch"])): {k: float(r[k]) for k in ("bits", "speedup", "proportionality")}
            for r in csv.DictReader(text.splitlines())}  # fmt: skip


def table() -> str:
    """A row a format: the share of what its bits promise."""
    known = counted()
    names = sorted({name for _, name, _ in known} | set(decoded()), key=lambda n: (-format_named(n).bits(), n))
    rtl = [(network, batch) for batch in COUNTED for network in NETWORKS]
    heads = [*(f"RTL, {NETWORKS[network]}, batch {batch}" for network, batch in rtl), *(f"batch {batch}" for batch in SHOWN)]
    lines = [f"| format | bits | {' | '.join(heads)} |", "|---|---|" + "---|" * len(heads)]
    for name in names:
        rows = [known.get((network, name, batch)) for network, batch in rtl]
        cells = [f"{row['proportionality']:.3f}" if row else "" for row in rows]
        for batch in SHOWN:
            speedup, promised = by_batch(name, batch)
            cells.append(f"{speedup / promised:.3f}")
        lines.append(f"| `{name}` | {format_named(name).bits():.4g} | {' | '.join(cells)} |")
    return "\n".join(lines)


def drawn() -> list[dict[str, Any]]:
    """Points: who, what is promised, how many times faster."""
    found = [{"who": f"RTL, batch {batch}, {title}", "promised": row["speedup"] / row["proportionality"],
              "speedup": row["speedup"], "panel": "ours"}
             for (network, _, batch), row in counted().items() for title in [NETWORKS[network]]]  # fmt: skip
    for batch in BATCHES:
        for name in decoded():
            speedup, promised = by_batch(name, batch)
            found.append({"who": f"formulas, batch {batch}", "promised": promised, "speedup": speedup, "panel": "ours"})
    for p in points():
        if p["who"] == "H100" and p["batch"] in (1, 8, 64):
            found.append({"who": f"{p['who']}, batch {p['batch']}", "promised": p["promised"], "speedup": p["speedup"],
                          "panel": "GPU"})  # fmt: skip
    titles = {"ours": "this chip, against Q8_0", "GPU": "H100, Llama-3-8B, against BF16"}
    return [{**p, "panel": titles[p["panel"]]} for p in found]


def spec(values: list[dict[str, Any]]) -> dict[str, Any]:
    across, up = ({"type": "log", "base": 2, "domain": domain, "nice": False} for domain in ([0.9, 5], [0.2, 5]))
    ticks = {"values": [0.25, 0.5, 1, 2, 4]}
    x = {"field": "promised", "type": "quantitative", "scale": across, "axis": ticks, "title": "bits promise, times"}
    y = {"field": "speedup", "type": "quantitative", "scale": up, "axis": ticks, "title": "a token comes faster, times"}
    color = {"field": "who", "type": "nominal", "title": None, "sort": [v["who"] for v in values]}
    line = {"data": {"values": [{"x": v, "y": v} for v in (0.9, 5)]}, "mark": {"type": "line", "strokeDash": [4, 4], "color": "#555"},
            "encoding": {"x": {**x, "field": "x"}, "y": {**y, "field": "y"}}}  # fmt: skip
    marks = {"mark": {"type": "point", "size": 45}, "encoding": {"x": x, "y": y, "color": color, "shape": {**color, "legend": None}}}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json", "background": "white", "padding": 12,
        "title": {"text": "Compression proportionality", "anchor": "start",
                  "subtitle": "one point a format; on the dotted line a token comes as much faster as its weights have fewer bits"},
        "data": {"values": values}, "facet": {"column": {"field": "panel", "title": None, "sort": "descending"}},
        "spec": {"width": 320, "height": 300, "layer": [marks, line]},
        "config": {"font": "Helvetica, Arial, sans-serif"},
    }  # fmt: skip


def pages() -> dict[Path, str]:
    page = filled(PAGE.read_text(encoding="utf-8"), "proportionality", table())
    return {PICTURE: vl_convert.vegalite_to_svg(spec(drawn())), PAGE: page}


def main() -> int:
    return write(pages(), "--check" in sys.argv)


if __name__ == "__main__":
    sys.exit(main())
