"""Instructions of family `tensor`: one table that the hardware, the compiler and the golden model share.

An instruction is 128 bits: the opcode in the lowest four, then its fields from low to high in this order.
Addresses in the scratchpad and in the activation buffer count groups of 32 elements; memory addresses count
words of the memory port.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from ...errors import InputError

INSTRUCTION_BITS = 128
OPCODE_BITS = 4


class Op(enum.IntEnum):
    HALT = 0  # the program is done
    SET = 1  # register = value
    ADD = 2  # register += value
    LOOP = 3  # the next `length` instructions `count` times; loops nest three deep
    STREAM = 4  # start the weight queue: `words` from `address`
    FETCH = 5  # append to the cache queue
    MM = 6  # matrix times activation buffer
    VEC = 7  # one pass of the vector unit
    FENCE = 8  # wait until all stores are in memory


class Source(enum.IntEnum):
    """Where operand `a` of VEC comes from."""

    SCRATCH = 0
    WEIGHTS = 1  # binary32 from the weight queue
    CACHE = 2  # binary32 from the cache queue
    CACHE_BF16 = 3  # bfloat16 from the cache queue


class Scale(enum.IntEnum):
    """What a group of weight codes brings along: 32 << `share` of them, neighbors in a row."""

    NONE = 0  # scale 1, codes signed
    SCALE = 1  # binary16 d; w = d q, codes signed
    SCALE_MINIMUM = 2  # binary16 d, m; w = d q + m, codes unsigned


class Operand(enum.IntEnum):
    """Factor p and addend q of VEC: f(a p + q)."""

    NONE = 0  # p = 1, q = 0, exactly: the multiplier or the adder is bypassed
    A = 1  # p only: a squared
    B = 2
    SCALAR = 3
    CONSTANT = 4
    D = 5  # q only: the old content of the destination


class Function(enum.IntEnum):
    NONE = 0
    EXP2 = 1
    RECIPROCAL = 2
    RSQRT = 3


class Reduce(enum.IntEnum):
    NONE = 0
    SUM = 1
    MAX = 2
    MAGNITUDE = 3  # largest absolute value


class Target(enum.IntEnum):
    """Where a VEC pass writes."""

    SCRATCH = 0
    BUFFER = 1  # quantized, into the activation buffer
    KEYS = 2  # quantized, into the KV cache as keys
    VALUES = 3  # quantized with the scale of a scalar, into the KV cache as values


class Mask(enum.IntEnum):
    """Elements of `a` from the length on count as -MAX."""

    NONE = 0
    ALIKE = 1  # length = position + 1 in all columns
    CAUSAL = 2  # length = position + 1 + column


# Registers with a meaning to the hardware.
ZERO, VALUE_STRIDE, VALUE_SCALES, SPAN = 0, 8, 9, 10
TOKEN = 16  # FETCH only: register 16 + c is the memory address of column c's embedding row

FIELDS: dict[Op, tuple[tuple[str, int], ...]] = {
    Op.HALT: (),
    Op.SET: (("reg", 4), ("value", 32)),
    Op.ADD: (("reg", 4), ("value", 32)),
    Op.LOOP: (("count", 16), ("length", 8)),
    Op.STREAM: (("address", 32), ("words", 32)),
    # outer x (unit x count) words; a stride of `stride` words between the outer runs, which are contiguous.
    # count is multiplied by the granules of the context where `dynamic`. The address is
    # address + register + (position << (position_shift - 1), if position_shift).
    Op.FETCH: (
        ("reg", 5), ("address", 32), ("unit", 12), ("count", 12), ("dynamic", 1), ("outer", 8),
        ("stride_reg", 4), ("position_shift", 5),
    ),
    Op.MM: (
        ("cache", 1), ("code8", 1), ("scale", 2), ("share", 2), ("tiles", 16), ("tiles_dynamic", 1),
        ("folds", 12), ("folds_dynamic", 1), ("exponent", 5), ("columns", 5), ("argmax", 1),
        ("d_addr", 13), ("d_stride", 10), ("d_reg", 4),
    ),
    Op.VEC: (
        ("n", 10), ("n_dynamic", 1), ("columns", 6),
        ("a_source", 2), ("a_addr", 13), ("a_stride", 10), ("a_reg", 3), ("swap", 1), ("mask", 2),
        ("b_addr", 13), ("b_stride", 10), ("b_reg", 3),
        ("p", 3), ("p_index", 4), ("q", 3), ("q_index", 4), ("function", 2),
        ("reduce", 2), ("target", 2), ("keep", 1), ("d_addr", 13), ("d_stride", 10), ("d_reg", 4),
    ),
    Op.FENCE: (),
}  # fmt: skip

# A reduction writes a scalar, not a vector: what it does after lies in the bits of `d_addr`, low to high.
# scalar = f(reduced p + q), p and q constants; index 15 of `after_p`, `after_q`: bypassed.
AFTER: tuple[tuple[str, int], ...] = (
    ("after_p", 4), ("after_q", 4), ("after_function", 2), ("scalar", 2),
)  # fmt: skip
BYPASS = 15


@dataclass(frozen=True)
class Instruction:
    """One instruction; fields that are not given are 0. `label` names the tensor for people."""

    op: Op
    values: dict[str, int] = field(default_factory=dict)
    label: str = ""

    def __post_init__(self) -> None:
        widths = dict(FIELDS[self.op])
        for name, value in self.values.items():
            if name not in widths:
                raise InputError(f"{self.op.name} has no field {name!r} (it has {', '.join(widths)})")
            if not 0 <= value < 1 << widths[name]:
                most = (1 << widths[name]) - 1
                raise InputError(f"{self.op.name} {self.label}: {name} = {value} is outside 0 to {most}")
        self.__dict__.update({name: self.values.get(name, 0) for name in widths})  # the golden model reads often

    def __getattr__(self, name: str) -> int:
        raise AttributeError(name)  # fields are attributes of the instance; this tells the type checker

    @property
    def after(self) -> dict[str, int]:
        """What a reduction does after: the fields in `d_addr`."""
        return unpack_bits(self.d_addr, AFTER)

    def __str__(self) -> str:
        fields_ = " ".join(f"{k}={v}" for k, v in self.values.items() if v)
        return f"{self.op.name:6} {fields_}" + (f"  ; {self.label}" if self.label else "")


def make(op: Op, label: str = "", **values: int) -> Instruction:
    return Instruction(op, {k: int(v) for k, v in values.items()}, label)


def after(scalar: int, p: int = BYPASS, q: int = BYPASS, function: int = Function.NONE) -> int:
    """The `d_addr` of a reduction."""
    return pack_bits({"after_p": p, "after_q": q, "after_function": function, "scalar": scalar}, AFTER)


def pack_bits(values: dict[str, int], layout: tuple[tuple[str, int], ...]) -> int:
    word, at = 0, 0
    for name, width in layout:
        word |= values.get(name, 0) << at
        at += width
    return word


def unpack_bits(word: int, layout: tuple[tuple[str, int], ...]) -> dict[str, int]:
    values, at = {}, 0
    for name, width in layout:
        values[name] = word >> at & (1 << width) - 1
        at += width
    return values


def encode(instruction: Instruction) -> int:
    """The 128-bit word.

    >>> hex(encode(make(Op.SET, reg=1, value=5)))
    '0x511'
    """
    return instruction.op | pack_bits(instruction.values, FIELDS[instruction.op]) << OPCODE_BITS


def decode(word: int) -> Instruction:
    """The instruction of a word; an unknown opcode is an InputError."""
    number = word & (1 << OPCODE_BITS) - 1
    if number not in Op._value2member_map_:
        raise InputError(f"opcode {number} is unknown (0 to {max(Op)})")
    op = Op(number)
    return Instruction(op, unpack_bits(word >> OPCODE_BITS, FIELDS[op]))


for _op, _fields in FIELDS.items():
    assert OPCODE_BITS + sum(w for _, w in _fields) <= INSTRUCTION_BITS, _op

# Counters of the hardware, in cycles unless they are named words; read by the host, compared with the estimate.
COUNTERS = (
    "cycles", "mm_weights", "mm_cache", "vector", "fence", "control",
    "weight_stall", "cache_stall", "drain_stall",
    "weight_words", "cache_words", "store_words",
)  # fmt: skip
