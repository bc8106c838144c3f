"""Traffic: when requests arrive, how long prompts and answers are, and what the closed forms need of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..errors import InputError

WINDOWS = (1, 8, 64, 512, 4096)  # mean gaps between arrivals, in which arrivals are counted
MANY = 8  # windows of a length, for its dispersion to be known


@dataclass(frozen=True)
class Slo:
    """Service-level objective, kept by `percentile` percent of requests.

    TTFT: from arrival to the first output token. TPOT = (latency - TTFT) / (output tokens - 1).
    """

    ttft_s: float
    tpot_s: float
    percentile: float = 95.0

    def __post_init__(self) -> None:
        for name in ("ttft_s", "tpot_s"):
            if not getattr(self, name) > 0:
                raise InputError(f"[slo] {name} = {getattr(self, name)} must be above 0")
        if not 0 < self.percentile < 100:
            raise InputError(f"[slo] percentile = {self.percentile} must be between 0 and 100 (try 95)")


@dataclass(frozen=True)
class Demand:
    """The moments of traffic that the closed forms use. Lengths in tokens."""

    name: str
    rate_per_s: float
    arrival_scv: float  # squared coefficient of variation of the inter-arrival times
    prompt_mean: float
    prompt_square_mean: float
    prompt_tail: float  # at the SLO's percentile
    output_mean: float
    output_scv: float
    decode_context_mean: float  # tokens in the cache, averaged over decode steps
    context_max: float
    prefix_hit: float = 0.0  # fraction of prompt tokens found in an infinite prefix cache
    dispersion: tuple[float, ...] = (1.0,) * len(WINDOWS)  # of arrivals, in windows of as many mean gaps


@dataclass(frozen=True)
class Pieces:
    """Prompts in pieces of `tokens` tokens. Equal numbers: equal pieces after equal beginnings. `ids` of request i are
    those from `starts[i]` to `starts[i + 1]`; a last piece that is not whole has one too."""

    starts: np.ndarray
    ids: np.ndarray
    tokens: int

    def first(self, requests: int) -> Pieces:
        """Of the first so many requests."""
        starts = self.starts[: requests + 1]
        return Pieces(starts, self.ids[: starts[-1]], self.tokens)


@dataclass(frozen=True)
class Traffic:
    """Requests in order of arrival. All arrays [requests]."""

    name: str
    arrival_s: np.ndarray
    prompt_tokens: np.ndarray
    output_tokens: np.ndarray
    prefix_hit: float = 0.0
    source: str = ""
    pieces: Pieces | None = None  # of the prompts, where the trace has their hashes
    priority: np.ndarray | None = None  # where some go first: the lowest number
    batch: np.ndarray | None = None  # sequences in a decode pass of each, where they were really served

    def __post_init__(self) -> None:
        where = f"traffic {self.name}"
        shapes = [np.shape(a) for a in (self.arrival_s, self.prompt_tokens, self.output_tokens)]
        if len(set(shapes)) > 1 or len(shapes[0]) != 1 or not shapes[0][0]:
            raise InputError(f"{where}: arrivals, prompts and outputs are {shapes}, not (requests,) each")
        if self.priority is not None and np.shape(self.priority) != shapes[0]:
            raise InputError(f"{where}: {np.shape(self.priority)} priorities for {shapes[0]} requests")
        if self.batch is not None and (np.shape(self.batch) != shapes[0] or not (self.batch >= 1).all()):
            raise InputError(f"{where}: batch must be at least 1 for each of the requests {shapes[0]}")
        if not np.isfinite(self.arrival_s).all() or (np.diff(self.arrival_s) < 0).any():
            raise InputError(f"{where}: arrival_s must be finite and never fall (try to sort it)")
        for key in ("prompt_tokens", "output_tokens"):
            least = np.min(getattr(self, key))
            if not least >= 1:
                raise InputError(f"{where}: {key} = {least} must be at least 1")
        if not 0 <= self.prefix_hit <= 1:
            raise InputError(f"{where}: prefix_hit = {self.prefix_hit} must be from 0 to 1")

    def __len__(self) -> int:
        return len(self.arrival_s)

    @property
    def recorded_batch(self) -> float | None:
        """Sequences in a decode pass, in the mean over passes; None where nobody wrote it down. A request of o tokens
        in passes of b took o / b of them.

        >>> Traffic("two alone, two together", *(np.array([0, 1, 2]), np.ones(3), np.array([2, 2, 2])),
        ...         batch=np.array([1.0, 2.0, 2.0])).recorded_batch
        1.5
        """
        if self.batch is None:
            return None
        return float(self.output_tokens.sum() / (self.output_tokens / self.batch).sum())

    def demand(self, percentile: float = 95.0) -> Demand:
        """The moments of this traffic; the rate is infinite where all requests arrive at once.

        The context of a decode step averages over steps: a request of prompt p and output o takes o steps at
        a mean context of p + o / 2, so the mean is sum(o (p + o / 2)) / sum(o).
        """
        if not 0 < percentile < 100:
            raise InputError(f"percentile = {percentile} must be between 0 and 100 (try 95)")
        p, o = self.prompt_tokens.astype(float), self.output_tokens.astype(float)
        gaps = np.diff(self.arrival_s)
        span = float(self.arrival_s[-1] - self.arrival_s[0]) if len(self) > 1 else 0.0
        mean_gap = float(gaps.mean()) if len(gaps) else 0.0
        return Demand(
            name=self.name,
            rate_per_s=(len(self) - 1) / span if span > 0 else float("inf"),
            arrival_scv=float(gaps.var()) / mean_gap**2 if mean_gap > 0 else 1.0,
            prompt_mean=float(p.mean()),
            prompt_square_mean=float((p * p).mean()),
            prompt_tail=float(np.percentile(p, percentile)),
            output_mean=float(o.mean()),
            output_scv=float(o.var() / o.mean() ** 2),
            decode_context_mean=float((o * (p + o / 2)).sum() / o.sum()),
            context_max=float(np.percentile(p + o, 99.9)),
            prefix_hit=self.prefix_hit,
            dispersion=dispersion(self.arrival_s),
        )


def rate_of(demand: Demand, asked_per_s: float | None) -> float:
    """Requests a second: `asked_per_s`, or where nothing is asked those of the traffic itself."""
    rate_per_s = demand.rate_per_s if asked_per_s is None else asked_per_s
    if asked_per_s is None and not rate_per_s < math.inf:
        raise InputError(f"{demand.name}: all requests arrive at one moment, so that it has no rate (give --rate)")
    if not 0 < rate_per_s < math.inf:
        raise InputError(f"rate = {rate_per_s} must be above 0 and finite")
    return rate_per_s


def dispersion(arrival_s: np.ndarray) -> tuple[float, ...]:
    """Variance over mean of the number of arrivals in windows of WINDOWS mean gaps; at random, 1. Of a window that the
    trace does not hold MANY times, as of the one before.

    >>> dispersion(np.arange(1000.0))[:2]  # one in each second
    (0.0, 0.0)
    """
    at = arrival_s - arrival_s[0]
    if not at[-1] > 0:
        return (1.0,) * len(WINDOWS)
    found: list[float] = []
    for window in WINDOWS:
        # A hair to the right, so that arrivals at equal distances fall into a window each.
        number = np.floor(at / at[-1] * (len(at) - 1) / window + 1e-9).astype(int)
        counts = np.bincount(number)[:-1]  # the last window is cut
        many = len(counts) >= MANY
        found.append(float(counts.var() / counts.mean()) if many else found[-1] if found else 1.0)
    return tuple(found)
