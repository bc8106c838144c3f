"""Chips side by side at the same work, each in its best configuration; and fleets of them for a trace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..chip.spec import Chip
from ..errors import InputError
from ..families.tensor.sizing import not_generated
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
from ..workload.workload import Workload, workload
from .find import find_chip
from .fleet import GPUS, fleet

DEFAULT_MODEL, DEFAULT_TRACE = "llama-3.1-8b", "chat"
REQUESTS, DAY_REQUESTS = 4000, 40_000  # simulated: of the peak, and of the day


def compare(
    chips: list[str | Chip],
    model: str | None = None,
    trace: str | None = None,
    ttft_s: float = 2.0,
    tpot_s: float = 0.05,
    percentile: float = 95.0,
    volume: float = 100_000,
    batch: int | None = None,
) -> list[dict[str, Any]]:
    """One row a chip, in the order given: formats, parallelism and batch are chosen for each so that the SLO is
    kept for the least money, by the closed form. `batch` bounds the requests served at once (None: no bound). `lead`:
    of each chip over the next dearer one, and whether it is beyond the errors of both estimates. `note`: why `build`
    refuses a chip.

    Without a `model`, a study among the chips gives the work: its model, SLO, economics and, without a `trace`, its
    traffic; the other arguments are then not looked at. Without either, the model is Llama-3.1-8B.
    """
    asked = _asked(chips, model, trace, Slo(ttft_s, tpot_s, percentile), volume, batch)
    found = _found(chips)
    stands = (stand(c, asked.work, asked.economy, asked.limits, asked.weights, asked.cache) for c in found)
    rows = with_leads([standing_row(one) for one in stands])
    return [{**row, "note": not_generated(c)} for row, c in zip(rows, found, strict=True)]


def compare_fleets(
    chips: list[str | Chip],
    model: str | None,
    trace: str,
    rate_per_s: float | None = None,
    ttft_s: float = 2.0,
    tpot_s: float = 0.05,
    percentile: float = 95.0,
    volume: float = 100_000,
    batch: int | None = None,
    watch: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """The same work as `compare`, and what a fleet of each chip takes for `trace`, request by request (api.fleet).
    Beside chips of which none is a GPU stand the GPUs that one could buy."""
    asked = _asked(chips, model, trace, Slo(ttft_s, tpot_s, percentile), volume, batch)
    found = _found(chips)
    named = [c.name for c in found if c.family == "gpu"]
    return fleet(
        found, asked.work.model, trace, asked.rate_per_s if rate_per_s is None else rate_per_s,
        against=named or GPUS, slo=asked.work.slo, weights=asked.weights, economy=asked.economy,
        requests=REQUESTS, day_requests=DAY_REQUESTS, batch=asked.limits.batch, watch=watch,
    )  # fmt: skip


@dataclass(frozen=True)
class _Asked:
    """The work that chips are compared at. `rate_per_s`: of all users, where a study has one."""

    work: Workload
    economy: Economy
    limits: Budget
    weights: list[str]
    cache: list[str]
    rate_per_s: float | None = None


def _asked(
    chips: list[str | Chip], model: str | None, trace: str | None, slo: Slo, volume: float, batch: int | None
) -> _Asked:
    if not chips:
        raise InputError("compare needs at least one chip (try: sartor list chips)")
    if batch is not None and batch < 1:
        raise InputError(f"batch = {batch} must be at least 1")
    named = [c for c in chips if isinstance(c, str) and c in studies.names()]
    if model is None and named:
        ready = problem(studies.find_study(named[0]).under(trace))
        study = ready.study
        return _Asked(ready.work, ready.economy, ready.budget, ready.rival_weights, study.compare.cache,
                      study.traffic.rate)  # fmt: skip
    moments, part = demand(DEFAULT_TRACE if trace is None else trace, slo.percentile), ComparePart()
    work = workload(find_model(DEFAULT_MODEL if model is None else model), moments, slo)
    return _Asked(work, Economy("datacenter", volume), Budget(chips=8, batch=batch), part.weights, part.cache)


def _found(chips: list[str | Chip]) -> list[Chip]:
    return [find_chip(c) if isinstance(c, str) else c for c in chips]
