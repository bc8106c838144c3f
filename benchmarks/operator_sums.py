"""A decode step as the sum of its operators: the tables' times, and ours of the same operators.

No whole step was measured on an H200. The sum over the tables' operators is no measurement of one either (nothing of
what is between them is in it, and kernels overlap), but what the errors of single operators come to in a step.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sartor.validation import gpu_predict
from sartor.validation.gpu_work import work
from sartor.validation.kind import Inputs, Refused, Row
from sartor.validation.summary import Pair
from sartor.workload.gemm import Gemm
from sartor.workload.operators import Attention

MODELS = ("llama-3.1-8b", "llama-3.2-1b")
BATCHES, CONTEXTS = (1, 2, 4, 8, 16, 32, 64), (511, 2047, 8191)


@dataclass(frozen=True)
class Measured:
    """Seconds of one system's operators, by their sizes."""

    gemms: Mapping[tuple[int, int, int], float]
    attention: Mapping[tuple[int, ...], float]

    def gemm_s(self, m: int, k: int, n: int) -> float:
        """Between the tables' sizes straight in logarithms; beyond the widest in proportion."""
        widths = sorted({size[2] for size in self.gemms})
        over = max(n / widths[-1], 1.0)
        depths, columns = _between(k, sorted({size[1] for size in self.gemms})), _between(min(n, widths[-1]), widths)
        logs = [share * part * np.log(self.gemms[m, kk, nn]) for kk, share in depths for nn, part in columns]
        return over * float(np.exp(sum(logs)))


def _between(size: float, sizes: Sequence[int]) -> list[tuple[int, float]]:
    """The neighbors of `size` and their shares.

    >>> _between(4, [2, 8]), _between(8, [2, 8])
    ([(2, 0.5), (8, 0.5)], [(8, 1.0)])
    """
    at = bisect_left(sizes, size)
    if sizes[at] == size:
        return [(sizes[at], 1.0)]
    share = float(np.log(size / sizes[at - 1]) / np.log(sizes[at] / sizes[at - 1]))
    return [(sizes[at - 1], 1 - share), (sizes[at], share)]


def measured(gemms: Sequence[Row], attention: Sequence[Row]) -> Measured:
    """From rows of one system, GEMMs in BF16."""
    return Measured(
        {(r.inputs["m"], r.inputs["k"], r.inputs["n"]): r.measured["latency"] for r in gemms},
        {_heads(r.inputs): r.measured["latency"] for r in attention},
    )


def _heads(one: Inputs) -> tuple[int, ...]:
    return tuple(one[name] for name in ("batch", "context", "heads", "kv_heads", "head_dim"))


def pairs(system: str, found: Measured) -> list[Pair]:
    """Steps of MODELS: the sum of ours beside the sum of the tables'."""
    return [
        one
        for model in MODELS
        for context in CONTEXTS
        for batch in BATCHES
        if (one := _step(system, found, model, batch, context)) is not None
    ]


def _step(system: str, found: Measured, model: str, batch: int, context: int) -> Pair | None:
    asked = {"form": "decode", "chip": system, "model": model, "format": "bf16", "batch": batch, "context": context}
    operators = work([asked])[0]
    parts = [_part(found, op, system, batch, context) for op in operators.gemms + operators.attentions]
    if any(part is None for part in parts):
        return None
    ours, theirs = (sum(times) for times in zip(*(p for p in parts if p), strict=True))
    return Pair(f"{system} {model} {batch} x {context}", {"model": model}, "latency", ours, theirs)


def _part(found: Measured, op: Gemm | Attention, system: str, batch: int, context: int) -> tuple[float, float] | None:
    """Seconds of one operator in all its layers: ours and the tables'."""
    if isinstance(op, Gemm):
        inputs: dict[str, Any] = {"form": "gemm", "format": "bf16", "m": batch, "k": op.k, "n": op.n}
        theirs: float | None = found.gemm_s(batch, int(op.k), int(op.n))
    else:
        inputs = {"form": "attn_decode", "batch": batch, "context": context, "heads": op.heads,
                  "kv_heads": op.kv_heads, "head_dim": op.key_dim}  # fmt: skip
        theirs = found.attention.get(_heads(inputs))
    (ours,) = gpu_predict.predict([{**inputs, "chip": system, "called": True}])
    assert not isinstance(ours, Refused)
    return None if theirs is None else (float(ours["latency"]) * op.count, theirs * op.count)
