"""Which engine takes a request."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from .engine import Engine
from .prefix import PrefixCache
from .request import Request
from .spec import Routing

Router = Callable[[Sequence[Engine], Request], Engine]
_SLACK = 8  # a prompt's beginning is worth this much load


def load(engine: Engine) -> int:
    """As vLLM's balancer counts it: who waits counts four times."""
    return 4 * len(engine.waiting) + len(engine.running)


def router(routing: Routing, rng: np.random.Generator) -> Router:
    made: dict[str, Router] = {
        "round-robin": _Turns(), "random": lambda engines, _: engines[int(rng.integers(len(engines)))],
        "least-loaded": lambda engines, _: min(engines, key=load), "prefix": _longest_prefix,
    }  # fmt: skip
    return made[routing]


class _Turns:
    def __init__(self) -> None:
        self._next = 0

    def __call__(self, engines: Sequence[Engine], request: Request) -> Engine:
        self._next += 1
        return engines[(self._next - 1) % len(engines)]


def _longest_prefix(engines: Sequence[Engine], request: Request) -> Engine:
    """The engine that holds most of the prompt, unless it has much more to do than the one with the least."""
    least = min(map(load, engines))
    near = [engine for engine in engines if load(engine) <= least + _SLACK]
    return min(near, key=lambda engine: (-_held(engine, request), load(engine)))


def _held(engine: Engine, request: Request) -> int:
    return engine.cache.hits(request) if isinstance(engine.cache, PrefixCache) else 0
