"""What a row of kind `gpu` asks a chip to do: operators and a step; of equal rows together, in arrays."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from ..workload.derive import operators
from ..workload.gemm import Gemm
from ..workload.operators import Attention, Operators
from ..workload.step import Step
from . import gpu_shapes
from .kind import Inputs

CACHE = "bf16"
# The language-model head stays in 16 bits in every measured step.
FORMATS = {"head": "bf16"}


def by_group(rows: Sequence[Inputs], price: Callable[[Sequence[Inputs]], Sequence[Any]]) -> list[Any]:
    """What `price` says of each of `rows`, given to it group by group."""
    return grouped(rows, group, price)


Price = Callable[[Sequence[Inputs]], Sequence[Any]]


def grouped(rows: Sequence[Inputs], key: Callable[[Inputs], Any], price: Price) -> list[Any]:
    """The same, rows of one `key` together."""
    groups: dict[Any, list[int]] = defaultdict(list)
    for index, row in enumerate(rows):
        groups[key(row)].append(index)
    found: list[Any] = [None] * len(rows)
    for members in groups.values():
        for index, one in zip(members, price([rows[i] for i in members]), strict=True):
            found[index] = one
    return found


def group(inputs: Inputs) -> tuple[Any, ...]:
    """Rows of one group differ in numbers only, and are priced as one array."""
    heads = tuple(inputs.get(name) for name in ("heads", "kv_heads", "head_dim"))
    shape = gpu_shapes.said(inputs) if "model" in inputs else heads
    named = (inputs.get("format", CACHE), inputs.get("model", ""), inputs.get("called", False))
    return inputs["form"], inputs["chip"], *named, *shape


def work(rows: Sequence[Inputs]) -> tuple[Operators, Step]:
    """The operators and the step of `rows`, all of one group; every number is an array [rows]."""
    form, first = rows[0]["form"], rows[0]
    if form == "gemm":
        gemm = Gemm("gemm", _column(rows, "k"), _column(rows, "n"), 1, "ffn")  # type: ignore[arg-type]
        return Operators("prefill", (gemm,)), Step(_column(rows, "m"), 1, 0)
    batch, context = _column(rows, "batch"), _column(rows, "context")
    decode = form in ("decode", "attn_decode")
    step = Step(batch, 1, context) if decode else Step(batch, context, 0 * context)
    phase: Literal["prefill", "decode"] = "decode" if decode else "prefill"
    if "model" in first:
        return operators(gpu_shapes.model(first), phase), step  # type: ignore[arg-type]
    heads, kv, dim = first["heads"], first["kv_heads"], first["head_dim"]
    return Operators(phase, (Attention("attention", heads, kv, dim, dim, 1, 2 * kv * dim),)), step


def _column(rows: Sequence[Inputs], name: str) -> Any:
    return np.array([row[name] for row in rows], dtype=float)
