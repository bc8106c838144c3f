"""The pictures of the trust page: `python docs/trust_plots.py` draws those of the errors on record; those of single
rows, predicted against measured, are drawn by benchmarks/trust.py."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import trust_glance
import vl_convert
from fill import write

from sartor.report.words import term
from sartor.validation.record import Recorded, on_record
from sartor.validation.summary import Pair

PICTURES = Path(__file__).with_name("pictures")
# Plots of rows that come with the package: kind, quantity, title, unit.
PLOTS = {
    "trust-dram": ("dram", "efficiency", "Share of the DRAM's peak", "fraction"),
    "trust-area": ("area", "area", "Dies", "mm2"),
    "trust-power": ("area", "power", "Power at the peak, against the limit", "W"),
    "trust-rtl": ("rtl", "latency", "Cycles of a pass", "cycles"),
    "trust-cost": ("cost", "cost", "Bills and parts in USD, hours in USD a second", "USD"),
}
SERVING = {
    "the model left out": ("held_out", ""),
    "all models of its architecture left out": ("held_out", "architecture out "),
    "the chip left out": ("held_out", "chip out "), "the stack left out": ("held_out", "stack out "),
    "GPUs never fitted to": ("unseen", ""), "GPUs never fitted to, the model left out": ("unseen", "model out "),
    "pools, never fitted to": ("unseen", "pools "),
}  # fmt: skip
TIMES = {"tpot": "TPOT", "ttft": "TTFT"}
LOOK = {"font": "Helvetica, Arial, sans-serif",
        "axis": {"gridColor": "#e8e8e8", "labelLimit": 400, "labelFontSize": 12},
        "title": {"fontSize": 15, "subtitleFontSize": 12}}  # fmt: skip
SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"


def spec(pairs: Sequence[Pair], title: str, unit: str) -> dict[str, Any]:
    """Predicted over measured against measured, held out; kinds of rows by color."""
    values = [{"measured": p.measured, "ratio": p.predicted / p.measured, "kind": p.labels["kind"]} for p in pairs]
    color = {"field": "kind", "type": "nominal", "title": None, "legend": {"orient": "top"}}
    scale = {"type": "log", "domain": [0.6, 1.6], "clamp": True, "nice": False}
    axes = {
        "x": {"field": "measured", "type": "quantitative", "title": f"measured, {unit}",
              "scale": {"type": "log", "nice": False, "padding": 12}, "axis": {"format": "~s", "tickCount": 6}},
        "y": {"field": "ratio", "type": "quantitative", "title": "predicted / measured", "scale": scale,
              "axis": {"values": [0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.25, 1.4, 1.6]}},
    }  # fmt: skip
    rule = {"mark": {"type": "rule", "color": "#555"}, "encoding": {"y": {"datum": 1, "scale": scale}}}
    points = {"data": {"values": values}, "mark": {"type": "point", "filled": True, "size": 28, "opacity": 0.65},
              "encoding": {**axes, "color": color}}  # fmt: skip
    return {
        "$schema": SCHEMA, "width": 620, "height": 300,
        "background": "white", "padding": 12, "title": {"text": title, "anchor": "start"}, "layer": [points, rule],
        "config": {"font": "Helvetica, Arial, sans-serif", "axis": {"gridColor": "#e8e8e8"}},
    }  # fmt: skip


def spans(values: list[dict[str, Any]], title: str, color: str) -> dict[str, Any]:
    """A line for each of `values` (`what`, `median` and `p90` in percent): from the median, a dot, to the 90th
    percentile, with both figures behind it."""
    least = min(v["median"] for v in values)
    axis = {"values": [value for value in (0.1, 1, 10, 100) if value >= least],
            "labelExpr": "format(datum.value, '~g') + ' %'"}  # fmt: skip
    x = {"field": "median", "type": "quantitative",
         "scale": {"type": "log", "domain": [least / 1.3, 400], "nice": False},
         "title": "absolute error: dot the median, end of the line the 90th percentile", "axis": axis}  # fmt: skip
    y = {"field": "what", "type": "nominal", "title": None, "sort": [v["what"] for v in values]}
    hue = {"field": color, "type": "nominal", "title": None, "legend": {"orient": "top"},
           "sort": list(dict.fromkeys(v[color] for v in values))}  # fmt: skip
    label = {"field": "label", "type": "nominal"}
    return {
        "$schema": SCHEMA, "width": 420, "background": "white", "padding": 12, "data": {"values": values},
        "height": {"step": 20}, "title": {"text": title, "anchor": "start"}, "config": LOOK,
        "encoding": {"y": y, "color": hue},
        "layer": [
            {"mark": {"type": "rule", "strokeWidth": 2}, "encoding": {"x": x, "x2": {"field": "p90"}}},
            {"mark": {"type": "point", "filled": True, "size": 70, "opacity": 1}, "encoding": {"x": x}},
            {"mark": {"type": "text", "dx": 6, "align": "left", "fontSize": 12}, "encoding": {
                "x": {**x, "field": "p90"}, "text": label, "color": {"value": "#333"}}},
        ],
    }  # fmt: skip


def _span(one: Recorded, what: str, **more: str) -> dict[str, Any]:
    median, p90 = 100 * one.median, 100 * one.p90
    label = f"{median:.2g} … {p90:.{3 if p90 > 99 else 2}g} %"
    return {"what": what, "median": median, "p90": p90, "label": label, **more}


def glance() -> dict[str, Any]:
    """The table on top of the page, as a picture."""
    values = [_span(on_record()[key], what, kind=term("truth", key[0])) for what, _, key in trust_glance.ASKED]
    return spans(values, "How wrong the estimates are", "kind")


def serving() -> dict[str, Any]:
    """TPOT and TTFT, by what was left out of the fit."""
    values = [_span(on_record()["serving", rows, f"{words}{name}"], f"{title}: {left}", time=title)
              for name, title in TIMES.items() for left, (rows, words) in SERVING.items()]  # fmt: skip
    return spans(values, "Services under load, by what the fit has not seen", "time")


def main() -> int:
    drawn = {"trust": glance(), "trust-serving": serving()}
    return write({PICTURES / f"{name}.svg": vl_convert.vegalite_to_svg(one) for name, one in drawn.items()}, False)


if __name__ == "__main__":
    sys.exit(main())
