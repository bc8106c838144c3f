"""The searches behind docs/codesign.md.

Every uniform format gets a search of its own in the space of edge-smollm2-mixed, and the best chip for it in each axis;
then mixes are searched under the KL that this format has, on the very chips that were best for it, and once over all
chips with KL as an axis; a format may have the chip of the mix that beats it, too.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from mixed_found import AXES, LESS, MODEL, beaten, unbeaten

from sartor.errors import Infeasible
from sartor.formats import harm
from sartor.formats.parts import LINEAR, PARTS
from sartor.formats.spec import format_named
from sartor.search.explore import Exploration, explore
from sartor.search.space import VARIABLES
from sartor.search.study import Study, find_study

POINTS, FEW, PINNED, LOADS = 500_000, 250_000, 100_000, 64
BYTE = 8


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
    unique = [m for i, m in enumerate(kept) if m not in kept[:i]]
    return {"uniform": sorted(uniform, key=lambda u: u["kl"]), "mixes": unique}


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
