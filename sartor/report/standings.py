"""The answer and the comparison: the chip beside those one could buy."""

from __future__ import annotations

from typing import Any

from ..search.compare import Standing
from ..search.explore import Exploration
from ..search.uncertainty import Survival
from ..validation.bands import served


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
        "price_date": c.price.date, "price_source": c.price.source, "source": c.source, "note": c.note,
    }  # fmt: skip
