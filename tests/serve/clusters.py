"""Clusters of engines whose steps one can work out by hand."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
from plain_times import Asked, PlainTimes

from sartor.serve.limits import Limits
from sartor.serve.simulate import Simulated, simulate
from sartor.serve.spec import Cluster, Pool
from sartor.workload.traffic import Traffic

ROOM = Limits(blocks=10_000, max_seqs=8, batch_tokens=64, ahead=0)


def kind(times: PlainTimes = PlainTimes(1.0), limits: Limits = ROOM, chips: int = 1, stages: int = 1) -> Any:  # noqa: B008
    """What a pool asks of a replica; a token's cache is one byte."""
    return SimpleNamespace(times=times, limits=limits, count=chips, how=SimpleNamespace(stages=stages), token_bytes=1.0)


def pool(replicas: int = 1, role: str = "both", scaling: Any = None, **how: Any) -> Pool:
    return Pool(kind(**how), replicas, role, scaling)  # type: ignore[arg-type]


def traffic(asked: Sequence[Asked], **more: Any) -> Traffic:
    at, prompt, output = (np.array(column) for column in zip(*asked, strict=True))
    return Traffic("made up", at.astype(float), prompt, output, **more)


def served(cluster: Cluster, asked: Sequence[Asked] | Traffic, **how: Any) -> Simulated:
    return simulate(cluster, asked if isinstance(asked, Traffic) else traffic(asked), **how)
