"""Mixes of formats against uniform ones: `python docs/mixed.py [--search [KIND]]` fills docs/codesign.md and its picture.

`--search` (five minutes): every uniform format gets a search of its own in the space of edge-smollm2-mixed, and the best
chip for it in each axis; then mixes are searched under the KL that this format has, on the very chips that were best for
it, and once over all chips with KL as an axis; a format may have the chip of the mix that beats it, too. All of it for
weights rounded to nearest, and with calibration. What was found is kept in docs/pictures/mixed.json, with the mixes that
are to be measured as a whole (`benchmarks/quality.py --winners`): one that is found to harm more than its sum said gives
way to the next.
"""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import vl_convert
from fill import filled, write

from sartor.errors import Infeasible
from sartor.formats import harm
from sartor.formats.measured import Row
from sartor.formats.parts import LINEAR, PARTS
from sartor.formats.spec import format_named
from sartor.quality.classes import parsed, shown
from sartor.search.explore import Exploration, explore
from sartor.search.space import VARIABLES
from sartor.search.study import Study, find_study

ROOT = Path(__file__).parents[1]
PAGE, PICTURE, FOUND = (ROOT / "docs" / name for name in ("codesign.md", "pictures/mixed.svg", "pictures/mixed.json"))
AXES = {"usd_per_mtoken": ("$ per million output tokens", 1), "j_per_token": ("mJ per output token", 1e3)}
TITLES = {"plain": "Weights rounded to nearest", "calibrated": "Weights rounded with calibration"}
KINDS = {"plain": False, "calibrated": True}  # how weights are rounded
POINTS, FEW, PINNED, LOADS = 500_000, 250_000, 100_000, 64
BROKEN = 1.0  # nats
LESS = {False: 0.95, True: 0.88}  # of KL, by KINDS: what differs by less, sums do not tell apart
BYTE = 8
MODEL = "smollm2-135m-q4_1"


def study(weights: Any, points: int, kl: float | None, calibrated: bool, chip: Any = None) -> Study:
    """The mixed study with these formats; under a bound, or with KL as an axis; on one chip where it is given."""
    given = find_study("edge-smollm2-mixed")
    weights = weights or {part: names(calibrated) for part in given.search.space["weights"]}
    space = {**given.search.space, **(chip or {}), "weights": weights}
    quality = given.quality.model_copy(update={"kl": kl, "axis": True, "calibrated": calibrated})
    search = given.search.model_copy(update={"points": points, "space": space})
    return given.model_copy(update={"quality": quality, "search": search})


def names(calibrated: bool) -> list[str]:
    """The study's formats; with calibration those whose classes were measured so, and bytes."""
    listed: list[str] = find_study("edge-smollm2-mixed").search.space["weights"]["ffn_in"]
    known = harm.harm(MODEL).kl
    return [name for name in listed if not calibrated or format_named(name).element_bits == BYTE
            or all((part, name + harm.CALIBRATED) in known for part in LINEAR)]  # fmt: skip


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


def searched(calibrated: bool) -> dict[str, Any]:
    """Uniform formats, the least KL first: the cheapest chip in each axis; all mixes that none beats."""
    mixes, uniform = front(explore(study(None, POINTS, None, calibrated))), []
    for name in names(calibrated):
        points = front(explore(study(_same(name), FEW, None, calibrated)))
        best = {axis: min(points, key=lambda p: p[axis]) for axis in AXES}
        uniform.append({"format": name, "kl": points[0]["kl"], **{axis: p[axis] for axis, p in best.items()}})
        for point in best.values():
            mixes += _on(point["chip"], LESS[calibrated] * point["kl"], calibrated)
    for u in uniform:
        for axis in AXES:
            while (m := beaten({"mixes": mixes}, u, axis, calibrated)) is not None:
                better = _uniform_on(m["chip"], u, axis, calibrated)
                if better >= u[axis]:
                    break
                u[axis] = better
    for m in mixes:
        del m["chip"]
    several = [m for m in mixes if len(set(m["mix"].values())) > 1]
    kept = [m for axis in AXES for some in (mixes, several) for m in unbeaten(some, axis)]
    return {"uniform": sorted(uniform, key=lambda u: u["kl"]), "mixes": [m for i, m in enumerate(kept) if m not in kept[:i]]}


def _same(name: str) -> dict[str, list[str]]:
    return {"ffn": [name], "attention": [name], "embedding": [name]}


def _uniform_on(chip: dict[str, Any], uniform: dict[str, Any], axis: str, calibrated: bool) -> float:
    """What a uniform format costs on the chip of the mix that beats it: luck in finding chips is not to count."""
    chip = {name: value for name, value in chip.items() if name != "load"}  # how busy it is, is another question
    try:
        run = explore(study(_same(uniform["format"]), LOADS, None, calibrated, chip))
        return float(min(p[axis] for p in front(run)))
    except Infeasible:
        return float(np.inf)


