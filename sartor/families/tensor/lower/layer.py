"""One layer, and what comes before the first: registers, embedding rows, angles."""

from __future__ import annotations

from ....errors import InputError
from ....formats.blocks import Blocks
from ..core import GROUP
from ..isa import COLUMN, SPAN, TOKEN, VALUE_SCALES, VALUE_STRIDE, Function, Op, Operand, Source, Target
from ..memory_map import groups
from .attention import attention
from .body import Body
from .matrices import matrix, norm
from .program import ANGLE, CACHE, KEYS, MINUS_LOG2E, ONE, ROW, VALUES


def begin(b: Body, stream_words: int) -> None:
    """The weight queue runs; the tokens' rows and angles are there."""
    m, s, net = b.memory, b.s, b.net
    b.add(Op.STREAM, "weights", address=m.weights, words=stream_words)
    b.add(Op.SET, "tokens", reg=SPAN, value=1 if b.batched else b.tokens)
    b.add(Op.SET, "value stride", reg=VALUE_STRIDE, value=m.head.value_stride)
    b.add(Op.SET, "value scales", reg=VALUE_SCALES, value=m.head.value_words)
    b.add(Op.SET, "keys", reg=KEYS, value=m.cache)
    b.add(Op.SET, "values", reg=VALUES, value=m.cache + m.head.key_words)
    b.add(Op.SET, "cache", reg=CACHE, value=m.cache)
    if b.batched:
        b.loop("sequences", b.tokens, lambda: _begin_sequence(b))
        return
    for i in range(b.tokens):
        _embedding(b, i)
        b.vec("x", columns=1, n=groups(net.dim), a_source=Source.CACHE, d_addr=s.x + i * b.dim)
    _angles(b, b.tokens)
    b.vec("rope", columns=1, n=groups(2 * net.head_dim) * b.tokens, a_source=Source.CACHE, d_addr=s.rope)


def _begin_sequence(b: Body) -> None:
    """Row and angles of one sequence's token, both on their way before either is taken."""
    s, net, angles = b.s, b.net, groups(2 * b.net.head_dim)
    _embedding(b, 0)
    _angles(b, 1)
    b.vec("x", columns=1, n=groups(net.dim), a_source=Source.CACHE, d_addr=s.x, d_reg=ROW)
    b.vec("rope", columns=1, n=angles, a_source=Source.CACHE, d_addr=s.rope, d_reg=ANGLE)
    for reg, step in ((ROW, b.dim), (ANGLE, angles), (COLUMN, 1)):
        b.add(Op.ADD, reg=reg, value=step)


def _embedding(b: Body, column: int) -> None:
    b.add(Op.FETCH, f"embedding {column}", reg=TOKEN + column, unit=b.memory.row_words, count=1, outer=1)


def _angles(b: Body, tokens: int) -> None:
    m = b.memory
    b.add(
        Op.FETCH, "rope", address=m.rope, position_shift=m.rope_shift + 1, unit=tokens << m.rope_shift, count=1,
        outer=1,
    )  # fmt: skip


def layer(b: Body) -> None:
    s, layers = b.s, b.net.layers
    first = layers[0]
    norm(b, "attention norm")
    matrix(b, "qkv", first.qkv, s.qkv, s.qkv_groups, [m.qkv for m in layers])
    if apart := [m.values for m in layers if m.values is not None]:
        _below(b, first.qkv, len(apart))
        matrix(b, "v", apart[0], s.qkv + groups(first.qkv.n), s.qkv_groups, apart)
    if b.core.balanced:
        offsets = groups(b.net.kv_heads * b.net.head_dim)
        b.vec("key offsets", columns=1, n=offsets, a_source=Source.WEIGHTS, d_addr=s.gamma)
    attention(b)
    n = groups(b.net.heads * b.net.head_dim)
    b.vec("mixed", n=n, a_addr=b.mixed, a_stride=b.mixed_groups, target=Target.BUFFER)
    matrix(b, "output", first.output, s.t, b.dim, [m.output for m in layers])
    residual(b)
    norm(b, "ffn norm")
    matrix(b, "gate_up", first.gate_up, s.gate_up, s.gate_up_groups, [m.gate_up for m in layers])
    gate(b)
    matrix(b, "down", first.down, s.t, b.dim, [m.down for m in layers])
    residual(b)


def _below(b: Body, w: Blocks, apart: int) -> None:
    """Refuses values by themselves that cannot be written below the row tiles of `w`."""
    whole = max(b.core.rows, GROUP)
    if apart < len(b.net.layers) or w.n % whole:
        raise InputError(
            f"{b.net.name} cannot be mapped: queries and keys are {w.n} rows, no multiple of {whole}, or values have a "
            "format of their own in some layers only (give attn_qk and attn_v one format)"
        )


def residual(b: Body) -> None:
    s = b.s
    b.vec(
        "residual", n=groups(b.net.dim), a_addr=s.x, a_stride=b.dim, q=Operand.B, b_addr=s.t, b_stride=b.dim,
        d_addr=s.x, d_stride=b.dim,
    )  # fmt: skip


def gate(b: Body) -> None:
    """up gate / (1 + 2^(-gate log2 e)), quantized."""
    s, n = b.s, groups(b.net.ffn)
    gates = {"a_addr": s.gate_up, "a_stride": s.gate_up_groups}
    sigmoid = {"a_addr": s.sigmoid, "a_stride": n}
    into = {"n": n, "d_addr": s.sigmoid, "d_stride": n}
    b.vec("exp(-gate)", p=Operand.CONSTANT, p_index=MINUS_LOG2E, function=Function.EXP2, **gates, **into)
    b.vec("sigmoid", q=Operand.CONSTANT, q_index=ONE, function=Function.RECIPROCAL, **sigmoid, **into)
    b.vec("silu", p=Operand.B, b_addr=s.gate_up, b_stride=s.gate_up_groups, **sigmoid, **into)
    b.vec(
        "silu x up", n=n, p=Operand.B, b_addr=s.gate_up + n, b_stride=s.gate_up_groups, target=Target.BUFFER,
        **sigmoid,
    )  # fmt: skip
