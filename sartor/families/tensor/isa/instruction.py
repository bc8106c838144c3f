"""One instruction: its fields, checked, as text, and as the word in the program memory."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field

from ....errors import InputError
from .fields import AFTER, BYPASS, FIELDS, OPCODE_BITS
from .words import Function, Op


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
        if self.op is Op.VEC and self.values.get("function") == Function.RSQRT:
            raise InputError(
                f"VEC {self.label}: function = RSQRT of every element; only a reduced number can have it, since lane 0 "
                "alone has its table (try after_function of a reduction)"
            )
        self.__dict__.update({name: self.values.get(name, 0) for name in widths})  # the golden model reads often

    def __getattr__(self, name: str) -> int:
        raise AttributeError(name)  # fields are attributes of the instance; this tells the type checker

    @functools.cached_property
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
    '0x1000000051'
    """
    return instruction.op | pack_bits(instruction.values, FIELDS[instruction.op]) << OPCODE_BITS


def decode(word: int) -> Instruction:
    """The instruction of a word; an unknown opcode is an InputError."""
    number = word & (1 << OPCODE_BITS) - 1
    if number not in Op._value2member_map_:
        raise InputError(f"opcode {number} is unknown (0 to {max(Op)})")
    op = Op(number)
    return Instruction(op, unpack_bits(word >> OPCODE_BITS, FIELDS[op]))
