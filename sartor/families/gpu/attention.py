"""Attention on one machine: what the memory takes, what the arithmetic takes, and what neither hides."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...workload.operators import Attention, Step
from . import kernels
from .machine import Machine

PARTIAL_BYTES = 4.0  # of a sum that another program adds to
Seconds = tuple[Any, Any, Any]  # memory, arithmetic, start


def decode(m: Machine, op: Attention, step: Step, ops: Any, moved: Any, split: Any) -> Seconds:
    """One token a sequence against `moved` bytes of cache, `ops` a chip: flash decoding."""
    pairs = step.batch * op.kv_heads / split
    programs = pairs * kernels.splits(pairs, op.attended(step), op.key_dim, m.cores)
    # Of programs that all start at once the slowest core sets the pace; a second wave evens it out.
    held = programs / (kernels.PROGRAMS * m.cores)
    pace = m.gen("attention_one_wave") + (1 - m.gen("attention_one_wave")) * np.clip(held - 1, 0.0, 1.0)
    memory_s = moved / (m.peak_bytes_per_s * m.gen("attention_efficiency") * pace)
    group = np.maximum(op.heads / op.kv_heads, kernels.ROWS)
    partial_s = 2 * programs * group * (op.value_dim + 2) * PARTIAL_BYTES / m.near_bytes_per_s
    waves = np.maximum(2 * held, 1.0)
    start_s = partial_s + m.gen("attention_overhead") + waves * m.gen("attention_wave")
    return memory_s, ops / m.attention_ops_per_s, start_s * op.count


def prefill(m: Machine, op: Attention, step: Step, moved: Any, chips: Any) -> Seconds:
    """Many tokens a sequence: bound by scores and exponentials."""
    scores = step.rows * op.attended(step) * (op.heads / chips)
    longest = np.minimum(step.context + step.tokens, op.window or np.inf)
    score_s = m.score_s(2.0 * (op.key_dim + op.value_dim))
    compute_s = kernels.attention_arithmetic_s(scores, score_s, longest, m.cores, m.gen("tile_edge")) * op.count
    memory_s = moved / (m.peak_bytes_per_s * m.gen("attention_efficiency"))
    return memory_s, compute_s, m.gen("attention_overhead") * op.count
