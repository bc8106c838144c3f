"""Traffic through a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import inf

from ..errors import InputError
from ..workload.traffic import Traffic
from .autoscale import Autoscaler
from .book import Book
from .cluster import Counts, Running
from .faults import Failures
from .outcome import Answers
from .request import Request
from .spec import Cluster

Watch = Callable[[int], None]  # told how many requests have arrived
_TELL = 2048


@dataclass(frozen=True)
class Simulated:
    """What happened. `paid_s`: replica seconds of each pool."""

    answers: Answers
    book: Book
    counts: Counts
    paid_s: tuple[float, ...]


def simulate(
    cluster: Cluster, traffic: Traffic, seed: int = 0, keep_s: float = 0.0, watch: Watch | None = None
) -> Simulated:
    """The same traffic and seed give the same result. `keep_s`: steps that begin before are kept one by one."""
    book = Book(len(traffic), keep_s=keep_s)
    running = Running(cluster, book, seed)
    if cluster.faults.any:
        Failures(running)
    for i, pool in enumerate(cluster.pools):
        if pool.scaling:
            Autoscaler(running, i, pool.scaling)
    running.run(requests(traffic, watch))
    columns = book.columns()
    answers = Answers(traffic.arrival_s, columns["first_s"], columns["last_s"], traffic.output_tokens)
    return Simulated(answers, book, running.counts, _paid_s(running, answers.span_s()))


def _paid_s(running: Running, span_s: float) -> tuple[float, ...]:
    for node in running.nodes:
        node.pay(max(span_s, node.since_s or 0.0))
    pools = range(len(running.cluster.pools))
    return tuple(sum(node.paid_s for node in running.nodes if node.pool == pool) for pool in pools)


def requests(traffic: Traffic, watch: Watch | None = None) -> Iterator[Request]:
    """One after the other, so that only those under way are in memory."""
    priority = traffic.priority
    for start in range(0, len(traffic), _TELL):
        rows = slice(start, start + _TELL)
        columns = (traffic.arrival_s[rows], traffic.prompt_tokens[rows], traffic.output_tokens[rows])
        for i, (at_s, prompt, output) in enumerate(zip(*(c.tolist() for c in columns), strict=True), start):
            request = Request(i, at_s, prompt, output, priority=0 if priority is None else int(priority[i]))
            _share(request, traffic)
            yield request
        if watch:
            watch(min(start + _TELL, len(traffic)))


def _share(request: Request, traffic: Traffic) -> None:
    """What others have too: pieces by their hashes, else the share of prompts that is found on average."""
    if traffic.pieces is not None:
        first = int(traffic.pieces.starts[request.number])
        request.hashes = traffic.pieces.ids[first : first + request.prompt // traffic.pieces.tokens].tolist()
    elif traffic.prefix_hit:
        # Nobody knows which: they need not be computed, but take room of their own.
        request.given = int((request.prompt - 1) * traffic.prefix_hit)


def scaled(traffic: Traffic, rate_per_s: float | None, most: int | None) -> Traffic:
    """The first `most` requests, faster or slower so that `rate_per_s` arrive on average."""
    rows = slice(0, most)
    arrival_s = traffic.arrival_s[rows]
    if rate_per_s is not None and not 0 < rate_per_s < inf:
        raise InputError(f"rate = {rate_per_s} must be above 0 and finite")
    if rate_per_s is not None and len(arrival_s) > 1 and arrival_s[-1] > arrival_s[0]:
        arrival_s = arrival_s * ((len(arrival_s) - 1) / (arrival_s[-1] - arrival_s[0]) / rate_per_s)
    prompt, output = traffic.prompt_tokens[rows], traffic.output_tokens[rows]
    pieces = None if traffic.pieces is None else traffic.pieces.first(len(arrival_s))
    priority = None if traffic.priority is None else traffic.priority[rows]
    batch = None if traffic.batch is None else traffic.batch[rows]
    return replace(
        traffic, arrival_s=arrival_s, prompt_tokens=prompt, output_tokens=output, pieces=pieces, priority=priority,
        batch=batch,
    )  # fmt: skip
