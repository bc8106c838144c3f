"""Chips side by side at the same work, each in its best configuration."""

from __future__ import annotations

from typing import Any

from ..chip.spec import Chip
from ..errors import InputError
from ..report.data import standing_row
from ..search.compare import stand
from ..search.economy import Economy
from ..search.parts import ComparePart
from ..search.result import Budget
from ..search.study import find_study
from ..workload.find import find_model
from ..workload.profiles import demand
from ..workload.traffic import Slo
from ..workload.workload import workload
from .find import find_chip


def compare(
    chips: list[str | Chip],
    model: str = "llama-3.1-8b",
    trace: str = "chat",
    ttft_s: float = 2.0,
    tpot_s: float = 0.05,
    percentile: float = 95.0,
    volume: float = 100_000,
    batch: int | None = None,
) -> list[dict[str, Any]]:
    """One row a chip, in the order given: formats, parallelism and batch are chosen for each so that the SLO is
    kept for the least money. `batch` bounds the requests served at once (None: no bound)."""
    if not chips:
        raise InputError("compare needs at least one chip (try: sartor list chips)")
    work = workload(find_model(model), demand(trace, percentile), Slo(ttft_s, tpot_s, percentile))
    found = [find_chip(c) if isinstance(c, str) else c for c in chips]
    formats, economy, limits = ComparePart(), Economy("datacenter", volume), Budget(chips=8, batch=batch)
    return [standing_row(stand(c, work, economy, limits, formats.weights, formats.cache)) for c in found]


def compare_study(study: str, chips: list[str | Chip]) -> list[dict[str, Any]]:
    """The same under a study's model, traffic, SLO and economics."""
    from ..search.problem import problem

    ready = problem(find_study(study))
    part = ready.study.compare
    found = [find_chip(c) if isinstance(c, str) else c for c in chips]
    return [
        standing_row(stand(c, ready.work, ready.economy, ready.budget.exact, part.weights, part.cache))
        for c in found
    ]