def _on(chip: dict[str, Any], kl: float, calibrated: bool) -> list[dict[str, Any]]:
    """Mixes on one chip within `kl`."""
    try:
        return front(explore(study(None, PINNED, kl, calibrated, chip)))
    except Infeasible:
        return []  # no other format harms as little


def weights_of(mix: Mapping[str, str], calibrated: bool) -> str:
    """What --weights says of a mix of parts; with calibration where that was measured to harm less."""
    known, formats = _alone(), {}
    for part, classes in PARTS.items():
        for one in classes:
            both = (mix[part], mix[part] + harm.CALIBRATED) if calibrated else (mix[part],)
            formats[one] = min((name for name in both if (one, name) in known), key=lambda name: known[one, name])
    return shown(formats)


def whole(mix: Mapping[str, str], calibrated: bool) -> float | None:
    """KL in nats of the weights measured as a whole, embedding and all; None where they were not."""
    return _first().get(weights_of(mix, calibrated))


@functools.cache
def _alone() -> Mapping[tuple[str, str], float]:
    """KL of each class in each format, by itself."""
    return harm.harm(MODEL).kl


@functools.cache
def _first() -> dict[str, float]:
    """KL of the first of `_wholes`, by what --weights says of it."""
    return {row.weights: row.kl for row in reversed(_wholes())}


def _wholes() -> list[Row]:
    """Rows of turned weights alone, of all classes at once."""
    plain = (r for r in harm.measured() if r.model == MODEL and r.rotate and r.smooth is None and not r.alone)
    return [r for r in plain if r.activations == r.kv == harm.SAME]


def unbeaten(mixes: list[dict[str, Any]], axis: str) -> list[dict[str, Any]]:
    """Those that none beats in KL and `axis`, the least KL first."""
    least, kept = np.inf, []
    for m in sorted(mixes, key=lambda m: (m["kl"], m[axis])):
        if m[axis] < least:
            least = m[axis]
            kept.append(m)
    return kept


def beaten(found: dict[str, Any], uniform: dict[str, Any], axis: str, calibrated: bool) -> dict[str, Any] | None:
    """The cheapest mix of several formats that costs less of `axis` than a uniform format, and less KL: of those measured
    as a whole, as the format was, or else clearly less by the sum over parts."""
    cheaper = (m for m in found["mixes"] if m[axis] < uniform[axis] and len(set(m["mix"].values())) > 1)
    several = sorted(cheaper, key=lambda m: m[axis])
    limit, clearly = whole(dict.fromkeys(PARTS, uniform["format"]), calibrated), LESS[calibrated] * uniform["kl"]
    wholes = [None if limit is None else whole(m["mix"], calibrated) for m in several]
    known = [m for m, kl in zip(several, wholes, strict=True) if kl is not None and limit is not None and kl < limit]
    guessed = [m for m, kl in zip(several, wholes, strict=True) if kl is None and m["kl"] <= clearly]
    return next(iter([*known, *guessed]), None)


def winners(found: dict[str, Any]) -> list[str]:
    """Uniform formats and the mixes that beat them, as --weights says them."""
    said: dict[str, None] = {}
    for kind, calibrated in KINDS.items():
        for u in found[kind]["uniform"]:
            ms = [m for axis in AXES if (m := beaten(found[kind], u, axis, calibrated))]
            each = [dict.fromkeys(PARTS, u["format"])] * bool(ms) + [m["mix"] for m in ms]
            said |= dict.fromkeys(weights_of(mix, calibrated) for mix in each)
    return list(said)


def mixes(calibrated: bool) -> list[tuple[str, float, float]]:
    """Measured as a whole: what --weights says, KL by the sum over parts, KL measured."""
    alone, together, found = harm.harm(MODEL), harm.together(MODEL, calibrated=calibrated), []
    for row in _wholes():
        if "=" in row.weights and (harm.CALIBRATED in row.weights) == calibrated:
            found.append((row.weights, float(together.kl(alone.total(parsed(row.weights)))), row.kl))
    return sorted(found, key=lambda f: f[2])


def _measured(calibrated: bool) -> list[str]:
    rows = mixes(calibrated)
    lines = ["| weights | KL, by the sum | KL, measured | off by |", "|---|---|---|---|"]
    lines += [f"| `{name}` | {said:.3g} | {kl:.3g} | {said / kl - 1:+.0%} |" for name, said, kl in rows]
    errors = sorted(abs(said / kl - 1) for _, said, kl in rows if kl < BROKEN)
    if not errors:
        return lines
    off = f"in the median of {len(errors)} mixes {errors[len(errors) // 2]:.0%} off, {errors[-1]:.0%} at worst"
    return [*lines, "", f"Below one nat, {off}; of a model that is broken the sum says little."]


def tables(found: dict[str, Any]) -> dict[str, list[str]]:
    made = {}
    for kind, calibrated in KINDS.items():
        made[f"mixes {kind}"] = _measured(calibrated)
        made |= {f"{axis} {kind}": _table(found[kind], axis, calibrated) for axis in AXES}
    return made


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
