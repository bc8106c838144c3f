"""A cluster as a TOML file: pools of chips, routing, transfer, faults."""

from __future__ import annotations

from pydantic import Field

from ..search.checked import checked
from ..search.parts import Part, quantity
from .deploy import How
from .limits import Policy
from .spec import Faults, Role, Routing, Scaling, Transfer


class ScalingPart(Part):
    """Replicas come and go with the load."""

    least: int = Field(1, ge=1, description="Replicas that are always there.")
    most: int = Field(ge=1, description="Replicas that there are at most.")
    target: float = Field(gt=0, description="Requests, running or waiting, that a replica should have.")
    period: quantity("s") = Field(15.0, description="Time between two looks.")  # type: ignore[valid-type]
    boot: quantity("s") = Field(120.0, description="Until a new replica takes requests.")  # type: ignore[valid-type]

    calm: quantity("s") = Field(300.0, description="How long a replica must not be wanted before it goes.")  # type: ignore[valid-type]

    def made(self) -> Scaling:
        return Scaling(self.least, self.most, self.target, self.period, self.boot, self.calm)


class PoolPart(Part):
    """Replicas of one kind."""

    name: str = Field("", description="What it is called; its chip's name.")
    chip: str = Field(description="A chip's name, a TOML file, or a study that has been designed.")
    replicas: int = Field(1, ge=1, description="Replicas of the model, at the beginning.")
    role: Role = Field("both", description="both, prefill (computes prompts and hands their cache on) or decode.")
    weights: str | None = Field(None, description="Number format of the weights.")
    kv: str | None = Field(None, description="Number format of the cache.")
    tensor_parallel: int | None = Field(None, ge=1, description="Chips side by side; the fewest that hold the model.")
    stages: int = Field(1, ge=1, description="Pipeline stages.")
    max_seqs: int = Field(256, ge=1, description="Requests in a step.")
    batch_tokens: int = Field(2048, ge=1, description="Tokens in a step.")
    power_cap: quantity("w") | None = Field(None, description="Of one chip; what would draw more takes longer.")  # type: ignore[valid-type]
    swap: quantity("bytes_per_s") | None = Field(  # type: ignore[valid-type]
        None, description="A chip's link to the host, where the cache of pre-empted requests goes; else it is lost."
    )
    policy: Policy = Field("fcfs", description="fcfs, or priority: the lowest number of the trace goes first.")
    scaling: ScalingPart | None = Field(None, description="Replicas come and go with the load.")

    def how(self) -> How:
        return How(self.weights, self.kv, self.tensor_parallel, self.stages, self.max_seqs, self.batch_tokens,
                   power_cap_w=self.power_cap, swap_bytes_per_s=self.swap, policy=self.policy)  # fmt: skip


class TransferPart(Part):
    """From prefill to decode replicas."""

    bandwidth: quantity("bytes_per_s") = Field(50e9, description="Of a sender's link.")  # type: ignore[valid-type]
    latency: quantity("s") = Field(50e-6, description="Of a message.")  # type: ignore[valid-type]


class FaultsPart(Part):
    """Failures, and how they are met."""

    chip_mtbf: quantity("s") | None = Field(None, description="Mean time between failures of one chip.")  # type: ignore[valid-type]
    host_mtbf: quantity("s") | None = Field(None, description="The same of one host, with its chips.")  # type: ignore[valid-type]
    chips_per_host: int = Field(8, ge=1, description="Chips that a host has.")
    repair: quantity("s") = Field(3600.0, description="Until a replica is back.")  # type: ignore[valid-type]
    detect: quantity("s") = Field(1.0, description="Until its requests start again elsewhere.")  # type: ignore[valid-type]

    def made(self) -> Faults:
        never = float("inf")
        return Faults(self.chip_mtbf or never, self.host_mtbf or never, self.chips_per_host, self.repair, self.detect)


class ClusterPart(Part):
    """The whole file."""

    pool: list[PoolPart] = Field(min_length=1, description="Pools of chips.")
    routing: Routing = Field("least-loaded", description="round-robin, random, least-loaded or prefix.")
    most_waiting: int | None = Field(None, ge=0, description="An engine with as many waiting turns requests away.")
    transfer: TransferPart = Field(TransferPart(), description="From prefill to decode replicas.")
    faults: FaultsPart = Field(FaultsPart(), description="Failures of chips and hosts.")

    def way(self) -> Transfer:
        return Transfer(self.transfer.bandwidth, self.transfer.latency)


def loads(text: str, where: str) -> ClusterPart:
    return checked(ClusterPart, text, where)
