"""Instructions of family `tensor`: one table that the hardware, the compiler and the golden model share."""

from .fields import (
    AFTER,
    BATCH,
    BYPASS,
    COLUMN,
    COUNTERS,
    FIELDS,
    INSTRUCTION_BITS,
    OPCODE_BITS,
    REGISTER_AT,
    SPAN,
    TOKEN,
    VALUE_SCALES,
    VALUE_STRIDE,
    ZERO,
)
from .instruction import Instruction, after, decode, encode, make, pack_bits, unpack_bits
from .words import Function, Mask, Op, Operand, Reduce, Scale, Source, Target

__all__ = [
    "AFTER", "BATCH", "BYPASS", "COLUMN", "COUNTERS", "FIELDS", "INSTRUCTION_BITS", "OPCODE_BITS",
    "REGISTER_AT", "SPAN", "TOKEN", "VALUE_SCALES", "VALUE_STRIDE", "ZERO", "Function", "Instruction", "Mask", "Op",
    "Operand", "Reduce", "Scale", "Source", "Target", "after", "decode", "encode", "make", "pack_bits", "unpack_bits",
]  # fmt: skip
