"""Mixes of formats against uniform ones: `python docs/mixed.py [--search]` fills docs/codesign.md and its picture.

`--search` (three minutes): every uniform format gets a search of its own in the space of edge-smollm2-mixed, and the best
chip for it in each axis; then mixes are searched under the KL that this format has, on the very chips that were best for
it, and once over all chips with KL as an axis; a format may have the chip of the mix that beats it, too. What was found is kept in docs/pictures/mixed.json.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import vl_convert

from sartor.errors import Infeasible
from sartor.formats import harm
from sartor.formats.parts import PARTS
from sartor.quality.classes import parsed
from sartor.search.explore import Exploration, explore
from sartor.search.space import VARIABLES
from sartor.search.study import Study, find_study

ROOT = Path(__file__).parents[1]
PAGE, PICTURE, FOUND = (ROOT / "docs" / name for name in ("codesign.md", "pictures/mixed.svg", "pictures/mixed.json"))
AXES = {"usd_per_mtoken": ("$ per million output tokens", 1), "j_per_token": ("mJ per output token", 1e3)}
POINTS, FEW, PINNED, LOADS = 1_000_000, 500_000, 150_000, 64
LESS = 0.95  # of KL: what differs by less, sums do not tell apart
MODEL = "smollm2-135m-q4_1"


def study(weights: Any, points: int, kl: float | None, chip: Any = None) -> Study:
    """The mixed study with these formats; under a bound, or with KL as an axis; on one chip where it is given."""
    given = find_study("edge-smollm2-mixed")
    space = {**given.search.space, **(chip or {})} | ({} if weights is None else {"weights": weights})
    quality = given.quality.model_copy(update={"kl": kl, "axis": True})
    search = given.search.model_copy(update={"points": points, "space": space})
    return given.model_copy(update={"quality": quality, "search": search})


def front(run: Exploration) -> list[dict[str, Any]]:
    """Its designs that none beats in KL and one of AXES."""
    points, kept = run.found.points, set()
    for column in range(len(AXES)):
        order = np.lexsort((points[:, column], points[:, 3]))
        least = np.minimum.accumulate(points[order, column])
        kept |= {int(i) for i, new in zip(order, np.r_[True, np.diff(least) < 0], strict=True) if new}
    return [_point(run, i) for i in sorted(kept)]


def _point(run: Exploration, i: int) -> dict[str, Any]:
    design = run.problem.space.describe(run.found.genomes[:, i])
    own = {part: design.get(part, design["weights"]) for part in PARTS}
    usd, joules, _, kl = run.found.points[i].tolist()
    chip = {name: value for name, value in design.items() if VARIABLES[name] != "format"}
    return {"usd_per_mtoken": usd, "j_per_token": joules, "kl": kl, "mix": own, "chip": chip}


def searched() -> dict[str, Any]:
    """Uniform formats, the least KL first: the cheapest chip in each axis; all mixes that none beats."""
    names = find_study("edge-smollm2-mixed").search.space["weights"]["ffn_in"]
    mixes, uniform = front(explore(study(None, POINTS, None))), []
    for name in names:
        points = front(explore(study(_same(name), FEW, None)))
        best = {axis: min(points, key=lambda p: p[axis]) for axis in AXES}
        uniform.append({"format": name, "kl": points[0]["kl"], **{axis: p[axis] for axis, p in best.items()}})
        for point in best.values():
            mixes += _on(point["chip"], LESS * point["kl"])
    for u in uniform:
        for axis in AXES:
            while (m := beaten({"mixes": mixes}, u, axis)) and (better := _uniform_on(m["chip"], u, axis)) < u[axis]:
                u[axis] = better
    for m in mixes:
        del m["chip"]
    several = [m for m in mixes if len(set(m["mix"].values())) > 1]
    kept = [m for axis in AXES for some in (mixes, several) for m in unbeaten(some, axis)]
    return {"uniform": sorted(uniform, key=lambda u: u["kl"]), "mixes": [m for i, m in enumerate(kept) if m not in kept[:i]]}


def _same(name: str) -> dict[str, list[str]]:
    return {"ffn": [name], "attention": [name], "embedding": [name]}


def _uniform_on(chip: dict[str, Any], uniform: dict[str, Any], axis: str) -> float:
    """What a uniform format costs on the chip of the mix that beats it: luck in finding chips is not to count."""
    chip = {name: value for name, value in chip.items() if name != "load"}  # how busy it is, is another question
    try:
        return float(min(p[axis] for p in front(explore(study(_same(uniform["format"]), LOADS, None, chip)))))
    except Infeasible:
        return float(np.inf)


def _on(chip: dict[str, Any], kl: float) -> list[dict[str, Any]]:
    """Mixes on one chip within `kl`."""
    try:
        return front(explore(study(None, PINNED, kl, chip)))
    except Infeasible:
        return []  # no other format harms as little


def unbeaten(mixes: list[dict[str, Any]], axis: str) -> list[dict[str, Any]]:
    """Those that none beats in KL and `axis`, the least KL first."""
    least, kept = np.inf, []
    for m in sorted(mixes, key=lambda m: (m["kl"], m[axis])):
        if m[axis] < least:
            least = m[axis]
            kept.append(m)
    return kept


def beaten(found: dict[str, Any], uniform: dict[str, Any], axis: str) -> dict[str, Any] | None:
    """The cheapest mix of several formats that costs less of `axis` than a uniform format, and clearly less KL."""
    better = [m for m in found["mixes"] if m["kl"] <= LESS * uniform["kl"] and m[axis] < uniform[axis]]
    return min((m for m in better if len(set(m["mix"].values())) > 1), key=lambda m: m[axis], default=None)


def mixes() -> list[tuple[str, float, float]]:
    """Measured as a whole: what --weights says, KL by the sum over parts, KL measured."""
    alone, together, found = harm.harm(MODEL), harm.together(MODEL), []
    for row in harm.measured():
        formats = parsed(row.weights)
        plain = row.model == MODEL and row.rotate and row.smooth is None and row.activations == row.kv == harm.SAME
        if plain and "=" in row.weights and not row.alone:
            found.append((row.weights, float(together.kl(alone.total(formats))), row.kl))
    return sorted(found, key=lambda f: f[2])


def _measured() -> list[str]:
    rows = mixes()
    lines = ["| weights | KL, by the sum | KL, measured | off by |", "|---|---|---|---|"]
    lines += [f"| `{name}` | {said:.3g} | {kl:.3g} | {said / kl - 1:+.0%} |" for name, said, kl in rows]
    errors = sorted(abs(said / kl - 1) for _, said, kl in rows)
    return [*lines, "", f"In the median of {len(rows)} mixes {errors[len(errors) // 2]:.0%} off, {errors[-1]:.0%} at worst."]


def tables(found: dict[str, Any]) -> dict[str, list[str]]:
    return {"mixes": _measured(), **{axis: _table(found, axis) for axis in AXES}}


def _table(found: dict[str, Any], axis: str) -> list[str]:
    title, factor = AXES[axis]
    lines = [f"| uniform | KL | {title} | mix: KL | {title} | saved | {' | '.join(PARTS)} |"]
    lines.append("|---" * (6 + len(PARTS)) + "|")
    for u in found["uniform"]:
        m = beaten(found, u, axis)
        cells = [f"`{u['format']}`", f"{u['kl']:.3g}", f"{u[axis] * factor:.4g}"]
        if m is not None:
            saved = 1 - m[axis] / u[axis]
            cells += [f"{m['kl']:.3g}", f"{m[axis] * factor:.4g}", f"{saved:.1%}", *m["mix"].values()]
        else:
            cells += ["none", *[""] * (2 + len(PARTS))]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def spec(found: dict[str, Any]) -> dict[str, Any]:
    """A panel an axis: the front of all mixes, and the best chip of each uniform format."""
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json", "background": "white", "padding": 12,
        "title": {"text": "Formats chosen with the chip: mixes against uniform formats", "anchor": "start",
                  "subtitle": "SmolLM2-135M, 2 W; KL to the reference, lower and further left is better"},
        "hconcat": [_panel(found, axis) for axis in AXES],
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


def filled(page: str, made: dict[str, list[str]]) -> str:
    """`page` with each table between its marks."""
    for name, lines in made.items():
        before, rest = page.split(f"<!-- {name} -->\n")
        page = f"{before}<!-- {name} -->\n" + "\n".join(lines) + f"\n<!-- end -->{rest.split('<!-- end -->', 1)[1]}"
    return page


def pages(found: dict[str, Any]) -> dict[Path, str]:
    page = filled(PAGE.read_text(encoding="utf-8"), tables(found))
    return {PAGE: page, PICTURE: vl_convert.vegalite_to_svg(spec(found))}


def main() -> int:
    if "--search" in sys.argv or not FOUND.exists():
        FOUND.write_text(json.dumps(searched()).replace("}}, {", "}},\n{") + "\n", encoding="utf-8")
    for path, text in pages(json.loads(FOUND.read_text(encoding="utf-8"))).items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
