"""Chips and hosts that fail, and come back."""

from __future__ import annotations

import math

import numpy as np

from .cluster import Running
from .node import Node


class Failures:
    """Exponential times between failures, each replica's and each host's from a stream of its own: the same seed gives
    the same failures, whatever else happens. Replicas fill hosts one after the other; one of several hosts is on each.
    """

    def __init__(self, running: Running) -> None:
        self._running, self._faults = running, running.cluster.faults
        self._hosts: dict[int, list[Node]] = {}
        self._chips = 0
        running.born.append(self._watch)
        for node in running.nodes:
            self._watch(node)
        for at, replica in self._faults.planned:
            running.clock.at(at, lambda now, n=running.nodes[replica]: self._lose([n], "replica", now))  # type: ignore[misc]

    def _watch(self, node: Node) -> None:
        faults, first = self._faults, self._chips
        self._chips += node.kind.deployed.count
        self._plan(faults.chip_mtbf_s / node.kind.deployed.count, self._rng(1, first), [node], "chip")
        for host in range(first // faults.chips_per_host, (self._chips - 1) // faults.chips_per_host + 1):
            known = host in self._hosts
            self._hosts.setdefault(host, []).append(node)
            if not known:
                self._plan(faults.host_mtbf_s, self._rng(2, host), self._hosts[host], "host")

    def _rng(self, what: int, number: int) -> np.random.Generator:
        return np.random.default_rng([self._running.seed, what, number])

    def _plan(self, mtbf_s: float, rng: np.random.Generator, nodes: list[Node], what: str) -> None:
        if math.isfinite(mtbf_s):
            clock = self._running.clock
            at = clock.now_s + float(rng.exponential(mtbf_s))
            clock.at(at, lambda now: self._fail(mtbf_s, rng, nodes, what, now))

    def _fail(self, mtbf_s: float, rng: np.random.Generator, nodes: list[Node], what: str, now_s: float) -> None:
        if self._running.busy:
            self._lose(nodes, what, now_s)
            self._plan(mtbf_s, rng, nodes, what)

    def _lose(self, nodes: list[Node], what: str, now_s: float) -> None:
        running = self._running
        hit = [node for node in nodes if node.up]
        if hit:
            running.counts.events.append((now_s, f"{what} failed"))
        for node in hit:
            running.lose(node, now_s)
            running.clock.at(now_s + self._faults.repair_s, lambda now, n=node: self._back(n, now))  # type: ignore[misc]

    def _back(self, node: Node, now_s: float) -> None:
        self._running.counts.events.append((now_s, "replica repaired"))
        self._running.renew(node)
        self._running.changed(now_s)
