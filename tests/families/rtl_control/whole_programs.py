"""Random programs for the whole core, with their memory: vectors from all sources, passes, products, loops."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sartor.families.tensor import cycles_matrix
from sartor.families.tensor.core import CONSTANTS, GROUP, SCALARS, Core
from sartor.families.tensor.isa import (
    BATCH,
    COLUMN,
    TOKEN,
    Function,
    Instruction,
    Mask,
    Op,
    Operand,
    Reduce,
    Source,
    Target,
    after,
    make,
)
from sartor.families.tensor.layout import pack_matrix
from sartor.families.tensor.numerics import unit_of
from sartor.families.tensor.stream_shape import MOST_SHARE
from sartor.formats.decode import Element
from sartor.formats.group_scale import Scale

REGION = 64  # groups of the scratchpad: a pass reads two regions and writes a third
MOST_GROUPS = 6  # of a column
TOKEN_STEP = 3  # words from one embedding row to the next
FIRST_WORD = 2048  # of the data: addresses minus any base are not negative


@dataclass
class Programs:
    """Builds one program; `image` is the memory that it reads."""

    core: Core
    rng: np.random.Generator
    positions: list[int]  # of each column; the batch has as many
    column: int = 0  # whose sequence counts
    code: list[Instruction] = field(default_factory=list)
    image: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        self.image += bytes(FIRST_WORD * self.core.port_bytes)

    def random(self, low: int, high: int) -> int:
        """low to high, both included."""
        return int(self.rng.integers(low, high + 1))

    def emit(self, op: Op, **values: int) -> None:
        self.code.append(make(op, **{k: int(v) for k, v in values.items()}))

    def put(self, data: np.ndarray) -> tuple[int, int]:
        """Address and count of the words that now hold `data`."""
        raw, port = np.ascontiguousarray(data).tobytes(), self.core.port_bytes
        address = len(self.image) // port
        self.image += raw + self.rng.bytes(-len(raw) % port)
        return address, -(-len(raw) // port)

    def numbers(self, count: int) -> np.ndarray:
        return (self.rng.standard_normal(count) * 2.0 ** self.rng.integers(-6, 7)).astype(np.float32)

    def groups(self, columns: int) -> tuple[int, int, int]:
        """Groups of a column, an address in any region, a stride that keeps columns apart."""
        n, region = self.random(1, MOST_GROUPS), self.random(0, self.core.scratch_groups // REGION - 1)
        stride = self.random(n, n + 2)
        return n, region * REGION + self.random(0, REGION - n - columns * stride), stride

    # Moves

    def stream_vector(self) -> None:
        n, at, _ = self.groups(1)
        address, words = self.put(self.numbers(n * GROUP))
        self.emit(Op.STREAM, address=address, words=words)
        self.emit(Op.VEC, n=n, columns=1, a_source=Source.WEIGHTS, d_addr=at)

    def fetch_vector(self) -> None:
        """In binary32 or bfloat16; by token, register or position."""
        n, at, _ = self.groups(1)
        x, half = self.numbers(n * GROUP), self.random(0, 1)
        address, words = self.put((x.view(np.uint32) >> 16).astype(np.uint16) if half else x)
        reg, shift = self.random(1, 7), self.random(0, 2)
        self.choose()
        moved = self.positions[self.column] << (shift - 1) if shift else 0
        if self.random(0, 1):
            reg = TOKEN + self.random(0, self.core.columns - 1)
            base = (reg - TOKEN or self.column) * TOKEN_STEP
        else:
            base = self.random(0, 1000)
            self.emit(Op.SET, reg=reg, value=base)
        where = address - base - moved
        self.emit(Op.FETCH, reg=reg, address=where, unit=words, count=1, outer=1, position_shift=shift)
        source = Source.CACHE_BF16 if half else Source.CACHE
        self.emit(Op.VEC, n=n, columns=1, a_source=source, d_addr=at, function=self.random(0, Function.RSQRT - 1))

    def choose(self) -> None:
        """Whose position counts, and whose row where TOKEN is asked for."""
        self.column = self.random(0, self.core.columns - 1)
        self.emit(Op.SET, reg=COLUMN, value=self.column)

    def fetch_runs(self) -> None:
        """Two runs of a word each, with a stride: a group of binary32 needs several."""
        words = GROUP * 4 // self.core.port_bytes
        address, _ = self.put(self.numbers(GROUP * 4))
        _, at, _ = self.groups(1)
        self.emit(Op.SET, reg=5, value=2 * words)
        self.emit(Op.FETCH, address=address, unit=1, count=words, outer=2, stride_reg=5)
        self.emit(Op.VEC, n=2, columns=1, a_source=Source.CACHE, d_addr=at)

    def vector_pass(self) -> None:
        columns = self.random(1, self.core.columns)
        n, a, stride = self.groups(columns)
        reduces, regions = self.random(0, 3) == 0, self.core.scratch_groups // REGION
        b, d = ((a + REGION * self.random(1, regions - 1)) % self.core.scratch_groups for _ in range(2))
        moved, reg = self.random(0, 5), self.random(1, 7)
        self.emit(Op.SET, reg=reg, value=moved)
        p, q = self.random(0, 4), int(self.rng.choice([0, 2, 3, 4] if reduces else [0, 2, 3, 4, 5]))
        end = {"reduce": self.random(1, 3), "d_addr": self.after()} if reduces else {"d_addr": d, "d_stride": stride}
        self.emit(
            Op.VEC, n=n, columns=self.as_batch(columns),
            a_addr=a - moved if a >= moved else a, a_reg=reg if a >= moved else 0, a_stride=stride,
            swap=self.random(0, 1), mask=self.random(0, 2), b_addr=b, b_stride=stride, p=p, q=q,
            p_index=self.index(p), q_index=self.index(q), function=self.random(0, Function.RSQRT - 1), **end,
        )  # fmt: skip

    def as_batch(self, columns: int) -> int:
        """As many columns as the run has sequences may be said by none."""
        return BATCH if columns == len(self.positions) and self.random(0, 1) else columns

    def index(self, operand: int) -> int:
        return self.random(0, SCALARS - 1 if operand == Operand.SCALAR else CONSTANTS - 1)

    def after(self) -> int:
        p, q = (self.random(0, CONSTANTS - 1) for _ in range(2))
        return after(self.random(0, SCALARS - 1), p, q, self.random(0, 3))

    def quantize(self, columns: int) -> int:
        """Into the activation buffer, in one pass or two of which the second keeps the first; groups of it."""
        filled = 0
        for keep in range(self.random(1, 2)):
            n, a, stride = self.groups(columns)
            n = min(n, self.core.buffer_groups - filled)
            self.emit(
                Op.VEC, n=n, columns=columns, a_addr=a, a_stride=stride, d_addr=filled, target=Target.BUFFER, keep=keep
            )
            filled += n
        return filled

    def product(self) -> None:
        """A vector, quantized, times a matrix of any format, from either queue."""
        element = Element(self.rng.choice(self.core.elements))
        scale, columns = Scale(self.rng.choice(self.scales(element))), self.random(1, self.core.columns)
        planes = self.random(1, self.core.planes) if scale == Scale.PLANES else 1
        rows, k = self.random(1, 5 * self.core.rows), GROUP * self.quantize(columns)
        most = ((k & -k) // GROUP).bit_length() - 1  # whole groups share a scale
        share = self.random(0, min(MOST_SHARE, most)) if scale else 0
        d, m, top = self.scaled_by(scale, rows, k // GROUP >> share, planes)
        low = -128 if element == Element.INT8 else 0
        codes = self.rng.integers(low, low + 2 ** (element.bits * planes), (rows, k))
        tiles, folds = -(-rows // self.core.rows), -(-k // self.core.lanes)
        address, words = self.put(pack_matrix(self.core, codes, d, m, element, share, scale))
        expected = cycles_matrix.words_of_stream(self.core, element, scale, share, tiles, folds, planes)
        assert words == expected
        cache = self.random(0, 1) if words < 4096 else 0
        if cache:
            self.emit(Op.FETCH, address=address, unit=words, count=1, outer=1)
        else:
            self.emit(Op.STREAM, address=address, words=words)
        stride = 1 + rows // GROUP
        self.emit(
            Op.MM, cache=cache, element=element, scale=scale, share=share, tiles=tiles, folds=folds, exponent=top,
            unit=unit_of(scale, top, element.fraction - element.lost), planes=planes - 1,
            columns=self.as_batch(columns), argmax=self.random(0, 4) == 0, d_stride=stride,
            d_addr=self.random(0, self.core.scratch_groups - columns * (stride + 1)),
        )  # fmt: skip

    def scales(self, element: Element) -> list[Scale]:
        """That the core's decoder knows for such codes."""
        if element == Element.SIGN:
            return [Scale.PLANES]
        power = [Scale.POWER] if Scale.POWER in self.core.scales else []
        return [*([Scale.NONE] if element == Element.INT8 else []), Scale.SCALE, Scale.SCALE_MINIMUM, *power]

    def scaled_by(self, scale: Scale, rows: int, groups: int, planes: int) -> tuple[Any, Any, int]:
        """d, m and the largest field."""
        if scale == Scale.POWER:
            d = self.rng.integers(100, 130, (rows, groups))
            return d, None, int(d.max())
        d = self.halves(rows, groups, *([planes] if scale == Scale.PLANES else [])) if scale else None
        m = self.halves(rows, groups) if scale in (Scale.SCALE_MINIMUM, Scale.PLANES) else None
        return d, m, 30

    def halves(self, *shape: int) -> np.ndarray:
        """Ordinary binary16 numbers, some of them subnormal."""
        x = self.rng.standard_normal(shape) * 2.0 ** self.rng.integers(-20, 3)
        return x.astype(np.float16).view(np.uint16)

    def build(self, moves: int) -> list[Instruction]:
        """Moves, some of them twice in a loop, then HALT."""
        kinds: list[Callable[[], None]] = [
            self.stream_vector, self.fetch_vector, self.fetch_runs, self.vector_pass, self.vector_pass,
            self.product, self.product,
        ]  # fmt: skip
        while moves:
            begin, loops = len(self.code), self.random(0, 4) == 0
            for _ in range(self.random(1, 3)):
                kinds[self.random(0, len(kinds) - 1)]()
            if loops:
                body = self.code[begin:]
                self.code[begin:] = [make(Op.LOOP, count=2, length=len(body)), *body]
            moves -= 1
        self.emit(Op.FENCE)
        self.emit(Op.HALT)
        return self.code


assert Function.RSQRT == Reduce.MAGNITUDE == 3 and Mask.CAUSAL == 2
