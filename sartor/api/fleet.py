"""Chips enough for a traffic: how many of each kind, what a day of them costs, what a failure costs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..chip.spec import Chip
from ..errors import InputError
from ..search.economy import Economy
from ..search.parts import ComparePart
from ..serve.day import at_least
from ..serve.fleet import Ask, Sized, sized
from ..serve.fleet_day import day_of, failure_of, replica_usd_per_s
from ..serve.spec import Faults
from ..tables import table
from ..workload.find import find_model
from ..workload.model import Model
from ..workload.profiles import find_traffic
from ..workload.traffic import Slo, Traffic, rate_of
from ..workload.workload import workload
from .find import find_chip
from .simulate import check_context

GPUS = ("h100-sxm", "h200-sxm", "b200-sxm")
YEAR_S = 8766 * 3600.0


def fleet(
    chips: Sequence[str | Chip],
    model: str | Model,
    trace: str | Traffic,
    rate_per_s: float | None = None,
    *,
    against: Sequence[str] | None = None,
    slo: Slo | None = None,
    weights: Sequence[str] | None = None,
    economy: Economy | None = None,
    requests: int = 6000,
    day_requests: int = 100_000,
    batch: int | None = None,
    watch: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Fleets that serve `rate_per_s` requests a second, like those of `trace`, at the busiest moment of the day: one of
    each of `chips`, and of each of `against`, the chips that one could buy. `batch` bounds the requests that a replica
    serves at once.

    Every way to deploy a chip is simulated at its highest rate; with the cheapest, replicas are added until the peak
    keeps the SLO; then a day, and the loss of a replica at the peak. Returns a row a chip, cheapest first by what its
    owner pays; `best_gpu`: the first of `against` (by default the GPUS); `refused`: chips that cannot, and why.
    """
    against = GPUS if against is None else against
    if not chips and not against:
        raise InputError("fleet needs at least one chip (try: sartor list chips)")
    traffic = find_traffic(trace) if isinstance(trace, str) else trace
    slo, part = slo or Slo(2.0, 0.05), ComparePart()
    demand = traffic.demand(slo.percentile)
    ask = Ask(at_least(traffic, requests), rate_of(demand, rate_per_s), slo, economy or Economy(),
              weights or part.weights, part.cache, requests, day_requests, batch)  # fmt: skip
    shapes = find_model(model) if isinstance(model, str) else model
    check_context(traffic, demand, shapes)
    all_ = [find_chip(c) if isinstance(c, str) else c for c in (*chips, *against)]
    rows, refused = [], {}
    for chip in {chip.name: chip for chip in all_}.values():
        if watch:
            watch(f"a fleet of {chip.name}, request by request")
        fixed = shapes.formats if chip.tile is not None else {}
        try:
            rows.append(_row(sized(chip, workload(shapes, demand, slo, fixed), ask), ask))
        except InputError as error:
            refused[chip.name] = str(error)
    if not rows:
        raise InputError("; ".join(refused.values()))
    ranked = sorted(rows, key=lambda row: row["usd_per_mtoken"] or float("inf"))
    gpus = [row for row in ranked if row["chip"] in against]
    return {
        "model": shapes.name, "trace": traffic.name, "peak_per_s": ask.peak_per_s,
        "slo": {"ttft_s": slo.ttft_s, "tpot_s": slo.tpot_s, "percentile": slo.percentile},
        "fleets": ranked, "best_gpu": gpus[0]["chip"] if gpus else None,
        "refused": [{"chip": name, "reason": reason} for name, reason in refused.items()],
    }  # fmt: skip


def _row(found: Sized, ask: Ask) -> dict[str, Any]:
    how, deployed = found.deployed.how, found.deployed
    one_day = day_of(found, ask)
    lost = failure_of(found, ask, _faults())
    spare, basis = replica_usd_per_s(found, ask)[deployed.basis], deployed.basis
    return {
        "chip": deployed.chip.name, "basis": basis, "weights": how.weights, "kv": how.cache,
        "tensor_parallel": deployed.tensor_parallel, "max_seqs": how.max_seqs, "batch_tokens": how.batch_tokens,
        "each_per_s": found.each_per_s, "replicas": found.replicas, "chips": found.chips,
        "usd_per_day": one_day["usd_per_day"][basis], "usd_per_mtoken": one_day["usd_per_mtoken"][basis],
        "j_per_token": one_day["j_per_token"], "day": one_day,
        "failure": {**lost, "spare_usd_per_year": None if spare is None else spare * YEAR_S},
    }  # fmt: skip


def _faults() -> Faults:
    facts = table("overheads")
    return Faults(chip_mtbf_s=facts.fact("service", "chip_mtbf").value, repair_s=facts.fact("service", "repair").value)
