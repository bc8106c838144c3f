"""A pass of the vector unit: f(a p + q), reductions, quantizing (golden_vector.py)."""

from __future__ import annotations

from ..core import GROUP
from ..isa import BYPASS, Mask, Operand, Reduce
from ..numerics import PARTIALS, SCALES
from .compiled import compiled
from .numbers import MOST, canonical, code, field, function, marked, plus, times

_A, _B, _D, _SCALAR = int(Operand.A), int(Operand.B), int(Operand.D), int(Operand.SCALAR)
_CAUSAL, _SUM, _MAX = int(Mask.CAUSAL), int(Reduce.SUM), int(Reduce.MAX)


@compiled
def vector(
    a, a_place, scratch, b_place, d_place, scalars, constants, positions, swap, mask, p, p_index, q, q_index, kind, y
):  # fmt: skip
    """y [sequences, columns, n] of `a` [sequences or 1, any]; places are the first element and the step to the next
    column, in `a` and in the scratchpad."""
    for s in range(y.shape[0]):
        for c in range(y.shape[1]):
            row = y[s, c]
            at = a_place[0] + c * a_place[1]
            _operand_a(row, a[min(s, a.shape[0] - 1), at : at + row.size], swap)
            if mask:
                row[positions[s] + 1 + (c if mask == _CAUSAL else 0) :] = -MOST
            first = row.copy() if p == _A or q == _A else row
            if p:
                _multiply(row, _operand(p, p_index, first, scratch[s], b_place, d_place, scalars[s], constants, c))
            if q:
                _add(row, _operand(q, q_index, first, scratch[s], b_place, d_place, scalars[s], constants, c))
            if kind:
                for i in range(row.size):
                    row[i] = function(kind, row[i])


@compiled
def _operand_a(row, a, swap):
    for i in range(row.size):
        row[i] = canonical(a[i ^ swap])


@compiled
def _operand(kind, index, first, scratch, b_place, d_place, scalars, constants, c):
    """Of column c, as long as the row, or one number for all of it."""
    if kind == _A:
        return first
    if kind in (_B, _D):
        place = b_place if kind == _B else d_place
        at = place[0] + c * place[1]
        return scratch[at : at + first.size]
    return scalars[index & 3, c : c + 1] if kind == _SCALAR else constants[index : index + 1]


@compiled
def _multiply(row, other):
    step = other.size != 1
    for i in range(row.size):
        row[i] = times(row[i], other[i * step])


@compiled
def _add(row, other):
    step = other.size != 1
    for i in range(row.size):
        row[i] = plus(row[i], other[i * step])


@compiled
def reduced(y, kind, after_p, after_q, after_function, constants, scalars, index):
    """Scalar `index` of scalars [sequences, all, columns or more]: of y [sequences, columns, n]."""
    for s in range(y.shape[0]):
        for c in range(y.shape[1]):
            value = _sum(y[s, c]) if kind == _SUM else _largest(y[s, c], kind == _MAX)
            if after_p != BYPASS:
                value = times(value, constants[after_p])
            if after_q != BYPASS:
                value = plus(value, constants[after_q])
            scalars[s, index, c] = function(after_function, value)


@compiled
def _sum(row):
    sums = row[:PARTIALS].copy()
    for i in range(PARTIALS, row.size):
        sums[i % PARTIALS] = plus(sums[i % PARTIALS], row[i])
    half = PARTIALS // 2
    while half:
        for i in range(half):
            sums[i] = plus(sums[i], sums[i + half])
        half //= 2
    return sums[0]


@compiled
def _largest(row, signed):
    most = row[0] if signed else marked(row[0])
    for i in range(1, row.size):
        most = max(most, row[i] if signed else marked(row[i]))
    return most


@compiled
def quantized(y, low, high, codes, exponents):
    """codes [any, 32] and exponents [any], low to high, of y, whose groups are [any, 32]."""
    for g in range(exponents.size):
        exponent = min(max(field(_largest(y[g], False)), low), high)
        exponents[g] = exponent
        for i in range(GROUP):
            codes[g, i] = code(y[g, i], SCALES[exponent])
