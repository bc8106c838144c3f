"""VEC of the golden model: f(a p + q) over columns of the scratchpad, and where it goes. Arrays are [sequences,
columns, n]."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import cache_layout, cache_numerics, float32
from .core import GROUP
from .golden_state import State
from .isa import VALUE_SCALES, VALUE_STRIDE, Instruction, Operand, Source, Target
from .kernels import vector

_NOWHERE = 0, 0


def run(s: State, i: Instruction) -> None:
    """One pass."""
    n, columns = s.count(i.n, i.n_dynamic) * GROUP, s.columns(i)
    a, place = _operand_a(s, i, n)
    b = s.place(i.b_addr, i.b_reg, i.b_stride, columns, n) if Operand.B in (i.p, i.q) else _NOWHERE
    d = s.place(i.d_addr, i.d_reg, i.d_stride, columns, n) if i.q == Operand.D else _NOWHERE
    y = np.empty((len(s.memories), columns, n), np.float32)
    vector.vector(
        a, place, s.scratch, b, d, s.scalars, s.constants, s.positions, i.swap, i.mask, i.p, i.p_index, i.q, i.q_index,
        i.function, y,
    )  # fmt: skip
    if i.reduce:
        _reduced(s, i, y)
    else:
        _TARGETS[i.target](s, i, y)


def _operand_a(s: State, i: Instruction, n: int) -> tuple[np.ndarray, tuple[int, int]]:
    """Streamed, [sequences or 1, n], or the scratchpad, and where its columns lie."""
    if i.a_source:
        return _streamed(s, i, n), (0, 0)
    return s.scratch, s.place(i.a_addr, i.a_reg, i.a_stride, s.columns(i), n)


def _streamed(s: State, i: Instruction, n: int) -> np.ndarray:
    if i.a_source == Source.CACHE_BF16:
        halves = np.ascontiguousarray(s.take_cache(2 * n)).view(np.uint16)
        return float32.from_bits(halves.astype(np.uint32) << 16)
    take = s.take_weights if i.a_source == Source.WEIGHTS else s.take_cache
    return np.ascontiguousarray(take(4 * n)).view(np.float32)


def _reduced(s: State, i: Instruction, y: np.ndarray) -> None:
    after = i.after
    vector.reduced(
        y, i.reduce, after["after_p"], after["after_q"], after["after_function"], s.constants, s.scalars,
        after["scalar"],
    )  # fmt: skip


def quantized(y: np.ndarray, low: int = 0, high: int = 255) -> tuple[np.ndarray, np.ndarray]:
    """Codes int8 [..., groups, 32] and exponents [..., groups] of y [..., n]: numerics.quantize_groups, or
    quantize_keys with bounds of exponents."""
    groups = (*y.shape[:-1], y.shape[-1] // GROUP)
    codes, exponents = np.empty((*groups, GROUP), np.int8), np.empty(groups, np.int64)
    flat = y.reshape(-1, GROUP), low, high, codes.reshape(-1, GROUP), exponents.reshape(-1)
    vector.quantized(*flat)
    return codes, exponents


def _to_scratch(s: State, i: Instruction, y: np.ndarray) -> None:
    s.write_scratch(i, y)


def _to_buffer(s: State, i: Instruction, y: np.ndarray) -> None:
    codes, exponents = quantized(y)
    if not i.keep:
        s.top[:, : s.columns(i)] = 0
    s.write_buffer(i.d_addr + s.registers[i.d_reg], codes, exponents)


def _to_keys(s: State, i: Instruction, y: np.ndarray) -> None:
    if s.core.key_bits == 8:
        codes, exponents = quantized(y, cache_numerics.KEY_LOW, cache_numerics.KEY_HIGH)
        scales = cache_numerics.power_scale(exponents)
    else:
        codes, scales = cache_numerics.quantize_keys(y, s.core.key_bits)
    for q, c in np.ndindex(y.shape[:2]):
        token = int(s.positions[q]) + c
        s.write_memory(
            q, *cache_layout.key_writes(s.core, s.cache_base(q, i), token, codes[q, c], scales[q, c])
        )


def _to_values(s: State, i: Instruction, y: np.ndarray) -> None:
    largest = s.scalars[:, i.q_index & 3, : s.columns(i)]
    codes, scales = cache_numerics.quantize_values(y, largest, s.core.cache_bits)
    beside = s.registers[VALUE_STRIDE], s.registers[VALUE_SCALES]
    for q, c in np.ndindex(y.shape[:2]):
        token = int(s.positions[q]) + c
        s.write_memory(
            q, *cache_layout.value_writes(s.core, s.cache_base(q, i), *beside, token, codes[q, c], scales[q, c])
        )


_TARGETS: dict[int, Any] = {
    Target.SCRATCH: _to_scratch, Target.BUFFER: _to_buffer, Target.KEYS: _to_keys, Target.VALUES: _to_values,
}  # fmt: skip
