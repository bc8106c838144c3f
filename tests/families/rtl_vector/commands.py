"""Random legal VEC instructions for a Bench: a, b and the destination have 16 groups each."""

from typing import Any

import numpy as np

from sartor.families.tensor.core import CONSTANTS, GROUP, SCALARS
from sartor.families.tensor.isa import (
    BYPASS,
    VALUE_SCALES,
    VALUE_STRIDE,
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
)  # fmt: skip
from tests.families.rtl_vector.bench import Bench

REGION = 16
A, B, D = 0, REGION, 2 * REGION
BASE = 1  # register
FACTORS = [Operand.NONE, Operand.A, Operand.B, Operand.SCALAR, Operand.CONSTANT]
ADDENDS = [Operand.NONE, Operand.B, Operand.SCALAR, Operand.CONSTANT, Operand.D]


def command(bench: Bench, target: Target | None = None, **fixed: Any) -> Instruction:
    """One instruction; sets the registers and the position that it needs. A reduction where `target` is None,
    now and then."""
    rng = bench.rng
    reduce = int(rng.integers(0, 4)) if target is None else Reduce.NONE
    target = Target(int(rng.integers(0, 2))) if target is None else target
    fields = _operands(rng)
    cached = target >= Target.KEYS and not reduce
    streamed = not cached and rng.random() < 0.3
    most = min(bench.core.columns, REGION // bench.core.lane_groups)
    columns = 1 if streamed else int(rng.integers(1, most + 1))
    n = _head(bench, columns) if cached else int(rng.integers(1, REGION // columns + 1))
    fields |= {"n": n, "columns": columns, "reduce": reduce, "target": target, **_places(rng, n, columns)}
    if streamed:
        fields |= {"a_source": int(rng.integers(1, 4)), "a_addr": 0}
    if reduce:
        fields["d_addr"] = _after(rng)
        fields["q"] = Operand.B if fields["q"] == Operand.D else fields["q"]  # d_addr is no address
    elif target == Target.BUFFER:
        fields |= {
            "d_addr": int(rng.integers(0, bench.core.buffer_groups - n)),
            "keep": int(rng.integers(0, 2)),
        }
        fields["q"] = Operand.B if fields["q"] == Operand.D else fields["q"]
    elif cached:
        fields |= {"d_addr": 0, "d_stride": 0, "d_reg": BASE, "q": int(rng.choice([0, Operand.CONSTANT]))}
        _cache(bench)
    bench.state.positions[:] = rng.integers(0, 300)
    return make(Op.VEC, **{**fields, **fixed})


def _operands(rng: np.random.Generator) -> dict[str, int]:
    return {
        "p": int(rng.choice(FACTORS)), "p_index": int(rng.integers(0, CONSTANTS)),
        "q": int(rng.choice(ADDENDS)), "q_index": int(rng.integers(0, CONSTANTS)),
        "function": int(rng.integers(0, Function.RSQRT)) if rng.random() < 0.5 else Function.NONE,
        "swap": int(rng.integers(0, 2)), "mask": int(rng.choice(list(Mask))),
    }  # fmt: skip


def _places(rng: np.random.Generator, n: int, columns: int) -> dict[str, int]:
    """Disjoint, or the destination in place of a or b."""
    room = REGION - n * columns
    at = {
        f"{x}_addr": base + int(rng.integers(0, room + 1)) for x, base in zip("abd", (A, B, D), strict=True)
    }
    at |= {f"{x}_stride": n for x in "abd"}
    if room < REGION // 2:
        at["b_stride"] = 0  # the same for all columns
    elif rng.random() < 0.3:
        at["d_addr"] = at[rng.choice(["a_addr", "b_addr"])]
    return at


def _after(rng: np.random.Generator) -> int:
    p, q = (int(rng.integers(0, CONSTANTS)) if rng.random() < 0.5 else BYPASS for _ in range(2))
    return after(int(rng.integers(0, SCALARS)), p, q, Function(int(rng.integers(0, 4))))


def _head(bench: Bench, columns: int) -> int:
    """Groups of a head: a power of two, at least a fold."""
    power = int(bench.rng.integers(0, (REGION // columns).bit_length()))
    return max(bench.core.lane_groups, 1 << power)


def _cache(bench: Bench) -> None:
    registers, rng = bench.state.registers, bench.rng
    words = len(bench.state.memory) // bench.core.port_bytes
    registers[BASE] = int(rng.integers(0, words // 4))
    # A row tile of values holds all tokens, a byte a row; scales come behind the last tile.
    tokens = 512
    registers[VALUE_STRIDE] = tokens * bench.core.rows // bench.core.port_bytes + int(rng.integers(0, 3))
    registers[VALUE_SCALES] = words // 2


def odd_stream(rng: np.random.Generator, source: Source, n: int) -> np.ndarray:
    """Bytes of numbers that are not canonical: subnormals, -0, infinities."""
    x = rng.integers(0, 1 << 32, n * GROUP).astype(np.uint32)
    exponent = rng.choice([0, 1, 127, 254, 255], n * GROUP).astype(np.uint32)
    x = x & np.uint32(0x807FFFFF) | exponent << 23
    x = np.where(exponent == 255, x & np.uint32(0xFF800000), x).astype(np.uint32)
    return (x >> 16).astype(np.uint16).view(np.uint8) if source == Source.CACHE_BF16 else x.view(np.uint8)
