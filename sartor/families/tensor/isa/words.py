"""Opcodes, and what the numbers in their fields mean."""

from __future__ import annotations

import enum

from ....formats.group_scale import Scale as Scale  # one of the words of MM


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
    RSQRT = 3  # of a reduced number only: the table of lane 0


class Reduce(enum.IntEnum):
    NONE = 0
    SUM = 1
    MAX = 2
    MAGNITUDE = 3  # largest absolute value, its sign in the lowest bit


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
