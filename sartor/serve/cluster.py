"""The cluster at work: requests come, find an engine, are handed on, lost and started again."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import inf, nextafter

import numpy as np

from .book import NEVER, Book
from .clock import Clock
from .engine import Engine
from .handover import PrefillEngine
from .node import Node
from .request import Request
from .routing import router
from .spec import Cluster, Pool


@dataclass
class Counts:
    """What went otherwise than it should, and what was done about the load: (seconds, what)."""

    too_long: int = 0
    turned_away: int = 0
    restarted: int = 0
    events: list[tuple[float, str]] = field(default_factory=list)


class Running:
    """`open`: requests that have come and have not had their last token."""

    def __init__(self, cluster: Cluster, book: Book, seed: int = 0) -> None:
        self.cluster, self.book, self.seed = cluster, book, seed
        self.clock, self.counts, self.open = Clock(), Counts(), 0
        self.coming = True  # more requests
        self._numbers = itertools.count()
        self._routes = {
            role: router(cluster.routing, np.random.default_rng([seed, i])) for i, role in enumerate(("in", "decode"))
        }
        self._watched = not cluster.simple
        self._homeless: list[Request] = []  # no engine is up for them
        self._watches: dict[Engine, int] = {}  # the last one of each
        self.born: list[Callable[[Node], None]] = []  # told of new replicas
        self.nodes: list[Node] = []
        for i, pool in enumerate(cluster.pools):
            self.nodes += [self.node(i, pool) for _ in range(pool.replicas)]
        self._list()

    @property
    def busy(self) -> bool:
        """Whether there is anything left to do."""
        return self.open > 0 or self.coming

    # --- replicas

    def node(self, pool: int, kind: Pool) -> Node:
        """A new one, empty."""
        node = Node(pool, kind)
        self.renew(node)
        return node

    def join(self, node: Node) -> None:
        """`node` is there."""
        self.nodes.append(node)
        for tell in self.born:
            tell(node)

    def renew(self, node: Node) -> None:
        """With new engines: what they had is gone."""
        node.engines = [self._engine(node) for _ in range(node.kind.deployed.how.stages)]
        node.up = True

    def _engine(self, node: Node) -> Engine:
        number, deployed = next(self._numbers), node.kind.deployed
        self.book.pool_of.append(node.pool)
        if node.kind.role == "prefill":
            send = functools.partial(self._send, node)
            return PrefillEngine(deployed.times, deployed.limits, self.book, number, send)
        engine = Engine(deployed.times, deployed.limits, self.book, number)
        engine.finished = self._finished
        return engine

    def _list(self) -> None:
        """Who takes requests, by role."""
        takers = [(node, engine) for node in self.nodes if node.takes for engine in node.engines]
        self._home = {engine: node for node in self.nodes for engine in node.engines}
        self._entries = [engine for node, engine in takers if node.kind.role != "decode"]
        self._decoders = [engine for node, engine in takers if node.kind.role == "decode"]

    def changed(self, now_s: float) -> None:
        """A replica came or went: who had no home tries again."""
        self._list()
        again, self._homeless = self._homeless, []
        for request in again:
            self._go(request, now_s)

    # --- requests

    def run(self, requests: Iterator[Request]) -> None:
        """Until the last one is done. Where engines go their own ways, nobody watches them."""
        following: Request | None = next(requests, None)
        while following is not None or self.open:
            at = inf if following is None else following.arrival_s
            if self.clock.next_s < at:
                self.clock.happen()
            elif following is None:
                break
            else:
                self._arrive(following, at)
                following = next(requests, None)
                self.coming = following is not None
        for engine in self._home:
            engine.advance(inf)
            engine.release(inf)

    def _arrive(self, request: Request, now_s: float) -> None:
        if not self._fits(request):
            self.counts.too_long += 1
            return
        if self._watched:
            self.open += 1
        self._go(request, now_s)

    def _fits(self, request: Request) -> bool:
        tokens = request.prompt + request.output
        return all(tokens <= pool.deployed.limits.tokens for pool in self.cluster.pools)

    def _go(self, request: Request, now_s: float) -> None:
        """To an engine, or nowhere."""
        handed = request.given > 0 and request.todo < request.output
        engines = self._decoders if handed else self._entries
        if not engines:
            self._homeless.append(request)
            return
        engine = self._routes["decode" if handed else "in"](engines, request, now_s)
        engine.advance(now_s)
        most = self.cluster.most_waiting
        if most is not None and len(engine.waiting) >= max(most, 1) and request.todo == request.output:
            self.counts.turned_away += 1
            self.open -= self._watched
            return
        engine.add(request, now_s)
        if self._watched:
            self.watch(engine)

    def watch(self, engine: Engine) -> None:
        """Look at it again when something may happen to it; what was planned before is void."""
        self._watches[engine] = number = self._watches.get(engine, 0) + 1
        wake = engine.wake_s()
        if wake < inf:
            self.clock.at(wake, lambda now: self._look(engine, number, now))

    def _look(self, engine: Engine, number: int, now_s: float) -> None:
        if self._watches.get(engine) == number:
            engine.advance(nextafter(now_s, inf))
            self.watch(engine)

    def _finished(self, request: Request, at_s: float) -> None:
        if self._watched:
            self.open -= 1

    def _send(self, node: Node, request: Request, at_s: float) -> float:
        """The cache of `request` is on its way from `node`; when it has arrived."""
        way = self.cluster.transfer
        left = max(node.link_free_s, at_s) + request.given * node.kind.deployed.token_bytes / way.bytes_per_s
        node.link_free_s = left
        self.clock.at(left + way.latency_s, lambda now: self._go(request, now))
        return left + way.latency_s

    # --- losses

    def lose(self, node: Node, now_s: float) -> None:
        """`node` is gone with all it had; its requests start again elsewhere, after a while."""
        lost: list[Request] = []
        for engine in node.engines:
            engine.advance(now_s)
            some, early = engine.abandon(now_s)
            lost += some
            self.open += early
            self._watches.pop(engine, None)
        node.up, node.engines = False, []
        self._list()
        self.counts.restarted += len(lost)
        for request in lost:
            if request.todo == request.output:
                self.book.first_s[request.number] = NEVER
            self.book.last_s[request.number] = NEVER
            self.clock.at(now_s + self.cluster.faults.detect_s, lambda now, r=request: self._go(r, now))  # type: ignore[misc]
