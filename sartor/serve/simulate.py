"""Traffic through replicas of one chip, each request routed when it arrives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import inf

from ..errors import InputError
from ..workload.traffic import Traffic
from .book import Book
from .deploy import Deployed
from .engine import Engine
from .outcome import Answers
from .request import Request

Watch = Callable[[int], None]  # told how many requests have arrived
_TELL = 2048


@dataclass(frozen=True)
class Simulated:
    """What happened. `seconds`: each second's sums [seconds]; `rejected`: requests longer than the cache."""

    answers: Answers
    book: Book
    engines: int
    rejected: int


def simulate(
    deployed: Deployed, traffic: Traffic, replicas: int = 1, keep_s: float = 0.0, watch: Watch | None = None
) -> Simulated:
    """Requests go to the replicas' engines in turn. The same traffic gives the same result."""
    if replicas < 1:
        raise InputError(f"replicas = {replicas} must be at least 1")
    book = Book(len(traffic), keep_s=keep_s)
    engines = [
        Engine(deployed.times, deployed.limits, book, i) for i in range(replicas * deployed.how.stages)
    ]
    rejected = 0
    for request in requests(traffic, watch):
        engine = engines[request.number % len(engines)]
        if request.prompt + request.output > deployed.limits.tokens:
            rejected += 1
            continue
        engine.advance(request.arrival_s)
        engine.add(request, request.arrival_s)
    for engine in engines:
        engine.advance(inf)
    columns = book.columns()
    answers = Answers(traffic.arrival_s, columns["first_s"], columns["last_s"], traffic.output_tokens)
    return Simulated(answers, book, len(engines), rejected)


def requests(traffic: Traffic, watch: Watch | None = None) -> Iterator[Request]:
    """One after the other, so that only those under way are in memory."""
    for start in range(0, len(traffic), _TELL):
        rows = slice(start, start + _TELL)
        columns = (traffic.arrival_s[rows], traffic.prompt_tokens[rows], traffic.output_tokens[rows])
        for i, row in enumerate(zip(*(column.tolist() for column in columns), strict=True), start):
            yield Request(i, *row)
        if watch:
            watch(min(start + _TELL, len(traffic)))


def scaled(traffic: Traffic, rate_per_s: float | None, most: int | None) -> Traffic:
    """The first `most` requests, faster or slower so that `rate_per_s` arrive on average."""
    rows = slice(0, most)
    arrival_s = traffic.arrival_s[rows]
    if rate_per_s is not None and len(arrival_s) > 1 and arrival_s[-1] > arrival_s[0]:
        if not 0 < rate_per_s < inf:
            raise InputError(f"rate = {rate_per_s} must be above 0 and finite")
        arrival_s = arrival_s * ((len(arrival_s) - 1) / (arrival_s[-1] - arrival_s[0]) / rate_per_s)
    prompt, output = traffic.prompt_tokens[rows], traffic.output_tokens[rows]
    return replace(traffic, arrival_s=arrival_s, prompt_tokens=prompt, output_tokens=output)
