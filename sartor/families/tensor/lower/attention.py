"""Attention of one layer: rotation, storing keys and values, scores, softmax, weighing the values."""

from __future__ import annotations

from ..cache_numerics import CACHE_EXPONENT
from ..core import GROUP
from ..isa import COLUMN, VALUE_STRIDE, Function, Mask, Op, Operand, Reduce, Scale, Source, Target, after
from ..numerics import unit_of
from .body import Body
from .program import ANGLE, CACHE, HEAD, KEYS, MINUS_SOFTMAX, QUERY, ROW, SOFTMAX, VALUES

WRAP = 2**32 - 1  # registers go back by what they wrap around to
PLAIN = 15  # the largest exponent field where no block has a scale: that of 1


def attention(b: Body) -> None:
    """From queries, keys and values of the tokens to the mixed values of all heads."""
    rotate(b)
    if b.batched:
        _attention_of_each(b)
        return
    b.add(Op.SET, reg=HEAD, value=0)
    b.loop("store heads", b.net.kv_heads, lambda: store(b, HEAD, HEAD))
    b.add(Op.FENCE)
    b.add(Op.SET, reg=QUERY, value=0)
    b.loop("heads", b.net.kv_heads, lambda: attend(b))


def _attention_of_each(b: Body) -> None:
    """Of one sequence after the other: that of the column in COLUMN, whose cache the hardware finds. Registers of the
    cache go back for the next one, and after the last to the next layer."""
    for reg in (COLUMN, QUERY, ROW):
        b.add(Op.SET, reg=reg, value=0)
    b.loop("sequences", b.tokens, lambda: _attention_of_one(b))
    _move_cache(b, 1)


def _attention_of_one(b: Body) -> None:
    """QUERY and ROW are where its vectors lie, rotated and not, less the heads that are done."""
    keys = b.net.kv_heads * b.head_groups
    if b.core.balanced:
        b.add(Op.SET, reg=HEAD, value=0)
    b.loop("store heads", b.net.kv_heads, lambda: store(b, QUERY, ROW))
    b.add(Op.FENCE)
    b.add(Op.ADD, reg=QUERY, value=-keys & WRAP)
    b.loop("heads", b.net.kv_heads, lambda: attend(b))
    b.add(Op.ADD, reg=QUERY, value=keys)
    b.add(Op.ADD, reg=ROW, value=b.s.qkv_groups - keys)
    b.add(Op.ADD, reg=COLUMN, value=1)
    _move_cache(b, -1)


def _move_cache(b: Body, layers: int) -> None:
    words = layers * b.net.kv_heads * b.memory.head.head_words
    for reg in (KEYS, VALUES, CACHE):
        b.add(Op.ADD, reg=reg, value=words & WRAP)


def rotate(b: Body) -> None:
    """RoPE of queries and keys: swap(x) sin, then x cos + that; heads are the columns of the pass."""
    for reg in (ROW, ANGLE, HEAD):
        b.add(Op.SET, reg=reg, value=0)
    b.loop("tokens", b.tokens, lambda: _rotate_token(b))


def _rotate_token(b: Body) -> None:
    s, h = b.s, b.head_groups
    heads = b.net.heads + b.net.kv_heads
    for first in range(0, heads, 63):
        columns, at = min(63, heads - first), first * h
        common = {
            "columns": columns, "n": h, "a_addr": s.qkv + at, "a_stride": h, "a_reg": ROW,
            "p": Operand.B, "b_reg": ANGLE, "d_addr": s.turned + at, "d_stride": h, "d_reg": HEAD,
        }  # fmt: skip
        b.vec("rope: swapped x sine", swap=1, b_addr=s.rope + h, **common)
        b.vec("rope", b_addr=s.rope, q=Operand.D, **common)
    if b.tokens != 1:
        b.add(Op.ADD, reg=ROW, value=s.qkv_groups)
        b.add(Op.ADD, reg=ANGLE, value=2 * h)
        b.add(Op.ADD, reg=HEAD, value=b.turned_groups)


def store(b: Body, key: int, value: int) -> None:
    """Keys and values of one KV head, into the cache; registers `key` and `value` move from head to head, and HEAD
    where keys have offsets."""
    s, net, h, head_words = b.s, b.net, b.head_groups, b.memory.head.head_words
    keys = s.turned + net.heads * h
    values = s.qkv + (net.heads + net.kv_heads) * h
    of = {"columns": 1 if b.batched else b.tokens, "n": h}
    less = {"q": Operand.B, "b_addr": s.gamma, "b_reg": HEAD} if b.core.balanced else {}
    b.vec("keys", a_addr=keys, a_stride=b.turned_groups, a_reg=key, target=Target.KEYS, d_reg=KEYS, **of, **less)
    at = {**of, "a_addr": values, "a_stride": s.qkv_groups, "a_reg": value}
    b.vec("largest value", reduce=Reduce.MAGNITUDE, d_addr=after(1), **at)
    b.vec("values", target=Target.VALUES, q_index=1, d_reg=VALUES, **at)
    for reg in sorted({key, value, *([HEAD] if b.core.balanced else [])}):
        b.add(Op.ADD, reg=reg, value=h)
    b.add(Op.ADD, reg=KEYS, value=head_words)
    b.add(Op.ADD, reg=VALUES, value=head_words)


