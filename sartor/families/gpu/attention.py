"""Attention on one machine: what the memory takes, what the arithmetic takes, and what neither hides."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...formats.spec import format_named
from ...workload.operators import Attention
from ...workload.step import Step
from . import called, kernels
from .machine import BYTE_BITS, Machine
from .run import Cost, Run

PARTIAL_BYTES = 4.0  # of a sum that another program adds to
Parts = tuple[Any, Any, Any, Any]  # seconds of memory, of arithmetic, to start; bytes that stay on the die


def attention(run: Run, op: Attention) -> Cost:
    """`op` in all its layers."""
    m, step, chips = run.machine, run.step, run.chips
    element = format_named(run.served.cache).bits(op.key_dim) / BYTE_BITS
    macs = op.macs(step)
    ops = 2 * macs / chips
    # Flash attention keeps scores on the chip; the cache passes once.
    moved = op.cache_elements_read(step) + 2 * op.cache_elements_written(step)
    moved = moved * element / np.minimum(chips, op.kv_heads)
    parts = decode(m, op, step, ops, moved, chips) if run.decode else prefill(m, op, step, moved, chips)
    memory_s, compute_s, start_s, near = parts
    joules = ops * chips * (operand_rows(queries(op, chips), run.decode) * m.gen("j_per_op"))
    return Cost(memory_s, compute_s, start_s, 0.0, moved, near, 0.0, joules, macs)


def queries(op: Attention, chips: Any) -> Any:
    """Queries of a token that share a KV head on one of `chips`; where chips are more than KV heads, they share one.

    >>> latent = Attention("", heads=128, kv_heads=1, key_dim=576, value_dim=512, count=1, cached=576)
    >>> float(queries(latent, 1)), float(queries(latent, 8))
    (128.0, 16.0)
    """
    return op.heads / op.kv_heads * (np.minimum(chips, op.kv_heads) / chips)


def operand_rows(group: Any, decode: bool) -> Any:
    """Rows that the tensor cores work on for each row of queries: in decode a `group` that shares a KV head is padded.

    >>> float(operand_rows(4.0, True))
    4.0
    """
    return np.maximum(group, kernels.ROWS) / group if decode else 1.0


def decode(m: Machine, op: Attention, step: Step, ops: Any, moved: Any, chips: Any) -> Parts:
    """One token a sequence against `moved` bytes of cache, `ops` a chip: flash decoding."""
    split = np.minimum(chips, op.kv_heads)
    if m.called:
        memory_s, start_s = called.decode_s(m, op, step, moved, queries(op, chips), op.kv_heads / split)
        return memory_s, ops / m.attention_ops_per_s, start_s, 0.0
    pairs = step.batch * op.kv_heads / split
    programs = pairs * kernels.splits(pairs, op.attended(step), op.key_dim, m.cores)
    # Of programs that all start at once the slowest core sets the pace; a second wave evens it out.
    held = programs / (kernels.PROGRAMS * m.cores)
    pace = m.gen("attention_one_wave") + (1 - m.gen("attention_one_wave")) * np.clip(held - 1, 0.0, 1.0)
    memory_s = moved / (m.peak_bytes_per_s * m.gen("attention_efficiency") * pace)
    group = np.maximum(queries(op, chips), kernels.ROWS)
    partial = 2 * programs * group * (op.value_dim + 2) * PARTIAL_BYTES
    waves = np.maximum(2 * held, 1.0)
    start_s = partial / m.near_bytes_per_s + m.gen("attention_overhead") + waves * m.gen("attention_wave")
    return memory_s, ops / m.attention_ops_per_s, start_s * op.count, partial * op.count


def prefill(m: Machine, op: Attention, step: Step, moved: Any, chips: Any) -> Parts:
    """Many tokens a sequence: bound by scores and exponentials."""
    if m.called:
        return 0.0, *called.prefill_s(m, op, step, chips), 0.0
    scores = step.rows * op.attended(step) * (op.heads / chips)
    longest = np.minimum(step.context + step.tokens, op.window or np.inf)
    score_s = m.score_s(2.0 * (op.key_dim + op.value_dim))
    compute_s = kernels.attention_arithmetic_s(scores, score_s, longest, m.cores, m.gen("tile_edge")) * op.count
    memory_s = moved / (m.peak_bytes_per_s * m.gen("attention_efficiency"))
    return memory_s, compute_s, m.gen("attention_overhead") * op.count, 0.0
