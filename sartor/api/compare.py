"""Chips side by side at the same work, each in its best configuration."""

from __future__ import annotations

from typing import Any

from ..chip.spec import Chip
from ..errors import InputError
from ..report.standings import standing_row, with_leads
from ..search import study as studies
from ..search.compare import stand
from ..search.economy import Economy
from ..search.parts import ComparePart
from ..search.problem import problem
from ..search.result import Budget
from ..workload.find import find_model
from ..workload.profiles import demand
from ..workload.traffic import Slo
from ..workload.workload import workload
from .find import find_chip

DEFAULT_MODEL = "llama-3.1-8b"


def compare(
    chips: list[str | Chip],
    model: str | None = None,
    trace: str = "chat",
    ttft_s: float = 2.0,
    tpot_s: float = 0.05,
    percentile: float = 95.0,
    volume: float = 100_000,
    batch: int | None = None,
) -> list[dict[str, Any]]:
    """One row a chip, in the order given: formats, parallelism and batch are chosen for each so that the SLO is
    kept for the least money. `batch` bounds the requests served at once (None: no bound). `lead`: of each chip over
    the next dearer one, and whether it is beyond the errors of both estimates.

    Without a `model`, a study among the chips gives the work: its model, traffic, SLO and economics; the other
    arguments are then not looked at. Without either, the model is Llama-3.1-8B.
    """
    if not chips:
        raise InputError("compare needs at least one chip (try: sartor list chips)")
    named = [c for c in chips if isinstance(c, str) and c in studies.names()]
    if model is None and named:
        return _under_study(named[0], chips)
    work = workload(
        find_model(model or DEFAULT_MODEL), demand(trace, percentile), Slo(ttft_s, tpot_s, percentile)
    )
    formats, economy, limits = ComparePart(), Economy("datacenter", volume), Budget(chips=8, batch=batch)
    return with_leads(
        [standing_row(stand(c, work, economy, limits, formats.weights, formats.cache)) for c in _found(chips)]
    )


def _under_study(study: str, chips: list[str | Chip]) -> list[dict[str, Any]]:
    ready = problem(studies.find_study(study))
    part, limits = ready.study.compare, ready.budget
    stood = [stand(c, ready.work, ready.economy, limits, ready.rival_weights, part.cache) for c in _found(chips)]
    return with_leads([standing_row(s) for s in stood])


def _found(chips: list[str | Chip]) -> list[Chip]:
    return [find_chip(c) if isinstance(c, str) else c for c in chips]
