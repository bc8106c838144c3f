"""The design of a front that serves the real traffic for the least money. The closed form names the cheapest; every
request of the trace is sent through them, at the highest planned load that keeps the SLO; the cheapest is chosen.

With a rate of all users together, replicas are chosen with the chip, and the whole fleet is what must be cheap.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputError
from ..formulas.service import STEP_TOKENS, step_tokens
from ..search.explore import CHEAPEST_WITHIN, Exploration
from ..search.result import Deployment
from ..workload.traffic import Slo, Traffic
from .bill import drawn
from .day import at_least
from .deploy import Deployed, How, deploy
from .outcome import latencies
from .simulate import scaled, simulate
from .sizing import fewest
from .spec import Cluster, Pool

REQUESTS = 20_000
LEAST = 2_000  # a shorter trace comes again and again: its waits are not those of its few requests alone
FEW = 6  # ways to deploy that are compared
Watch = Callable[[str], None]


@dataclass(frozen=True)
class Tried:
    """Row `row` of the front, `replicas` of it. `planned`: what the closed form says (Exploration.row); `seen`: what
    users saw (outcome.latencies); `usd`: a million output tokens, of the fleet where there is a rate of all users."""

    row: int
    planned: dict[str, Any]
    how: Deployment
    batch_tokens: int
    rate_per_s: float
    replicas: int
    usd: float
    j_per_token: float
    seen: dict[str, Any]

    @property
    def kept(self) -> bool:
        return bool(self.seen["slo"]["kept"])


def sent(traffic: Traffic, requests: int = REQUESTS) -> int:
    """Requests that each design is asked."""
    return min(requests, max(len(traffic), LEAST))


def choose(
    run: Exploration, traffic: Traffic, rate_per_s: float | None = None, requests: int = REQUESTS,
    watch: Watch | None = None,
) -> list[Tried]:  # fmt: skip
    """Everything tried, the chosen one first: the cheapest that keeps the SLO, of those within 1 % of it the one with
    the least energy; if none keeps it, the one with the most content users."""
    asked = _Asked(run, at_least(traffic, LEAST), rate_per_s, sent(traffic, requests), watch or (lambda text: None))
    tried: list[Tried] = []
    for row in _candidates(run):
        kept = [t.usd for t in tried if t.kept]
        if kept and rate_per_s is None and _usd(run, row) > min(kept) * (1 + CHEAPEST_WITHIN):
            break  # a lower load only makes it dearer
        most = min(kept, default=np.inf) * (1 + CHEAPEST_WITHIN)
        tried += asked.fleet(row) if rate_per_s is not None else asked.loads(row, most)
    return sorted(tried, key=_order(tried))


def _order(tried: list[Tried]) -> Callable[[Tried], tuple]:
    least = min((t.usd for t in tried if t.kept), default=0.0)

    def key(t: Tried) -> tuple:
        near = t.usd <= least * (1 + CHEAPEST_WITHIN)
        return (not t.kept, not near, t.j_per_token if near else t.usd) if t.kept else (True, -t.seen["slo"]["share"])

    return key


def _candidates(run: Exploration) -> list[int]:
    """The cheapest row of each way to deploy, the cheapest first."""
    first: dict[tuple, int] = {}
    for row in np.argsort(np.asarray(run.result.usd_per_mtoken), kind="stable").tolist():
        how = run.deployment(row)
        first.setdefault((how.tensor_parallel, how.stages, how.batch), row)
        if len(first) == FEW:
            break
    return list(dict.fromkeys([run.pick, *first.values()]))


def _usd(run: Exploration, row: int) -> float:
    return _of(run, row, "usd_per_mtoken")


def _of(run: Exploration, row: int, name: str) -> float:
    return float(np.broadcast_to(getattr(run.result, name), run.found.points.shape[:1])[row])


@dataclass(frozen=True)
class _Asked:
    run: Exploration
    traffic: Traffic
    rate_per_s: float | None
    requests: int
    watch: Watch

    @property
    def limits(self) -> Slo:
        """The SLO, clear of it by the margin of the study."""
        slo, room = self.run.problem.work.slo, 1 - self.run.problem.budget.margin
        return Slo(slo.ttft_s * room, slo.tpot_s * room, slo.percentile)

    def loads(self, row: int, most_usd: float) -> list[Tried]:
        """The row, and while it misses the SLO the same at lower planned loads, but none dearer than `most_usd`: the
        highest that keeps it, by halving."""
        first = self._one(row)
        if first.kept:
            return [first]
        below = [self.run.with_genome(genome) for genome in self.run.at_lower_loads(row)]
        below = [lower for lower in below if _usd(self.run, lower) <= most_usd]
        found, low, high = [first], 0, len(below)  # from the highest load to the lowest; those before `low` miss
        while low < high:
            middle = (low + high) // 2
            found.append(self._one(below[middle]))
            low, high = (low, middle) if found[-1].kept else (middle + 1, high)
        return found

    def _one(self, row: int) -> Tried:
        return self._tried(row, self.deployed(row), 1, _of(self.run, row, "requests_per_s"))

    def fleet(self, row: int) -> list[Tried]:
        """As many replicas as the closed form asks for, or as the SLO needs."""
        assert self.rate_per_s is not None
        deployed = self.deployed(row)
        least = int(np.ceil(self.rate_per_s / _of(self.run, row, "requests_per_s")))
        first = self._tried(row, deployed, least, self.rate_per_s)
        if first.kept:
            return [first]
        made = scaled(self.traffic, self.rate_per_s, self.requests)
        try:
            count = fewest(deployed, made, self.limits, least + 1)
        except InputError:  # no number of them is enough
            return [first]
        return [first, self._tried(row, deployed, max(count, least), self.rate_per_s)]

    def _tried(self, row: int, deployed: Deployed, replicas: int, rate: float) -> Tried:
        made = scaled(self.traffic, rate, self.requests)
        self.watch(f"simulating {len(made):,} requests at {rate:.3g} a second")
        done = simulate(Cluster((Pool(deployed, replicas),), "least-loaded"), made)
        span = max(done.answers.span_s(), 1e-9)
        energy_j = done.book.seconds(span)["energy_j"]
        part = drawn(deployed.chips, deployed.count * replicas, energy_j, done.book.width_s, span)
        # A replica that is asked for less than it is planned for costs the same.
        dearer = _of(self.run, row, "requests_per_s") * replicas / rate
        usd = _usd(self.run, row) * dearer
        return Tried(
            row, self.run.row(row), self.run.deployment(row), deployed.how.batch_tokens, rate, replicas, usd,
            part.mean_w * span / float(made.output_tokens.sum()), latencies(done.answers, self.limits),
        )  # fmt: skip

    def deployed(self, row: int) -> Deployed:
        """With steps as long as users bear while prompts queue."""
        how, work = self.run.deployment(row), self.run.problem.work
        tokens = STEP_TOKENS
        if how.batch > 1:
            prefill_s, decode_s = (_of(self.run, row, name) for name in ("prefill_s", "decode_s"))
            tokens = int(step_tokens(prefill_s, decode_s, work.demand.prompt_mean, self.limits.tpot_s))
        batch = int(how.batch)
        ways = How(None, None, int(how.tensor_parallel), int(how.stages), batch, batch + tokens)
        pieces = self.traffic.pieces.tokens if self.traffic.pieces else 0
        return deploy(self.run.chip(row, f"design {row}"), work, ways, pieces)
