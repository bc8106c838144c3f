"""From a network to a program: loops over layers and heads, position from a register.

Two bodies in one program: prefill of `columns` tokens at once, and decode of one token with the head. A
prompt runs through prefill but for its last token, in whole chunks; tokens of a chunk beyond the prompt leave
cache entries that are written again before they are read.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from ...errors import InputError
from ...formats.blocks import Blocks
from .core import GROUP, Core
from .isa import (
    SPAN,
    TOKEN,
    VALUE_SCALES,
    VALUE_STRIDE,
    Function,
    Instruction,
    Mask,
    Op,
    Operand,
    Reduce,
    Scale,
    Source,
    Target,
    after,
    make,
)  # fmt: skip
from .memory_map import MemoryMap, Scratch, groups, scratch
from .network import Network
from .numerics import CACHE_EXPONENT, half_parts

# Constants of a program, by index.
MEAN, EPSILON, MINUS_LOG2E, ONE, SOFTMAX, MINUS_SOFTMAX = range(6)
# Registers of a program.
KEYS, VALUES, CACHE, QUERY, HEAD, ROW, ANGLE = range(1, 8)
LOG2E = math.log2(math.e)
PLAIN = 15  # the largest exponent field where no block has a scale: that of 1


@dataclass
class Program:
    """Instructions with the entries of its two bodies, and its constants (binary32)."""

    instructions: list[Instruction] = field(default_factory=list)
    prefill: int = 0
    decode: int = 0
    constants: tuple[float, ...] = ()

    def __str__(self) -> str:
        lines = [f"; constant {i} = {c!r}" for i, c in enumerate(self.constants)]
        entries = {self.prefill: "prefill:", self.decode: "decode:"}
        for at, instruction in enumerate(self.instructions):
            if at in entries:
                lines.append(entries[at])
            lines.append(f"{at:4}  {instruction}")
        return "\n".join(lines)


def lower(core: Core, net: Network, memory: MemoryMap) -> Program:
    """The program of `net` on `core`."""
    c = LOG2E / math.sqrt(net.head_dim)
    program = Program(
        constants=tuple(float(np.float32(v)) for v in (1 / net.dim, net.epsilon, -LOG2E, 1.0, c, -c))
    )
    program.prefill = 0
    program.instructions += _Body(core, net, memory, core.columns, head=False).emit()
    program.decode = len(program.instructions)
    program.instructions += _Body(core, net, memory, 1, head=True).emit()
    return program


def top_exponent(*matrices: Blocks) -> int:
    """The largest binary16 exponent field of their scales and minima; infinities are refused."""
    top = 1
    for m in matrices:
        for codes in (m.scale, m.minimum):
            if codes is not None:
                top = max(top, int(half_parts(codes)[1].max()))
    if top == 31:
        raise InputError("a weight scale is infinite or not a number: the file is damaged")
    return top


class _Body:
    """One pass over the network for `tokens` tokens."""

    def __init__(self, core: Core, net: Network, memory: MemoryMap, tokens: int, head: bool) -> None:
        self.core, self.net, self.memory, self.tokens, self.head = core, net, memory, tokens, head
        self.s: Scratch = scratch(core, net, tokens, memory.context)
        self.code: list[Instruction] = []
        self.dim = groups(-(-net.dim // core.rows) * core.rows)
        self.head_groups = groups(net.head_dim)
        self.turned_groups = groups((net.heads + net.kv_heads) * net.head_dim)
        self.mixed_groups = max(groups(net.heads * net.head_dim), self.head_groups)

    def emit(self) -> list[Instruction]:
        self._begin()
        layer = self._captured(self._layer)
        self.add(Op.LOOP, "layers", count=len(self.net.layers), length=len(layer))
        self.code += layer
        if self.head:
            self._head()
        self.add(Op.HALT)
        return self.code

    def add(self, op: Op, label: str = "", **values: int) -> None:
        self.code.append(make(op, label, **values))

    def vec(self, label: str, **values: int) -> None:
        values.setdefault("columns", self.tokens)
        self.add(Op.VEC, label, **values)

    def _captured(self, write: object, *args: int) -> list[Instruction]:
        """The instructions that `write` adds, taken out again."""
        start = len(self.code)
        write(*args)  # type: ignore[operator]
        taken = self.code[start:]
        del self.code[start:]
        return taken

    def _loop(self, label: str, count: int, write: object) -> None:
        body = self._captured(write)
        if count == 1:
            self.code += body
            return
        self.add(Op.LOOP, label, count=count, length=len(body))
        self.code += body

    def _begin(self) -> None:
        m, s, net = self.memory, self.s, self.net
        words = m.stream_words if self.head else m.layer_words
        self.add(Op.STREAM, "weights", address=m.weights, words=words)
        self.add(Op.SET, "tokens", reg=SPAN, value=self.tokens)
        self.add(Op.SET, "value stride", reg=VALUE_STRIDE, value=m.head.value_stride)
        self.add(Op.SET, "value scales", reg=VALUE_SCALES, value=m.head.value_words)
        self.add(Op.SET, "keys", reg=KEYS, value=m.cache)
        self.add(Op.SET, "values", reg=VALUES, value=m.cache + m.head.key_words)
        self.add(Op.SET, "cache", reg=CACHE, value=m.cache)
        n = groups(net.dim)
        for i in range(self.tokens):
            self.add(Op.FETCH, f"embedding {i}", reg=TOKEN + i, unit=m.row_words, count=1, outer=1)
            self.vec("x", columns=1, n=n, a_source=Source.CACHE, d_addr=s.x + i * self.dim)
        angles = groups(2 * net.head_dim)
        self.add(
            Op.FETCH, "rope", address=m.rope, position_shift=m.rope_shift + 1,
            unit=self.tokens << m.rope_shift, count=1, outer=1,
        )  # fmt: skip
        self.vec("rope", columns=1, n=angles * self.tokens, a_source=Source.CACHE, d_addr=s.rope)

    def _layer(self) -> None:
        s, net = self.s, self.net
        layer = net.layers[0]
        self._norm("attention norm")
        self._matrix("qkv", layer.qkv, s.qkv, s.qkv_groups, [m.qkv for m in net.layers])
        self._rotate()
        self.add(Op.SET, reg=HEAD, value=0)
        self._loop("store heads", net.kv_heads, self._store)
        self.add(Op.FENCE)
        self.add(Op.SET, reg=QUERY, value=0)
        self._loop("heads", net.kv_heads, self._attend)
        n = groups(net.heads * net.head_dim)
        self.vec("mixed", n=n, a_addr=s.mixed, a_stride=self.mixed_groups, target=Target.BUFFER)
        self._matrix("output", layer.output, s.t, self.dim, [m.output for m in net.layers])
        self._residual()
        self._norm("ffn norm")
        self._matrix("gate_up", layer.gate_up, s.gate_up, s.gate_up_groups, [m.gate_up for m in net.layers])
        self._gate()
        self._matrix("down", layer.down, s.t, self.dim, [m.down for m in net.layers])
        self._residual()

    def _norm(self, label: str) -> None:
        """x / sqrt(mean(x^2) + epsilon) times gamma, quantized."""
        s, n = self.s, groups(self.net.dim)
        self.vec(f"{label}: gamma", columns=1, n=n, a_source=Source.WEIGHTS, d_addr=s.gamma)
        self.vec(
            f"{label}: 1 / rms", n=n, a_addr=s.x, a_stride=self.dim, p=Operand.A, reduce=Reduce.SUM,
            d_addr=after(0, MEAN, EPSILON, Function.RSQRT),
        )  # fmt: skip
        self.vec(
            f"{label}: x / rms", n=n, a_addr=s.x, a_stride=self.dim, p=Operand.SCALAR,
            d_addr=s.t, d_stride=self.dim,
        )  # fmt: skip
        self.vec(label, n=n, a_addr=s.t, a_stride=self.dim, p=Operand.B, b_addr=s.gamma, target=Target.BUFFER)

    def _matrix(self, label: str, w: Blocks, d_addr: int, stride: int, same: list[Blocks]) -> None:
        """One matrix of the weight stream; `same`: that of all layers, which one instruction serves."""
        if len(formats := sorted({m.format for m in same})) > 1:
            raise InputError(
                f"{self.net.name} cannot be mapped: {label} has {' and '.join(formats)} in different layers, "
                "which one loop runs (quantize it alike in all layers)"
            )
        self.add(
            Op.MM, label, code8=w.bits == 8, scale=_scale(w), tiles=-(-w.n // self.core.rows),
            folds=-(-w.k // self.core.lanes), exponent=top_exponent(*same), columns=self.tokens,
            d_addr=d_addr, d_stride=stride,
        )  # fmt: skip

    def _rotate(self) -> None:
        """RoPE of queries and keys: swap(x) sin, then x cos + that; heads are the columns of the pass."""
        s, net, h = self.s, self.net, self.head_groups
        heads = net.heads + net.kv_heads

        def one() -> None:
            for first in range(0, heads, 63):
                columns, at = min(63, heads - first), first * h
                common = {
                    "columns": columns, "n": h, "a_addr": s.qkv + at, "a_stride": h, "a_reg": ROW,
                    "p": Operand.B, "b_reg": ANGLE, "d_addr": s.turned + at, "d_stride": h, "d_reg": HEAD,
                }  # fmt: skip
                self.vec("rope: swapped x sine", swap=1, b_addr=s.rope + h, **common)
                self.vec("rope", b_addr=s.rope, q=Operand.D, **common)
            if self.tokens > 1:
                self.add(Op.ADD, reg=ROW, value=s.qkv_groups)
                self.add(Op.ADD, reg=ANGLE, value=2 * h)
                self.add(Op.ADD, reg=HEAD, value=self.turned_groups)

        for reg in (ROW, ANGLE, HEAD):
            self.add(Op.SET, reg=reg, value=0)
        self._loop("tokens", self.tokens, one)

    def _store(self) -> None:
        """Keys and values of one KV head, into the cache."""
        s, net, h, head_words = self.s, self.net, self.head_groups, self.memory.head.head_words
        keys = s.turned + net.heads * h
        values = s.qkv + (net.heads + net.kv_heads) * h
        self.vec(
            "keys", n=h, a_addr=keys, a_stride=self.turned_groups, a_reg=HEAD, target=Target.KEYS, d_reg=KEYS
        )
        at = {"n": h, "a_addr": values, "a_stride": s.qkv_groups, "a_reg": HEAD}
        self.vec("largest value", reduce=Reduce.MAGNITUDE, d_addr=after(1), **at)
        self.vec("values", target=Target.VALUES, q_index=1, d_reg=VALUES, **at)
        self.add(Op.ADD, reg=HEAD, value=h)
        self.add(Op.ADD, reg=KEYS, value=head_words)
        self.add(Op.ADD, reg=VALUES, value=head_words)

    def _attend(self) -> None:
        """One KV head: its queries in columns, heads of one token or tokens of one head."""
        net, h = self.net, self.head_groups
        if self.tokens > 1:
            self._loop("queries", net.group, lambda: self._attend_columns(self.tokens, self.turned_groups, 1))
        else:
            for first in range(0, net.group, self.core.columns):
                columns = min(self.core.columns, net.group - first)
                self._attend_columns(columns, h, columns)
        self.add(Op.ADD, reg=CACHE, value=self.memory.head.head_words)

    def _attend_columns(self, columns: int, stride: int, heads: int) -> None:
        s, m, h = self.s, self.memory, self.head_groups
        mask = Mask.CAUSAL if self.tokens > 1 else Mask.ALIKE
        mixed_stride = self.mixed_groups if self.tokens > 1 else h
        self._fetch("keys", 0, m.head.key_unit, 1)
        self._fetch("value scales", m.head.key_words + m.head.value_words, m.head.scale_unit, 1)
        self._fetch("values", m.head.key_words, m.head.value_unit, self.net.head_dim // self.core.rows)
        self.vec(
            "queries",
            columns=columns,
            n=h,
            a_addr=s.turned,
            a_stride=stride,
            a_reg=QUERY,
            target=Target.BUFFER,
        )
        granule = self.core.granule
        self.add(
            Op.MM, "scores", cache=1, code8=1, scale=Scale.SCALE, tiles=granule // self.core.rows,
            tiles_dynamic=1, folds=self.net.head_dim // self.core.lanes, exponent=CACHE_EXPONENT,
            columns=columns, d_addr=s.scores, d_stride=s.score_groups,
        )  # fmt: skip
        self._softmax(columns, mask, granule // GROUP)
        self.add(
            Op.MM, "mixed values", cache=1, code8=1, scale=Scale.NONE, tiles=self.net.head_dim // self.core.rows,
            folds=granule // self.core.lanes, folds_dynamic=1, exponent=PLAIN, columns=columns,
            d_addr=s.mixed, d_stride=mixed_stride, d_reg=QUERY,
        )  # fmt: skip
        self.vec(
            "mixed / sum", columns=columns, n=h, a_addr=s.mixed, a_stride=mixed_stride, a_reg=QUERY,
            p=Operand.SCALAR, p_index=1, d_addr=s.mixed, d_stride=mixed_stride, d_reg=QUERY,
        )  # fmt: skip
        self.add(Op.ADD, reg=QUERY, value=h * heads)

    def _fetch(self, label: str, offset: int, unit: int, outer: int) -> None:
        stride = {"stride_reg": VALUE_STRIDE} if outer > 1 else {}
        self.add(
            Op.FETCH, label, reg=CACHE, address=offset, unit=unit, count=1, dynamic=1, outer=outer, **stride
        )

    def _softmax(self, columns: int, mask: int, n: int) -> None:
        """2^(c x - c max) times the values' scales, quantized; 1 / sum in scalar 1."""
        s = self.s
        at = {"columns": columns, "n": n, "n_dynamic": 1, "a_addr": s.scores, "a_stride": s.score_groups}
        self.vec(
            "value scales", columns=1, n=n, n_dynamic=1, a_source=Source.CACHE_BF16, d_addr=s.value_scales
        )
        self.vec("-c max", mask=mask, reduce=Reduce.MAX, d_addr=after(0, MINUS_SOFTMAX), **at)
        self.vec(
            "exp", mask=mask, p=Operand.CONSTANT, p_index=SOFTMAX, q=Operand.SCALAR, function=Function.EXP2,
            d_addr=s.scores, d_stride=s.score_groups, **at,
        )  # fmt: skip
        self.vec("1 / sum", reduce=Reduce.SUM, d_addr=after(1, function=Function.RECIPROCAL), **at)
        self.vec("weights", p=Operand.B, b_addr=s.value_scales, target=Target.BUFFER, **at)

    def _residual(self) -> None:
        s, n = self.s, groups(self.net.dim)
        self.vec(
            "residual", n=n, a_addr=s.x, a_stride=self.dim, q=Operand.B, b_addr=s.t, b_stride=self.dim,
            d_addr=s.x, d_stride=self.dim,
        )  # fmt: skip

    def _gate(self) -> None:
        """up gate / (1 + 2^(-gate log2 e)), quantized."""
        s, n, up = self.s, groups(self.net.ffn), self.s.gate_up + groups(self.net.ffn)
        gate = {"a_addr": s.gate_up, "a_stride": s.gate_up_groups}
        sigmoid = {"a_addr": s.sigmoid, "a_stride": n}
        into = {"n": n, "d_addr": s.sigmoid, "d_stride": n}
        self.vec(
            "exp(-gate)", p=Operand.CONSTANT, p_index=MINUS_LOG2E, function=Function.EXP2, **gate, **into
        )
        self.vec("sigmoid", q=Operand.CONSTANT, q_index=ONE, function=Function.RECIPROCAL, **sigmoid, **into)
        self.vec("silu", p=Operand.B, b_addr=s.gate_up, b_stride=s.gate_up_groups, **sigmoid, **into)
        self.vec(
            "silu x up",
            n=n,
            p=Operand.B,
            b_addr=up,
            b_stride=s.gate_up_groups,
            target=Target.BUFFER,
            **sigmoid,
        )

    def _head(self) -> None:
        w = self.net.head
        self._norm("final norm")
        self.add(
            Op.MM, "head", code8=w.bits == 8, scale=_scale(w), tiles=-(-w.n // self.core.rows),
            folds=-(-w.k // self.core.lanes), exponent=top_exponent(w), columns=1, argmax=1,
        )  # fmt: skip


def _scale(w: Blocks) -> int:
    return Scale.SCALE if w.minimum is None else Scale.SCALE_MINIMUM
