"""A cluster on paper: pools of chips, how requests find them, what may go wrong and what grows with the load."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from ..errors import InputError, UnknownName
from .deploy import Deployed

Role = Literal["both", "prefill", "decode"]
Routing = Literal["round-robin", "random", "least-loaded", "prefix"]
ROLES, ROUTINGS = get_args(Role), get_args(Routing)


def at_least(what: str, value: float, least: float) -> None:
    if not value >= least:
        raise InputError(f"{what} = {value} must be at least {least:g}")


@dataclass(frozen=True)
class Scaling:
    """From `least` to `most` replicas. Every `period_s`, as many as let each have `target` requests, running or
    waiting; a new one is there after `boot_s`, and one goes when it was not wanted for `calm_s`."""

    least: int
    most: int
    target: float
    period_s: float = 15.0
    boot_s: float = 120.0
    calm_s: float = 300.0

    def __post_init__(self) -> None:
        at_least("scaling: least", self.least, 1)
        at_least("scaling: most", self.most, self.least)
        for name in ("target", "period_s"):
            if not getattr(self, name) > 0:
                raise InputError(f"scaling: {name} = {getattr(self, name)} must be above 0")
        at_least("scaling: boot_s", self.boot_s, 0)
        at_least("scaling: calm_s", self.calm_s, 0)


@dataclass(frozen=True)
class Pool:
    """`replicas` of one kind. Role `prefill` computes prompts and hands their cache to role `decode`."""

    deployed: Deployed
    replicas: int = 1
    role: Role = "both"
    scaling: Scaling | None = None
    name: str = ""

    def __post_init__(self) -> None:
        at_least(f"pool {self.name}: replicas", self.replicas, 1)
        if self.role not in ROLES:
            raise UnknownName("role", self.role, ROLES, f"pool {self.name}")


@dataclass(frozen=True)
class Transfer:
    """From a prefill replica to a decode replica, one cache after the other over the sender's link."""

    bytes_per_s: float = 50e9
    latency_s: float = 50e-6

    def __post_init__(self) -> None:
        if not self.bytes_per_s > 0:
            raise InputError(f"transfer: bytes_per_s = {self.bytes_per_s} must be above 0")
        at_least("transfer: latency_s", self.latency_s, 0)


@dataclass(frozen=True)
class Faults:
    """Mean times between failures, of a chip and of a host with its chips; a replica that has lost a chip is back,
    empty, after `repair_s`. Its requests start again elsewhere after `detect_s`, from their prompt and what users have
    already seen."""

    chip_mtbf_s: float = float("inf")
    host_mtbf_s: float = float("inf")
    chips_per_host: int = 8
    repair_s: float = 3600.0
    detect_s: float = 1.0
    planned: tuple[tuple[float, int], ...] = ()  # when, which replica

    def __post_init__(self) -> None:
        for name in ("chip_mtbf_s", "host_mtbf_s"):
            if not getattr(self, name) > 0:
                raise InputError(f"faults: {name} = {getattr(self, name)} must be above 0")
        at_least("faults: chips_per_host", self.chips_per_host, 1)
        at_least("faults: repair_s", self.repair_s, 0)
        at_least("faults: detect_s", self.detect_s, 0)

    @property
    def any(self) -> bool:
        return bool(self.planned) or min(self.chip_mtbf_s, self.host_mtbf_s) < float("inf")


@dataclass(frozen=True)
class Cluster:
    """`most_waiting`: an engine with as many waiting turns requests away."""

    pools: tuple[Pool, ...]
    routing: Routing = "round-robin"
    most_waiting: int | None = None
    transfer: Transfer = Transfer()
    faults: Faults = Faults()

    def __post_init__(self) -> None:
        if self.routing not in ROUTINGS:
            raise UnknownName("routing", self.routing, ROUTINGS)
        roles = {pool.role for pool in self.pools}
        if not roles & {"both", "prefill"}:
            raise InputError("a cluster needs a pool of role both or prefill, where requests come in")
        if ("prefill" in roles) != ("decode" in roles):
            raise InputError("role prefill needs a pool of role decode, and decode one of prefill")
        if self.most_waiting is not None:
            at_least("most_waiting", self.most_waiting, 0)

    @property
    def simple(self) -> bool:
        """Whether where a request goes depends on nothing but the requests before it, and nothing else ever happens:
        then engines need not be watched."""
        blind = self.routing in ("round-robin", "random") or sum(p.replicas for p in self.pools) == 1
        return blind and not self.faults.any and all(p.scaling is None and p.role == "both" for p in self.pools)
