"""What the vector unit does around the matrices: the passes of the program, in cycles of the hardware.

The workload counts lane operations (workload/vectors.py); here they become the passes that lower/ writes. Each
kind of pass is linear in elements and columns; its three figures come from cycles_vector.py, for each unit: so many
vector lanes at so wide a port.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...workload.operators import Operators, Vector
from . import cycles_vector
from .core import BOUNDS, GROUP
from .cycles_control import DECODE, ISSUE, PRODUCT
from .isa import Function, Operand, Reduce, Source, Target


def _powers(name: str) -> list[int]:
    low, high, _ = BOUNDS[name]
    return [1 << i for i in range(low.bit_length() - 1, high.bit_length())]


LANES, PORTS = _powers("vector_lanes"), _powers("port_bytes")
_UNITS = np.array([(lanes, port) for lanes in LANES for port in PORTS]).T
_REFERENCE = {"rows": 8, "lanes": 32, "multiplier_bits": 4}
_PLAIN = {"a_source": Source.SCRATCH, "p": 0, "q": 0, "function": 0, "reduce": 0, "target": Target.SCRATCH}
# Kinds of passes, by what distinguishes them from a copy.
KINDS: dict[str, dict[str, int]] = {
    "stream": {"a_source": Source.CACHE},
    "scales": {"a_source": Source.CACHE_BF16},
    "copy": {},
    "scale": {"p": Operand.SCALAR},
    "add": {"q": Operand.B},
    "multiply": {"p": Operand.B},
    "multiply_add": {"p": Operand.B, "q": Operand.D},
    "function": {"p": Operand.CONSTANT, "q": Operand.SCALAR, "function": Function.EXP2},
    "quantize": {"target": Target.BUFFER},
    "multiply_quantize": {"p": Operand.B, "target": Target.BUFFER},
    "squares": {"p": Operand.A, "reduce": Reduce.SUM, "after_function": Function.RSQRT},
    "sum": {"reduce": Reduce.SUM, "after_function": Function.RECIPROCAL},
    "max": {"reduce": Reduce.MAX},
}


def unit_of(vector_lanes: Any, port_bytes: Any) -> Any:
    """Which unit it is; of one beyond the bounds, the nearest."""
    lanes = np.log2(np.clip(vector_lanes, LANES[0], LANES[-1])) - np.log2(LANES[0])
    port = np.log2(np.clip(port_bytes, PORTS[0], PORTS[-1])) - np.log2(PORTS[0])
    return (np.round(lanes) * len(PORTS) + np.round(port)).astype(np.intp)


@functools.cache
def figures(kind: str) -> np.ndarray:
    """[element, column, pass] x [units]: cycles of a pass = (elements element + column) columns + pass."""
    lanes, ports = _UNITS

    def at(n: int, columns: int) -> np.ndarray:
        given = {**_REFERENCE, **_PLAIN, **KINDS[kind], "vector_lanes": lanes, "port_bytes": ports}
        return np.asarray(cycles_vector.cycles(n=n, columns=columns, **given), float)

    element = (at(2, 1) - at(1, 1)) / GROUP
    column = at(1, 2) - at(1, 1) - GROUP * element
    return np.stack([element, column, at(1, 1) - column - GROUP * element + DECODE + ISSUE])


# Passes together, [element, column, fixed] x [units]: cycles by what all elements of a column take, which cores
# share, by column, and whatever the columns.
Work = np.ndarray


def nothing() -> Work:
    return np.zeros((3, _UNITS.shape[1]))


def passes(kind: str, elements: float, count: float = 1.0, dynamic: int = 0) -> Work:
    """`count` passes of `kind` over `elements` of a column in all."""
    element, column, fixed = figures(kind)
    return np.stack([element * elements, column * count, (fixed + PRODUCT * dynamic) * count])


def once(kind: str, elements: float, count: float = 1.0) -> Work:
    """A pass over one vector, however many columns there are."""
    element, column, fixed = figures(kind)
    zero = np.zeros(_UNITS.shape[1])
    return np.stack([zero, zero, element * elements + (column + fixed) * count])


def each(work: Work) -> Work:
    """The same for every column by itself."""
    return np.stack([work[0], work[1] + work[2], np.zeros(_UNITS.shape[1])])


def _norm(elements: float, width: float) -> Work:
    n = elements / width
    parts = (
        once("stream", elements, n), passes("squares", elements, n), passes("scale", elements, n),
        passes("multiply_quantize", elements, n),
    )  # fmt: skip
    return sum(parts, nothing())


def _gate(elements: float) -> Work:
    parts = (
        passes("function", 2 * elements, 2),
        passes("multiply", elements),
        passes("multiply_quantize", elements),
    )
    return sum(parts, nothing())


def work_of(v: Vector, width: float) -> Work:
    """The passes of one layer. Lane operations an element: see workload/vectors.py."""
    ops = float(v.per_token)
    match v.name:
        case "norm":
            return _norm(ops / 3, width)
        case "residual":
            return passes("add", ops, ops / width)
        case "activation":
            return _gate(ops / 5)
        case "rope":  # swapped times sine, then times cosine plus that: two passes a token
            return each(passes("multiply", ops / 2) + passes("multiply_add", ops / 2))
        case "qk_norm":
            return _norm(ops / 3, ops / 3)
        case "softmax":  # itself with the attention; what it gives is quantized for the next matrix
            return passes("quantize", ops)
        case "quantize" | "sample":  # in the passes that write; in the drain
            return nothing()
        case _:  # routing, gates, state-space and linear-attention mixers: a word a lane operation
            return passes("scale", ops, 4)


@dataclass(frozen=True, eq=False)
class Around:
    """Work before each matrix: of those that take a layer's input (`first`), of those that take what lies inside
    (`down`), of the head; and before each attention."""

    first: Work
    down: Work
    head: Work
    attention: Work


_PLACES = {"norm": "first", "residual": "first", "routing": "first", "activation": "down"}


@functools.lru_cache(maxsize=256)
def around(operators: Operators) -> Around:
    """Vector work, each before the matrices that wait for it."""
    width = float(next((op.width for op in operators.lookups), 1))
    sums = dict.fromkeys(("first", "down", "attention", "head"), nothing())
    for v in operators.vectors:
        where = "head" if v.last_token_only else _PLACES.get(v.name, "attention")
        sums[where] = sums[where] + work_of(v, width) * v.count
    counts = _counts(operators)
    for where in ("down", "attention"):
        if not counts[where]:  # nothing of the kind: its work goes before the first matrices
            sums["first"], sums[where] = sums["first"] + sums[where], nothing()
    return Around(**{where: work / max(counts[where], 1) for where, work in sums.items()})


def _counts(operators: Operators) -> dict[str, Any]:
    body = [g for g in operators.gemms if not g.last_token_only]
    mixers = sum(a.count for a in operators.attentions) + sum(r.count for r in operators.recurrences)
    return {
        "first": sum(g.count for g in body if g.shard != "row"),
        "down": sum(g.count for g in body if g.shard == "row" and g.tensor != "attention"),
        "attention": mixers,
        "head": 1,
    }
