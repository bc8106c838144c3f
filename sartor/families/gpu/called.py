"""Attention as serving stacks call it (FlashInfer, FlashAttention 3, TensorRT-LLM's), of which tables were measured:
with caches in pages, RoPE and what writes the cache; one call over and over, whose cache stays on the die if it fits.

Times are figures of the stacks' kernels (STACK in machine.py); chips whose generation has none are estimated with those
of PyTorch's (attention.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...workload.operators import Attention
from ...workload.step import Step
from . import kernels
from .machine import ACTIVATION_BYTES, Machine

WHOLE = 128 * 128.0  # elements of keys that one program takes; of more, parts are merged by a second kernel
# Shares of the on-die memory up to which the caches of calls in a row stay there whole, and from which on not at all.
STAYS, GONE = 0.7, 1.0
HELD = 32.0  # queries a KV head that kernels work on at once; of more, stacks differ tenfold
PASSES = 3.0  # of a prompt's keys and values: they come, are put into the cache, and are read
TILE = 128.0  # queries a core works on at once


def decode_s(m: Machine, op: Attention, step: Step, moved: Any, group: Any, kv_heads: Any) -> tuple[Any, Any]:
    """Seconds in which the memory and the programs are busy, and those of the call: one token a sequence, `group`
    queries share each of `kv_heads` on this chip, `moved` bytes of cache in all layers.

    Each program (a sequence's KV head) starts, waits for its first keys and ends for itself, whatever the context. A
    core does one after the other; those after the first hide the memory's time in part (the root of both squares).
    """
    moved = moved / op.count
    rows = np.maximum(group, kernels.ROWS) / kernels.ROWS
    program_s = m.gen("attention_program") + m.gen("attention_program_element") * op.key_dim * rows
    later_s = np.maximum(step.batch * kv_heads / m.cores - 1.0, 0.0) * program_s
    far = np.clip((moved / m.on_die_bytes - STAYS) / (GONE - STAYS), 0.0, 1.0)
    near_s = moved * (1 - far) / (m.gen("attention_near") * m.cores * m.chip.clock_hz)
    memory_s = near_s + moved * far / (m.peak_bytes_per_s * m.gen("attention_efficiency"))
    call_s = m.gen("attention_overhead") + m.gen("attention_overhead_element") * op.key_dim
    merged = op.attended(step) * op.key_dim > WHOLE
    call_s = call_s + m.gen("attention_merge") * merged + m.gen("attention_beyond") * far
    return np.hypot(memory_s, later_s) * op.count, call_s * op.count


def prefill_s(m: Machine, op: Attention, step: Step, chips: Any) -> tuple[Any, Any]:
    """Seconds of the cores and beside them: scores, the rows of queries that come and go, keys and values on their way
    to the cache, and what the last tile still has to do."""
    rows = step.rows * op.heads / chips
    score_s = m.score_s(2.0 * (op.key_dim + op.value_dim))
    row_s = m.gen("prefill_row") + m.gen("prefill_row_element") * op.key_dim
    last_s = m.gen("last_tile") * TILE * np.minimum(step.context + step.tokens, op.window or np.inf) * score_s
    cached = step.rows * op.kv_heads / np.minimum(chips, op.kv_heads) * (op.key_dim + op.value_dim) * ACTIVATION_BYTES
    work_s = (rows * op.attended(step) * score_s + rows * row_s) / m.cores + last_s
    return work_s * op.count, (PASSES * cached / m.peak_bytes_per_s + m.gen("prefill_overhead")) * op.count
