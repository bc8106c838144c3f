"""Which engine takes a request."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from .engine import Engine
from .prefix import PrefixCache
from .request import Request
from .spec import Routing

Router = Callable[[Sequence[Engine], Request, float], Engine]  # engines, the request, and the time
_SLACK = 8  # a prompt's beginning is worth this much load


def load(engine: Engine, now_s: float) -> int:
    """As vLLM's balancer counts it: who waits counts four times. Who gets the last token of a step under way is
    there."""
    last = sum(request.last_s > now_s for request in engine.leaving)
    return 4 * len(engine.waiting) + len(engine.running) + last


def router(routing: Routing, rng: np.random.Generator) -> Router:
    made: dict[str, Router] = {
        "round-robin": _Turns(), "random": lambda engines, _, now: engines[int(rng.integers(len(engines)))],
        "least-loaded": lambda engines, _, now: min(engines, key=lambda e: load(e, now)), "prefix": _longest_prefix,
    }  # fmt: skip
    return made[routing]


class _Turns:
    def __init__(self) -> None:
        self._next = 0

    def __call__(self, engines: Sequence[Engine], request: Request, now_s: float) -> Engine:
        self._next += 1
        return engines[(self._next - 1) % len(engines)]


def _longest_prefix(engines: Sequence[Engine], request: Request, now_s: float) -> Engine:
    """The engine that holds most of the prompt, unless it has much more to do than the one with the least."""
    loads = [load(engine, now_s) for engine in engines]
    near = [i for i, each in enumerate(loads) if each <= min(loads) + _SLACK]
    return engines[min(near, key=lambda i: (-_held(engines[i], request), loads[i]))]


def _held(engine: Engine, request: Request) -> int:
    return engine.cache.hits(request) if isinstance(engine.cache, PrefixCache) else 0
