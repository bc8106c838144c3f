"""Watts of batches of requests: of our joules, at the pace that was measured, what the instrument would have said.

The file is `Plots/Fig_16_a_b/power_results.csv` of argonne-lcf/LLM-Inference-Bench: the mean of what NVML said of one
GPU's power, read four to ten times a second from the first token's prompt on; the scripts beside it say until when.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from batches_files import Batch

from sartor.families.gpu.estimate import Replica
from sartor.families.gpu.family import Existing
from sartor.validation import names
from sartor.validation.summary import Pair
from sartor.workload.derive import operators
from sartor.workload.step import Step

WATTS = "watts"
AFTER_S = {"gh200": 0.0}  # of reading when a batch has ended; the other scripts wait for a second first
AT_ONCE = ("a100-sxm-40gb",)  # NVML says the present power of a GA100, and of later GPUs the mean of the last second
AVERAGED_S = 1.0


def joules(batch: Batch, replica: Replica, contexts: int) -> float:
    """Of a prefill and its decode steps, beside idle power."""
    model = names.model(batch.model)
    assert model is not None
    prefill = replica.phase(operators(model, "prefill"), Step(batch.requests, batch.prompt, 0.0)).dynamic_j
    between = np.linspace(batch.prompt, batch.prompt + batch.output - 1, contexts)
    steps = replica.phase(operators(model, "decode"), Step(batch.requests, 1, between)).dynamic_j
    return float(prefill + (batch.output - 1) * np.mean(steps))


def read_w(dynamic_j: float, idle_w: float, seconds: float, after_s: float, averaged_s: float) -> float:
    """The mean reading over `seconds` of work, after idling, and `after_s`; each reading the mean of `averaged_s`, of
    which the first and the last are not of the work alone.

    >>> read_w(dynamic_j=4000.0, idle_w=100.0, seconds=10.0, after_s=0.0, averaged_s=1.0)  # half a second of 400 W
    480.0
    >>> read_w(dynamic_j=4000.0, idle_w=100.0, seconds=10.0, after_s=1.0, averaged_s=1.0)  # all of 4000 J in 11 s
    463.6363636363636
    """
    unseen_s = max(averaged_s - after_s, 0.0) / 2
    return idle_w + dynamic_j * (1 - unseen_s / seconds) / (seconds + after_s)


def pairs(batch: Batch, existing: Existing, replica: Replica, contexts: int) -> Iterator[tuple[str, Pair]]:
    """By the name they are on record with; of one GPU and the time that was measured."""
    after_s = AFTER_S.get(batch.chip, 1.0)
    averaged_s = 0.0 if batch.chip in AT_ONCE else AVERAGED_S
    predicted = read_w(joules(batch, replica, contexts), float(existing.static_w), batch.seconds, after_s, averaged_s)
    stack = " vllm" if batch.stack == "vllm" else ""
    yield f"{WATTS} {batch.chip} {batch.format}{stack}", Pair(batch.where, {}, "power", predicted, batch.watts)
