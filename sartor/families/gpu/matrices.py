"""GEMMs on one machine: what is on each chip of a replica, and what its kernels make of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...formats.spec import format_named
from ...workload.gemm import Gemm
from ...workload.operators import Recurrence
from ...workload.step import Step
from .machine import ACTIVATION_BYTES, BYTE_BITS
from .run import Cost, Run
from .tiles import ROWS, fullest, gemm_s, operand_bytes

STATE_BYTES = 4.0


def gemm(run: Run, op: Gemm) -> Cost:
    """`op` in all its layers."""
    m, served, rows = run.machine, run.served, op.rows(run.step)
    form = format_named(served.formats.get(op.tensor, served.weights))
    rate, operand_bits = m.rate(form)
    expert = op.tensor == "expert"
    tiling = m.tiling(form, expert, served.setting.alone)
    k, n, matrices, sides, pace = _on_a_chip(run, op)
    weights = matrices * k * n * form.bits() / BYTE_BITS
    moved = (weights + rows * sides * (k + n) * ACTIVATION_BYTES) * op.count
    stream_s = pace * moved / m.stream_bytes_per_s(form.element_bits) / op.count
    rate = rate * m.gen("expert_efficiency") if expert else rate
    _, memory_s, compute_s, parts_s = gemm_s(rows, k, n, pace * matrices, stream_s, rate, tiling)
    network_s, link_bytes = run.network.gemm(op, served.sent)
    again = operand_bytes(rows, k, n, operand_bits / BYTE_BITS, m.cores, m.gen("tile_edge")) * sides
    macs = op.macs(run.step)
    return Cost(
        memory_s=memory_s * op.count, compute_s=compute_s * op.count,
        beside_s=_operands_s(run, op, rows * sides, k, operand_bits) + (parts_s + m.gen("op_overhead")) * op.count,
        network_s=network_s, dram_bytes=moved, link_bytes=link_bytes, macs=macs,
        compute_j=2 * macs * filled(op, run.step) * m.j_per_op(form, operand_bits)
        + again * (op.count * run.chips * m.gen("j_per_operand_byte")),
    )  # fmt: skip


def filled(op: Gemm, step: Step) -> Any:
    """How many times the rows that are asked for a tensor core multiplies in a matrix of experts: it takes operands of
    `ROWS`, and the last of each expert that has tokens is half empty in the mean. Of other matrices kernels with few
    rows differ, and what their rows cost is in the figures that were fitted to them.

    >>> one_in_16 = Gemm("expert_down", k=1, n=1, count=1, tensor="expert", experts=128, active=8)
    >>> [round(float(filled(one_in_16, Step(n, 1, 0))), 3) for n in (1, 1024)]  # a row each, and 64
    [16.0, 1.117]
    """
    if op.active == op.experts:
        return 1.0
    rows = op.rows(step) * op.experts / op.matrices(step)
    return np.maximum(rows + (ROWS - 1) / 2, ROWS) / rows


def _on_a_chip(run: Run, op: Gemm) -> tuple[Any, Any, Any, Any, Any]:
    """k and n of a matrix on one chip and how many there are; of how many the vectors come and go there; and how many
    times the mean the fullest chip has to do."""
    matrices = op.matrices(run.step) if op.experts > 1 else 1.0
    if run.served.spread and op.tensor == "expert":
        touched, held = matrices / run.chips, op.experts / run.chips
        return op.k, op.n, touched, held, fullest(touched, held, run.chips)
    # A matrix that is not split is read and multiplied by every chip.
    k = op.k / run.chips if op.shard == "row" else op.k
    n = op.n / run.chips if op.shard == "column" else op.n
    return k, n, matrices, op.experts, 1.0


def _operands_s(run: Run, op: Gemm, rows: Any, k: Any, operand_bits: float) -> Any:
    """Activations are cast to operands below 16 bits by a kernel before, and padded by another."""
    setting = run.served.setting
    if operand_bits >= 16 or not setting.casts:
        return 0.0
    cast = run.passes.cast_s(rows * k * (ACTIVATION_BYTES + operand_bits / BYTE_BITS))
    ragged = (np.mod(rows, ROWS) > 0) & (op.experts == 1) & setting.pads
    pad = run.passes.one_s(2 * rows * k * operand_bits / BYTE_BITS) * ragged
    return (cast + pad) * op.count


def recurrence(run: Run, op: Recurrence) -> Cost:
    """A state read and written once a token, and its arithmetic."""
    m, macs = run.machine, op.macs(run.step)
    moved = 2 * op.state_elements(run.step.batch) * STATE_BYTES / run.chips
    return Cost(
        memory_s=moved / m.stream_bytes_per_s(16), compute_s=2 * macs / run.chips / m.attention_ops_per_s,
        beside_s=m.gen("op_overhead") * op.count, dram_bytes=moved, macs=macs,
    )  # fmt: skip
