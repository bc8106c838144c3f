"""Pools that grow and shrink with their load."""

from __future__ import annotations

import math
from collections import deque

from .cluster import Running
from .node import Node
from .spec import Scaling


class Autoscaler:
    """Of one pool. It grows at once, and shrinks to the most that was wanted within `calm_s`, as the horizontal
    autoscaler of Kubernetes does. A replica that is not needed takes no more requests, and goes when it has none."""

    def __init__(self, running: Running, pool: int, scaling: Scaling) -> None:
        self._running, self._pool, self._scaling = running, pool, scaling
        self._booting = 0
        self._wanted: deque[tuple[float, int]] = deque()
        running.clock.at(scaling.period_s, self._tick)

    def _nodes(self) -> list[Node]:
        return [node for node in self._running.nodes if node.pool == self._pool and node.up]

    def _tick(self, now_s: float) -> None:
        running = self._running
        if not running.busy:
            return
        nodes = self._nodes()
        for node in [n for n in nodes if n.draining and n.empty]:
            node.leave(now_s)
            running.counts.events.append((now_s, "replica removed"))
        wanted, have = self._want(nodes, now_s), sum(node.takes for node in nodes)
        if wanted > have + self._booting:
            self._grow(wanted - have - self._booting, now_s)
        self._shrink(have - max(most for _, most in self._wanted))
        running.changed(now_s)
        running.clock.at(now_s + self._scaling.period_s, self._tick)

    def _want(self, nodes: list[Node], now_s: float) -> int:
        """Replicas for the load of now; what was wanted a while ago is forgotten."""
        scaling = self._scaling
        wanted = math.ceil(sum(node.requests for node in nodes) / scaling.target)
        wanted = min(max(wanted, scaling.least), scaling.most)
        self._wanted.append((now_s, wanted))
        while self._wanted[0][0] < now_s - scaling.calm_s:
            self._wanted.popleft()
        return wanted

    def _grow(self, count: int, now_s: float) -> None:
        """Those that were to go stay; then new ones boot. They are paid from now on."""
        staying = [n for n in self._nodes() if n.draining][:count]
        for node in staying:
            node.draining = False
        for _ in range(count - len(staying)):
            node = self._running.node(self._pool, self._running.cluster.pools[self._pool])
            node.up, node.since_s = False, now_s
            self._booting += 1
            self._running.clock.at(now_s + self._scaling.boot_s, lambda now, n=node: self._up(n, now))  # type: ignore[misc]

    def _up(self, node: Node, now_s: float) -> None:
        self._booting -= 1
        node.up = True
        self._running.counts.events.append((now_s, "replica added"))
        self._running.join(node)
        self._running.changed(now_s)

    def _shrink(self, count: int) -> None:
        """Those with the least to do."""
        takers = sorted((n for n in self._nodes() if n.takes), key=lambda n: n.requests)
        for node in takers[: max(count, 0)]:
            node.draining = True
