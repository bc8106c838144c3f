"""Chips side by side on one scale: the same workload, each in its best configuration, on three price bases."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..chip.spec import Chip
from ..families import priced
from ..formats.spec import format_named
from ..tech.technology import NOMINAL, Technology
from ..workload.sizes import parameters
from ..workload.workload import Workload
from .economy import Economy
from .evaluate import evaluate
from .result import Budget, Deployment, Result

BATCHES = (1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024)
LOADS = tuple(i / 20 for i in range(4, 19))  # 0.2 to 0.9
TENSOR_PARALLEL = (1, 2, 4, 8)
STAGES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


@dataclass
class Standing:
    """One chip in its best configuration. Dollars per million output tokens by basis; None: no price is known."""

    chip: Chip
    weights: str
    cache: str
    tensor_parallel: int
    stages: int
    batch: int
    load: float
    usd_per_mtoken: dict[str, float | None]
    figures: dict[str, float | None]  # of one design, as in Result; None: not known
    misses: dict[str, float]  # limits it breaks: value / limit
    result: Result
    shared: bool = False  # by many users in a data center, where the study is for one

    @property
    def feasible(self) -> bool:
        return not self.misses


def deployments(most_chips: int | None) -> Deployment:
    """Every way to deploy, as arrays [ways]; at most `most_chips` a replica."""
    ways = [
        (tp, stages, batch, load)
        for tp, stages, batch, load in itertools.product(TENSOR_PARALLEL, STAGES, BATCHES, LOADS)
        if most_chips is None or tp * stages <= most_chips
    ]
    return Deployment(*(np.array(column, float) for column in zip(*ways, strict=True)))


def formats_for(chip: Chip, allowed: list[str]) -> list[str]:
    """Weight formats worth trying: those a chip computes in, and those it only stores (weights unpacked)."""
    if chip.tile is not None:
        return [chip.tile.weights]
    return [
        f for f in allowed if f in chip.peaks or format_named(f).element_bits <= 8 or f in ("bf16", "fp16")
    ]


def stand(
    chip: Chip,
    work: Workload,
    economy: Economy,
    budget: Budget,
    weights: list[str],
    cache: list[str],
    tech: Technology = NOMINAL,
) -> Standing:
    """`chip` in the configuration that keeps the SLO for the least money: at cost for a generated chip, at the vendor's
    price for one to buy, rented for one that is only rented; where nothing is known, with the fewest chips a token."""
    most = budget.chips if chip.tile is not None else max(budget.chips or 8, _fits(chip, work))
    how = deployments(most)
    tried = []
    caches = [chip.tile.kv] if chip.tile is not None else cache
    # Limits on the chip itself are the tailored chip's; a bought chip is judged by the SLO and its memory.
    limits = budget if chip.tile is not None else Budget(batch=budget.batch)
    for weight, kv in itertools.product(formats_for(chip, weights), caches):
        chips = priced(chip, weight, kv, tech, economy.device)
        basis = "cost" if chip.tile is not None or chip.price.purchase_usd is None else "vendor"
        result = evaluate(chips, work, how, economy, limits, tech, basis)
        money = _money(chip, result, how)
        row = _best(result, money)
        tried.append((_rank(result, money, row), weight, kv, row))
    _, weight, kv, row = min(tried, key=lambda t: t[0])
    return stand_at(chip, work, economy, limits, weight, kv, _at(how, row), tech)


def _fits(chip: Chip, work: Workload) -> int:
    """Chips that hold the weights at 8 bits, four times over: SRAM-only chips need hundreds."""
    elements = parameters(work.model)
    capacity = chip.memory.capacity_bytes or chip.sram_bytes or 1.0
    return int(2 ** np.ceil(np.log2(max(4 * elements / capacity, 1))))


def _money(chip: Chip, result: Result, how: Deployment) -> np.ndarray:
    """What ways are ranked by, [ways]: dollars a token, or, where a chip is only rented or its price is not known, what
    dollars are in proportion to: the time of chips that a token takes."""
    chip_s = np.asarray(how.chips / result.tokens_per_s, float)
    only_rented = chip.price.purchase_usd is None and chip.price.rental_usd_per_s is not None
    if chip.tile is None and only_rented:
        return chip_s
    return np.where(np.isfinite(result.usd_per_mtoken), result.usd_per_mtoken, chip_s)


def _best(result: Result, money: np.ndarray) -> int:
    """The cheapest way that keeps the limits; where none does, the nearest."""
    worst = np.asarray(result.worst_violation, float)
    if (worst <= 1).any():
        return int(np.argmin(np.where(worst <= 1, money, np.inf)))
    return int(np.argmin(worst))


def _rank(result: Result, money: np.ndarray, row: int) -> tuple[float, float]:
    """Feasible first, then cheap."""
    worst = float(np.ravel(result.worst_violation)[row])
    return 0.0 if worst <= 1 else worst, float(money[row])


def _at(how: Deployment, row: int) -> Deployment:
    tensor_parallel, stages, batch = (int(getattr(how, f)[row]) for f in ("tensor_parallel", "stages", "batch"))
    return Deployment(tensor_parallel, stages, batch, float(how.load[row]))


def stand_at(
    chip: Chip,
    work: Workload,
    economy: Economy,
    limits: Budget,
    weights: str,
    cache: str,
    how: Deployment,
    tech: Technology = NOMINAL,
) -> Standing:
    """`chip` in one configuration."""
    chips = priced(chip, weights, cache, tech, economy.device)
    result = evaluate(chips, work, how, economy, limits, tech, keep=True)
    duty = economy.figure(tech, "duty")
    tokens = float(result.tokens_per_s) * duty
    vendor = evaluate(chips, work, how, economy, limits, tech, "vendor")
    rental = chip.price.rental_usd_per_s
    usd = {
        "cost": _finite(result.usd_per_mtoken),
        "vendor": _finite(vendor.usd_per_mtoken),
        "rental": None if rental is None else rental * how.chips / tokens * 1e6,
    }
    names = ("j_per_token", "latency_s", "ttft_s", "tpot_s", "tokens_per_s", "requests_per_s", "power_w", "chip_usd",
             "prefill_s", "decode_s", "weight_bytes", "cache_bytes")  # fmt: skip
    figures = {name: _finite(getattr(result, name)) for name in names}
    if not chip.power_known:  # a sum of the rest is no rival's energy
        figures |= {"j_per_token": None, "power_w": None}
    figures["chips"] = float(how.chips)
    figures["tokens_per_s_per_chip"] = float(result.tokens_per_s) / how.chips
    misses = {name: float(ratio) for name, ratio in result.violations.items() if ratio > 1}
    return Standing(
        chip,
        weights,
        cache,
        how.tensor_parallel,
        how.stages,
        how.batch,
        how.load,
        usd,
        figures,
        misses,
        result,
    )


def _finite(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None
