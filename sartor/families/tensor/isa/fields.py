"""Fields of each instruction, and the counters of the hardware.

An instruction is 128 bits: the opcode in the lowest four, then its fields from low to high in this order.
Addresses in the scratchpad and in the activation buffer count groups of 32 elements; memory addresses count
words of the memory port. The register that is added to an address or a value begins with the same bit in all
instructions (`REGISTER_AT`): the hardware reads it before it knows which one it has.
"""

from __future__ import annotations

from .words import Op

INSTRUCTION_BITS = 128
OPCODE_BITS = 4
REGISTER_AT = 36

# Registers with a meaning to the hardware.
ZERO, VALUE_STRIDE, VALUE_SCALES, SPAN = 0, 8, 9, 10
COLUMN = 11  # whose sequence it is: its position, its cache, and its embedding row where FETCH has TOKEN
TOKEN = 16  # FETCH only: register 16 + c is the memory address of column c's embedding row, c not 0

# A `count` of LOOP or `columns` of MM and VEC that is 0 stands for the sequences of the run, which the host says.
BATCH = 0

FIELDS: dict[Op, tuple[tuple[str, int], ...]] = {
    Op.HALT: (),
    Op.SET: (("value", 32), ("reg", 4)),
    Op.ADD: (("value", 32), ("reg", 4)),
    Op.LOOP: (("count", 16), ("length", 8)),
    Op.STREAM: (("address", 32), ("words", 32)),
    # outer x (unit x count) words; a stride of `stride` words between the outer runs, which are contiguous.
    # count is multiplied by the granules of the context where `dynamic`. The address is
    # address + register + (position << (position_shift - 1), if position_shift; else the cache's, where `dynamic`).
    Op.FETCH: (
        ("address", 32), ("reg", 5), ("unit", 12), ("count", 12), ("dynamic", 1), ("outer", 8),
        ("stride_reg", 4), ("position_shift", 5),
    ),
    # planes: of binary codes, less one.
    Op.MM: (
        ("cache", 1), ("element", 4), ("scale", 3), ("share", 2), ("tiles", 16), ("columns", 5),
        ("tiles_dynamic", 1), ("d_reg", 4), ("argmax", 1), ("folds", 12), ("folds_dynamic", 1),
        ("d_addr", 13), ("d_stride", 10), ("exponent", 8), ("unit", 10), ("planes", 2),
    ),
    Op.VEC: (
        ("n", 10), ("n_dynamic", 1), ("columns", 6),
        ("a_source", 2), ("a_addr", 13), ("d_reg", 4), ("a_stride", 10), ("a_reg", 3), ("swap", 1), ("mask", 2),
        ("b_addr", 13), ("b_stride", 10), ("b_reg", 3),
        ("p", 3), ("p_index", 4), ("q", 3), ("q_index", 4), ("function", 2),
        ("reduce", 2), ("target", 2), ("keep", 1), ("d_addr", 13), ("d_stride", 10),
    ),
    Op.FENCE: (),
}  # fmt: skip

# A reduction writes a scalar, not a vector: what it does after lies in the bits of `d_addr`, low to high.
# scalar = f(reduced p + q), p and q constants; index 15 of `after_p`, `after_q`: bypassed.
AFTER: tuple[tuple[str, int], ...] = (
    ("after_p", 4), ("after_q", 4), ("after_function", 2), ("scalar", 2),
)  # fmt: skip
BYPASS = 15

for _op, _fields in FIELDS.items():
    assert OPCODE_BITS + sum(w for _, w in _fields) <= INSTRUCTION_BITS, _op
    _at = {n: OPCODE_BITS + sum(w for _, w in _fields[:i]) for i, (n, _) in enumerate(_fields)}
    assert {_at[n] for n in ("reg", "d_reg") if n in _at} <= {REGISTER_AT}, _op

# Counters of the hardware, in cycles unless they are named words; read by the host, compared with the estimate.
COUNTERS = (
    "cycles", "mm_weights", "mm_cache", "vector", "fence", "control",
    "weight_stall", "cache_stall", "drain_stall",
    "weight_words", "cache_words", "store_words",
)  # fmt: skip
