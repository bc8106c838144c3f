"""Adders of many bits as chains of full adders, and full adders of many bits as single ones."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from .gates import Bit, Module, extended, integer


def split(module: Module, fast: Container[str] = ()) -> None:
    """Replace every `$fa` and `$alu` by `$fa` cells of one bit. The `$alu` cells named in `fast` stay:
    they become parallel-prefix adders later."""
    for name, cell in list(module.cells.items()):
        if cell["type"] == "$fa":
            _split_fa(module, name, module.cells.pop(name))
        elif cell["type"] == "$alu" and name not in fast:
            _split_alu(module, name, module.cells.pop(name))


def _split_fa(module: Module, name: str, cell: dict[str, Any]) -> None:
    wires = cell["connections"]
    for i, (a, b, c, x, y) in enumerate(zip(*(wires[p] for p in "ABCXY"), strict=True)):
        one_bit(module, f"{name}.{i}", (a, b, c), carry=x, total=y)


def one_bit(module: Module, name: str, inputs: tuple[Bit, Bit, Bit], *, carry: Bit, total: Bit) -> None:
    module.add("$fa", dict(zip("ABC", inputs, strict=True)), {"X": carry, "Y": total}, name)


def _split_alu(module: Module, name: str, cell: dict[str, Any]) -> None:
    """A chain: each carry is the next bit's third input; BI inverts the second operand."""
    wires, parameters = cell["connections"], cell["parameters"]
    width = len(wires["Y"])
    a = extended(wires["A"], width, bool(integer(parameters["A_SIGNED"])))
    b = extended(wires["B"], width, bool(integer(parameters["B_SIGNED"])))
    carry = wires["CI"][0]
    for i in range(width):
        second = _inverted_if(module, wires["BI"][0], b[i], f"{name}.{i}.b")
        module.gate("XOR", a[i], second, name=f"{name}.{i}.x", output=wires["X"][i])
        one_bit(module, f"{name}.{i}", (a[i], second, carry), carry=wires["CO"][i], total=wires["Y"][i])
        carry = wires["CO"][i]


def _inverted_if(module: Module, invert: Bit, bit: Bit, name: str) -> Bit:
    if invert == "0":
        return bit
    if invert != "1":
        return module.gate("XOR", bit, invert, name=name)
    return {"0": "1", "1": "0"}.get(str(bit)) or module.gate("NOT", bit, name=name)