def attend(b: Body) -> None:
    """One KV head: its queries in columns, heads of one token or tokens of one head."""
    group, most = b.net.group, b.core.columns
    if b.tokens > 1:
        b.loop("queries", group, lambda: _attend_columns(b, b.tokens, b.turned_groups, 1))
    else:
        for first in range(0, group, most):
            columns = min(most, group - first)
            _attend_columns(b, columns, b.head_groups, columns)
    b.add(Op.ADD, reg=CACHE, value=b.memory.head.head_words)


def _attend_columns(b: Body, columns: int, stride: int, heads: int) -> None:
    s, h, granule, net = b.s, b.head_groups, b.core.granule, b.net
    top = CACHE_EXPONENT[b.core.key_bits]
    stride_of = {"d_stride": b.mixed_groups if b.tokens > 1 else h, "d_reg": QUERY}
    _fetch_cache(b)
    b.vec(
        "queries", columns=columns, n=h, a_addr=s.turned, a_stride=stride, a_reg=QUERY, target=Target.BUFFER
    )
    b.add(
        Op.MM, "scores", cache=1, element=b.core.key_element, scale=Scale.SCALE, tiles=granule // b.core.rows,
        tiles_dynamic=1, folds=net.head_dim // b.core.lanes, exponent=top,
        unit=unit_of(Scale.SCALE, top), columns=columns, d_addr=s.scores,
        d_stride=s.score_groups,
    )  # fmt: skip
    _softmax(b, columns)
    b.add(
        Op.MM, "mixed values", cache=1, element=b.core.cache_element, scale=Scale.NONE,
        tiles=net.head_dim // b.core.rows, folds=granule // b.core.lanes, folds_dynamic=1, exponent=PLAIN,
        unit=unit_of(Scale.NONE, PLAIN),
        columns=columns, d_addr=b.mixed, **stride_of,
    )  # fmt: skip
    b.vec(
        "mixed / sum", columns=columns, n=h, a_addr=b.mixed, a_stride=stride_of["d_stride"], a_reg=QUERY,
        p=Operand.SCALAR, p_index=1, d_addr=b.mixed, **stride_of,
    )  # fmt: skip
    b.add(Op.ADD, reg=QUERY, value=h * heads)


def _fetch_cache(b: Body) -> None:
    head = b.memory.head
    _fetch(b, "keys", 0, head.key_unit, 1)
    _fetch(b, "value scales", head.key_words + head.value_words, head.scale_unit, 1)
    _fetch(b, "values", head.key_words, head.value_unit, b.net.head_dim // b.core.rows)


def _fetch(b: Body, label: str, offset: int, unit: int, outer: int) -> None:
    stride = {"stride_reg": VALUE_STRIDE} if outer > 1 else {}
    b.add(Op.FETCH, label, reg=CACHE, address=offset, unit=unit, count=1, dynamic=1, outer=outer, **stride)


def _softmax(b: Body, columns: int) -> None:
    """2^(c x - c max) times the values' scales, quantized; 1 / sum in scalar 1."""
    s, n, mask = b.s, b.core.granule // GROUP, Mask.CAUSAL if b.tokens > 1 else Mask.ALIKE
    at = {"columns": columns, "n": n, "n_dynamic": 1, "a_addr": s.scores, "a_stride": s.score_groups}
    b.vec("value scales", columns=1, n=n, n_dynamic=1, a_source=Source.CACHE_BF16, d_addr=s.value_scales)
    b.vec("-c max", mask=mask, reduce=Reduce.MAX, d_addr=after(0, MINUS_SOFTMAX), **at)
    b.vec(
        "exp", mask=mask, p=Operand.CONSTANT, p_index=SOFTMAX, q=Operand.SCALAR, function=Function.EXP2,
        d_addr=s.scores, d_stride=s.score_groups, **at,
    )  # fmt: skip
    b.vec("1 / sum", reduce=Reduce.SUM, d_addr=after(1, function=Function.RECIPROCAL), **at)
    b.vec("weights", p=Operand.B, b_addr=s.value_scales, target=Target.BUFFER, **at)
