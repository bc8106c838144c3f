"""VEC of the golden model: f(a p + q) over columns of the scratchpad, and where it goes. Arrays are [sequences,
columns, n]."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import cache_layout, float32, numerics
from .core import GROUP
from .golden_state import State
from .isa import (
    BYPASS,
    VALUE_SCALES,
    VALUE_STRIDE,
    Instruction,
    Mask,
    Operand,
    Reduce,
    Source,
    Target,
)


def run(s: State, i: Instruction) -> None:
    """One pass."""
    n = s.count(i.n, i.n_dynamic) * GROUP
    y = a = _operand_a(s, i, n)
    with float32.quiet():
        if i.p:
            y = float32.multiplied(y, _operand(s, i, i.p, i.p_index, a))
        if i.q:
            y = float32.added(y, _operand(s, i, i.q, i.q_index, a))
    if i.function:
        y = numerics.function(i.function, y)
    if i.reduce:
        _reduced(s, i, y)
    else:
        _TARGETS[i.target](s, i, y)


def _operand_a(s: State, i: Instruction, n: int) -> np.ndarray:
    """Streamed or from the scratchpad, swapped and masked."""
    a = _streamed(s, i, n) if i.a_source else s.read_scratch(i.a_addr, i.a_reg, i.a_stride, i.columns, n)
    if i.swap:
        a = a.reshape(*a.shape[:-1], -1, 2)[..., ::-1].reshape(a.shape)
    if i.mask:
        length = s.positions[:, None] + 1 + np.arange(i.columns) * (i.mask == Mask.CAUSAL)
        a = np.where(np.arange(n) < length[..., None], a, -float32.MOST)
    return a


def _streamed(s: State, i: Instruction, n: int) -> np.ndarray:
    """[sequences or 1, 1, n]."""
    if i.a_source == Source.CACHE_BF16:
        halves = np.ascontiguousarray(s.take_cache(2 * n)).view(np.uint16)
        return float32.canonical(float32.from_bits(halves.astype(np.uint32) << 16))[:, None]
    take = s.take_weights if i.a_source == Source.WEIGHTS else s.take_cache
    return float32.canonical(np.ascontiguousarray(take(4 * n)).view(np.float32))[:, None]


def _operand(s: State, i: Instruction, kind: int, index: int, a: np.ndarray) -> Any:
    """p or q; a scalar is [sequences, columns, 1]."""
    n = a.shape[-1]
    if kind == Operand.A:
        return a
    if kind == Operand.B:
        return s.read_scratch(i.b_addr, i.b_reg, i.b_stride, i.columns, n)
    if kind == Operand.D:
        return s.read_scratch(i.d_addr, i.d_reg, i.d_stride, i.columns, n)
    return s.scalars[:, index & 3, : i.columns, None] if kind == Operand.SCALAR else s.constants[index]


def _reduced(s: State, i: Instruction, y: np.ndarray) -> None:
    step, value = i.after, _sum(y) if i.reduce == Reduce.SUM else numerics.reduce(i.reduce, y)
    if step["after_p"] != BYPASS:
        value = float32.multiply(value, s.constants[step["after_p"]])
    if step["after_q"] != BYPASS:
        value = float32.add(value, s.constants[step["after_q"]])
    s.scalars[:, step["scalar"], : i.columns] = numerics.function(step["after_function"], value)


def _sum(y: np.ndarray) -> np.ndarray:
    """numerics.reduce(SUM), but without making sums canonical one by one, if none of them ever has to be."""
    with float32.quiet():
        sums = [np.add.accumulate(y.reshape(*y.shape[:-1], -1, numerics.PARTIALS), axis=-2)]
        total = sums[0][..., -1, :]
        while (half := total.shape[-1] // 2) > 0:
            total = total[..., :half] + total[..., half:]
            sums.append(total)
    if not float32.is_plain(np.concatenate([each.reshape(-1) for each in sums])):
        return numerics.reduce(Reduce.SUM, y)
    return total[..., 0] + np.float32(0)


def _to_scratch(s: State, i: Instruction, y: np.ndarray) -> None:
    s.write_scratch(i, y)


def _to_buffer(s: State, i: Instruction, y: np.ndarray) -> None:
    codes, exponents = numerics.quantize_groups(y)
    if not i.keep:
        s.top[:, : i.columns] = 0
    s.write_buffer(i.d_addr + s.registers[i.d_reg], codes, exponents)


def _to_keys(s: State, i: Instruction, y: np.ndarray) -> None:
    codes, exponents = numerics.quantize_keys(y)
    for q, c in np.ndindex(y.shape[:2]):
        token = int(s.positions[q]) + c
        s.write_memory(
            q, *cache_layout.key_writes(s.core, s.registers[i.d_reg], token, codes[q, c], exponents[q, c])
        )


def _to_values(s: State, i: Instruction, y: np.ndarray) -> None:
    codes, exponents = numerics.quantize_values(y, s.scalars[:, i.q_index & 3, : i.columns])
    base = s.registers[i.d_reg], s.registers[VALUE_STRIDE], s.registers[VALUE_SCALES]
    for q, c in np.ndindex(y.shape[:2]):
        token = int(s.positions[q]) + c
        s.write_memory(
            q, *cache_layout.value_writes(s.core, *base, token, codes[q, c], exponents[q, c])
        )


_TARGETS: dict[int, Any] = {
    Target.SCRATCH: _to_scratch, Target.BUFFER: _to_buffer, Target.KEYS: _to_keys, Target.VALUES: _to_values,
}  # fmt: skip
