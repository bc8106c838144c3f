"""Mixes of formats: KL of their weights measured as a whole, and which of them beat which uniform formats."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np

from sartor.formats import harm
from sartor.formats.measured import Row
from sartor.formats.parts import PARTS
from sartor.quality.classes import parsed, shown

AXES = {"usd_per_mtoken": ("$ per million output tokens", 1), "j_per_token": ("mJ per output token", 1e3)}
KINDS = {"plain": False, "calibrated": True}  # how weights are rounded
LESS = {False: 0.95, True: 0.88}  # of KL, by KINDS: what differs by less, sums do not tell apart
MODEL = "smollm2-135m-q4_1"


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
    """The cheapest mix of several formats that costs less of `axis` than a uniform format, and less KL: of those
    measured as a whole, as the format was, or else clearly less by the sum over parts."""
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
