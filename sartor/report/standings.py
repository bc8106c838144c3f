"""The answer and the comparison: the chip beside those one could buy."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from ..search.compare import Standing
from ..search.explore import Exploration
from ..search.uncertainty import Survival, lead
from ..validation.bands import alike, line, missed, served


def headline(run: Exploration, standings: list[Standing], survived: Survival) -> dict[str, Any]:
    """The answer: the chip, and the best chip one could buy at the same work."""
    mine, others = standings[0], [s for s in standings[1:] if s.feasible and not s.shared]
    common = next((s for s in standings if s.shared and s.feasible), None)
    rivals = sorted((s for s in others if _dollars(s) is not None), key=lambda s: _dollars(s) or 0.0)
    best = rivals[0] if rivals else None
    usd = mine.usd_per_mtoken["cost"] or float("nan")
    return {
        "chip": mine.chip.name, "usd_per_mtoken": usd, "band": survived.band.get(mine.chip.name),
        "usd_per_mtoken_vendor": mine.usd_per_mtoken["vendor"], **mine.figures,
        "best_rival": None if best is None else standing_row(best),
        "shared": None if common is None else standing_row(common),
        "cheaper_at_cost": _ratio(_cheapest(others, "cost"), usd),
        "cheaper_at_price": None if best is None else _ratio(_dollars(best), mine.usd_per_mtoken["vendor"]),
        "wins": survived.wins.get(mine.chip.name), "least_energy": _least_energy(standings),
    }  # fmt: skip


def leading(standings: list[Standing]) -> dict[str, Any] | None:
    """The cheapest that keeps its limits and the next, at cost: is the lead beyond the errors of both estimates?"""
    ours = {s.chip.name: s for s in standings if s.feasible and not s.shared}
    usd = {name: cost for name, s in ours.items() if (cost := s.usd_per_mtoken["cost"]) is not None}
    errors = {name: missed(ours[name].chip, ours[name].weights) for name in usd}
    found = lead(usd, {name: error for name, (error, _) in errors.items()}, likeness(standings))
    if found is None:
        return None
    measured = {name: errors[name][1] for name in (found.chip, found.over)}
    return {"chip": found.chip, "over": found.over, "factor": found.factor, "error": found.error,
            "beyond": found.beyond, "unmeasured": [n for n, known in measured.items() if not known]}  # fmt: skip


def likeness(standings: list[Standing]) -> Callable[[str, str], float]:
    """How alike the errors of two chips of `standings` are, by their names."""
    lines = {s.chip.name: line(s.chip) for s in standings}
    return lambda one, other: alike(lines[one], lines[other])


def with_leads(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """`rows` of a comparison, each with its lead over the next dearer one, on what a buyer pays or, where no price is
    known, at cost."""
    usd = {i: paid for i, row in enumerate(rows) if row["feasible"] and (paid := _paid(row)) is not None}
    order = sorted(usd, key=lambda i: usd[i])
    nexts = dict(pairwise(order))
    return [{**row, "lead": _over(i, nexts[i], usd, rows) if i in nexts else None} for i, row in enumerate(rows)]


def _over(i: int, j: int, usd: dict[int, float], rows: list[dict[str, Any]]) -> dict[str, Any]:
    errors = {str(k): rows[k]["missed"]["log"] for k in (i, j)}
    shared = alike(rows[i]["missed"]["line"], rows[j]["missed"]["line"])
    found = lead({str(k): usd[k] for k in (i, j)}, errors, lambda one, other: shared)
    assert found is not None
    unmeasured = [rows[k]["name"] for k in (i, j) if not rows[k]["missed"]["measured"]]
    return {"over": rows[j]["name"], "factor": found.factor, "error": found.error, "beyond": found.beyond,
            "unmeasured": unmeasured}  # fmt: skip


def _paid(row: dict[str, Any]) -> float | None:
    known = row["usd_per_mtoken"]
    return min((v for b in ("vendor", "rental") if (v := known[b]) is not None), default=known["cost"])


def _dollars(s: Standing) -> float | None:
    """What a buyer pays: the cheaper of buying and renting."""
    known = [v for b in ("vendor", "rental") if (v := s.usd_per_mtoken[b]) is not None]
    return min(known) if known else None


def _cheapest(others: list[Standing], basis: str) -> float | None:
    return min((v for s in others if (v := s.usd_per_mtoken[basis]) is not None), default=None)


def _ratio(theirs: float | None, mine: float | None) -> float | None:
    return None if theirs is None or not mine else theirs / mine


def _least_energy(standings: list[Standing]) -> str:
    return min(
        (s for s in standings if s.feasible and not s.shared),
        key=lambda s: s.figures["j_per_token"] or float("inf"),
        default=standings[0],
    ).chip.name


def standing_row(s: Standing) -> dict[str, Any]:
    """One line of the comparison."""
    c = s.chip
    return {
        "name": c.name, "family": c.family, "node": c.node, "memory": c.memory.kind, "weights": s.weights,
        "cache": s.cache, "tensor_parallel": s.tensor_parallel, "stages": s.stages, "batch": s.batch, "load": s.load,
        "usd_per_mtoken": s.usd_per_mtoken, **s.figures, "misses": s.misses, "feasible": s.feasible,
        "shared": s.shared, "tdp_w": c.tdp_w, "error": served(c, s.weights),
        "missed": {**dict(zip(("log", "measured"), missed(c, s.weights), strict=True)), "line": line(c)},
        "price_date": c.price.date, "price_source": c.price.source, "source": c.source, "note": c.note,
        "note_ko": c.note_ko,
    }  # fmt: skip
