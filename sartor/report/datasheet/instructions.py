"""The instruction set, from the table that shapes the hardware."""

from __future__ import annotations

from typing import Any

from ...families.tensor.isa import FIELDS, INSTRUCTION_BITS, OPCODE_BITS, Op
from ...families.tensor.numerics import UNIT_BIAS
from .words import phrase


def instructions() -> list[dict[str, Any]]:
    """Each operation with its code and its fields from the lowest bit up."""
    return [
        {
            "name": op.name,
            "code": int(op),
            "description": phrase("operations", op.name),
            "fields": _fields(op),
        }
        for op in Op
    ]


def _fields(op: Op) -> list[dict[str, Any]]:
    rows = [{"name": "opcode", "low": 0, "high": OPCODE_BITS - 1, "description": f"{int(op)}"}]
    for name, width in FIELDS[op]:
        low = int(rows[-1]["high"]) + 1  # type: ignore[call-overload]
        rows.append({"name": name, "low": low, "high": low + width - 1, "description": _meaning(op, name)})
    return rows


def _meaning(op: Op, name: str) -> str:
    """What a field says in this operation: some names serve two."""
    if name == "count":
        return "repetitions" if op == Op.LOOP else "units in a run"
    if name == "address" and op == Op.FETCH:
        return "word address, added to register `reg`"
    if name == "reg" and op != Op.FETCH:
        return "register"
    if name == "d_addr" and op == Op.MM:
        return "destination"
    if name == "unit" and op == Op.MM:
        return f"an accumulator counts 2^(E + unit - {UNIT_BIAS})"
    return phrase("fields", name)


def pieces(fields: list[dict[str, Any]], word_bits: int = 32) -> list[list[tuple[str, int, int]]]:
    """Fields cut at words, as the host writes them: for each word used (name, low, high) within it, lowest
    first; what no field uses is left out.

    >>> pieces([{"name": "a", "low": 0, "high": 3}, {"name": "b", "low": 4, "high": 35}])
    [[('a', 0, 3), ('b', 4, 31)], [('b', 0, 3)]]
    """
    found: list[list[tuple[str, int, int]]] = [[] for _ in range(INSTRUCTION_BITS // word_bits)]
    for field in fields:
        for word in range(field["low"] // word_bits, field["high"] // word_bits + 1):
            low, high = (
                max(field["low"], word * word_bits),
                min(field["high"], word * word_bits + word_bits - 1),
            )
            found[word].append((field["name"], low % word_bits, high % word_bits))
    return [word for word in found if word]
