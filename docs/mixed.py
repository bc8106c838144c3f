"""Mixes of formats against uniform ones: `python docs/mixed.py [--search [KIND]]` fills docs/codesign.md and its
picture.

`--search` (five minutes): the searches of mixed_search.py, for weights rounded to nearest and with calibration. What
was found is kept in docs/pictures/mixed.json, with the mixes that are to be measured as a whole
(`benchmarks/quality.py --winners`): one that is found to harm more than its sum said gives way to the next.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import vl_convert
from fill import filled, write
from mixed_found import AXES, KINDS, beaten, mixes, unbeaten, whole, winners
from mixed_search import searched

from sartor.formats.parts import PARTS

ROOT = Path(__file__).parents[1]
PAGE, PICTURE, FOUND = (ROOT / "docs" / name for name in ("codesign.md", "pictures/mixed.svg", "pictures/mixed.json"))
TITLES = {"plain": "Weights rounded to nearest", "calibrated": "Weights rounded with calibration"}
BROKEN = 1.0  # nats


def tables(found: dict[str, Any]) -> dict[str, list[str]]:
    made = {}
    for kind, calibrated in KINDS.items():
        made[f"mixes {kind}"] = _measured(calibrated)
        made |= {f"{axis} {kind}": _table(found[kind], axis, calibrated) for axis in AXES}
    return made


def _measured(calibrated: bool) -> list[str]:
    rows = mixes(calibrated)
    lines = ["| weights | KL, by the sum | KL, measured | off by |", "|---|---|---|---|"]
    lines += [f"| `{name}` | {said:.3g} | {kl:.3g} | {said / kl - 1:+.0%} |" for name, said, kl in rows]
    errors = sorted(abs(said / kl - 1) for _, said, kl in rows if kl < BROKEN)
    if not errors:
        return lines
    off = f"in the median of {len(errors)} mixes {errors[len(errors) // 2]:.0%} off, {errors[-1]:.0%} at worst"
    return [*lines, "", f"Below one nat, {off}; of a model that is broken the sum says little."]


def _table(found: dict[str, Any], axis: str, calibrated: bool) -> list[str]:
    title, factor = AXES[axis]
    lines = [f"| uniform | KL | measured | {title} | mix: KL | measured | {title} | saved | {' | '.join(PARTS)} |"]
    lines.append("|---" * (8 + len(PARTS)) + "|")
    for u in found["uniform"]:
        m = beaten(found, u, axis, calibrated)
        same = whole(dict.fromkeys(PARTS, u["format"]), calibrated)
        cells = [f"`{u['format']}`", f"{u['kl']:.3g}", _nats(same), f"{u[axis] * factor:.4g}"]
        if m is not None:
            cells += [f"{m['kl']:.3g}", _nats(whole(m["mix"], calibrated)), f"{m[axis] * factor:.4g}",
                      f"{1 - m[axis] / u[axis]:.1%}", *m["mix"].values()]  # fmt: skip
        else:
            cells += ["none", *[""] * (3 + len(PARTS))]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _nats(kl: float | None) -> str:
    return "" if kl is None else f"{kl:.3g}"


def spec(found: dict[str, Any]) -> dict[str, Any]:
    """A row a way of rounding, a panel an axis: the front of all mixes, and the best chip of each uniform format."""
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json", "background": "white", "padding": 12,
        "title": {"text": "Formats chosen with the chip: mixes against uniform formats", "anchor": "start",
                  "subtitle": "SmolLM2-135M, 2 W; KL to the reference, lower and further left is better"},
        "vconcat": [{"title": {"text": TITLES[kind], "anchor": "start", "fontSize": 12},
                     "hconcat": [_panel(found[kind], axis) for axis in AXES]} for kind in KINDS],
        "config": {"font": "Helvetica, Arial, sans-serif", "axis": {"gridColor": "#e8e8e8"}},
    }  # fmt: skip


def _panel(found: dict[str, Any], axis: str) -> dict[str, Any]:
    title, factor = AXES[axis]
    mixes = [{"kl": m["kl"], "cost": m[axis] * factor} for m in unbeaten(found["mixes"] + found["uniform"], axis)]
    uniform = [{"kl": u["kl"], "cost": u[axis] * factor, "name": u["format"]} for u in found["uniform"]]
    x = {"field": "kl", "type": "quantitative", "scale": {"type": "log", "domain": [0.008, 10], "nice": False},
         "title": "KL, nats"}
    y = {"field": "cost", "type": "quantitative", "scale": {"zero": False}, "title": title}
    line = {"type": "line", "interpolate": "step-after", "color": "#1f77b4", "point": {"size": 14}}
    return {
        "width": 380, "height": 320,
        "layer": [
            {"data": {"values": mixes}, "mark": line, "encoding": {"x": x, "y": y}},
            {"data": {"values": uniform}, "mark": {"type": "point", "shape": "diamond", "size": 110, "filled": True,
             "color": "#c2185b"}, "encoding": {"x": x, "y": y}},
            {"data": {"values": uniform}, "mark": {"type": "text", "align": "left", "dx": 7, "dy": -9,
             "color": "#c2185b", "angle": 330}, "encoding": {"x": x, "y": y, "text": {"field": "name"}}},
        ],
    }  # fmt: skip


def pages(found: dict[str, Any]) -> dict[Path, str]:
    page = PAGE.read_text(encoding="utf-8")
    for name, lines in tables(found).items():
        page = filled(page, name, "\n".join(lines))
    return {PAGE: page, PICTURE: vl_convert.vegalite_to_svg(spec(found))}


def main() -> int:
    found = json.loads(FOUND.read_text(encoding="utf-8")) if FOUND.exists() else {}
    if "--search" in sys.argv or not found:
        found |= {kind: searched(KINDS[kind]) for kind in [a for a in sys.argv if a in KINDS] or KINDS}
    found["winners"] = winners(found)
    FOUND.write_text(json.dumps(found).replace("}}, {", "}},\n{") + "\n", encoding="utf-8")
    return write(pages(found), False)


if __name__ == "__main__":
    sys.exit(main())
