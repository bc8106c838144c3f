"""VEC of the golden model: f(a p + q) over columns of the scratchpad, and where it goes."""

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
    Function,
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
    if i.p:
        y = float32.multiply(y, _operand(s, i, Operand(i.p), i.p_index, a))
    if i.q:
        y = float32.add(y, _operand(s, i, Operand(i.q), i.q_index, a))
    y = numerics.function(i.function, y)
    if i.reduce:
        _reduced(s, i, y)
    else:
        _TARGETS[Target(i.target)](s, i, y)


def _operand_a(s: State, i: Instruction, n: int) -> np.ndarray:
    """[columns, n], streamed or from the scratchpad, swapped and masked."""
    a = _streamed(s, i, n) if i.a_source else s.read_scratch(i.a_addr, i.a_reg, i.a_stride, i.columns, n)
    if i.swap:
        a = a.reshape(len(a), -1, 2)[..., ::-1].reshape(a.shape)
    if i.mask:
        length = s.position + 1 + np.arange(len(a)) * (i.mask == Mask.CAUSAL)
        a = np.where(np.arange(n) < length[:, None], a, -float32.MOST)
    return a


def _streamed(s: State, i: Instruction, n: int) -> np.ndarray:
    """[1, n]."""
    if i.a_source == Source.CACHE_BF16:
        return float32.canonical(
            float32.from_bits(s.take_cache(2 * n).view(np.uint16).astype(np.uint32) << 16)
        )[None]
    take = s.take_weights if i.a_source == Source.WEIGHTS else s.take_cache
    return float32.canonical(np.ascontiguousarray(take(4 * n)).view(np.float32))[None]


def _operand(s: State, i: Instruction, kind: Operand, index: int, a: np.ndarray) -> Any:
    """p or q; B and D [columns, n], a scalar [columns, 1]."""
    n = a.shape[1]
    if kind == Operand.A:
        return a
    if kind == Operand.B:
        return s.read_scratch(i.b_addr, i.b_reg, i.b_stride, i.columns, n)
    if kind == Operand.D:
        return s.read_scratch(i.d_addr, i.d_reg, i.d_stride, i.columns, n)
    return s.scalars[index & 3, : i.columns, None] if kind == Operand.SCALAR else s.constants[index]


def _reduced(s: State, i: Instruction, y: np.ndarray) -> None:
    step, value = i.after, _sum(y) if i.reduce == Reduce.SUM else numerics.reduce(i.reduce, y)
    if step["after_p"] != BYPASS:
        value = float32.multiply(value, s.constants[step["after_p"]])
    if step["after_q"] != BYPASS:
        value = float32.add(value, s.constants[step["after_q"]])
    s.scalars[step["scalar"], : i.columns] = numerics.function(Function(step["after_function"]), value)


def _sum(y: np.ndarray) -> np.ndarray:
    """numerics.reduce(SUM), but the 32 running sums in one call, if none of them ever has to be made canonical."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        running = np.add.accumulate(y.reshape(len(y), -1, numerics.PARTIALS), axis=1)
    size = np.abs(running)
    if not np.all((size <= float32.MOST) & ((size >= float32.LEAST) | (size == 0))):
        return numerics.reduce(Reduce.SUM, y)
    return numerics.reduce(Reduce.SUM, running[:, -1])


def _to_scratch(s: State, i: Instruction, y: np.ndarray) -> None:
    for c, row in enumerate(y):
        s.write_scratch((i.d_addr + s.registers[i.d_reg] + c * i.d_stride) * GROUP, row)


def _to_buffer(s: State, i: Instruction, y: np.ndarray) -> None:
    codes, exponents = numerics.quantize_groups(y)
    if not i.keep:
        s.top[: i.columns] = 0
    for c in range(i.columns):
        at = i.d_addr + s.registers[i.d_reg] + np.arange(codes.shape[1])
        s.write_buffer(c, at, codes[c], exponents[c])


def _to_keys(s: State, i: Instruction, y: np.ndarray) -> None:
    codes, exponents = numerics.quantize_keys(y)
    for c in range(i.columns):
        at = cache_layout.key_writes(s.core, s.registers[i.d_reg], s.position + c, codes[c], exponents[c])
        s.write_memory(*at)


def _to_values(s: State, i: Instruction, y: np.ndarray) -> None:
    codes, exponents = numerics.quantize_values(y, s.scalars[i.q_index & 3, : i.columns])
    base = s.registers[i.d_reg], s.registers[VALUE_STRIDE], s.registers[VALUE_SCALES]
    for c in range(i.columns):
        s.write_memory(*cache_layout.value_writes(s.core, *base, s.position + c, codes[c], exponents[c]))


_TARGETS = {
    Target.SCRATCH: _to_scratch, Target.BUFFER: _to_buffer, Target.KEYS: _to_keys, Target.VALUES: _to_values,
}  # fmt: skip
