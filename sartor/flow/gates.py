"""One module of a netlist as Yosys writes it in JSON: bits, cells, and small edits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

Bit = int | str  # a net's number, or "0", "1", "x"

_SEQUENTIAL = ("$_DFF", "$_SDFF", "$_ALDFF", "$_DLATCH", "$_SR")


class Module:
    """`data` is the module's part of Yosys' JSON and is edited in place."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data
        self.cells: dict[str, dict[str, Any]] = data["cells"]
        self._next = 1 + max([1, *(b for b in self._all_bits() if isinstance(b, int))])
        self._made = 0

    def _all_bits(self) -> Iterator[Bit]:
        for part in (self.data["ports"], self.data["netnames"]):
            for item in part.values():
                yield from item["bits"]
        for cell in self.cells.values():
            for bits in cell["connections"].values():
                yield from bits

    def net(self) -> int:
        """A new net."""
        self._next += 1
        return self._next - 1

    def add(self, kind: str, inputs: dict[str, Bit], outputs: dict[str, Bit], name: str) -> str:
        """A new cell of single bits; its unique name."""
        self._made += 1
        unique = f"{name}.{self._made}" if name in self.cells or not name else name
        self.cells[unique] = {
            "hide_name": 0, "type": kind, "parameters": {}, "attributes": {},
            "port_directions": {**dict.fromkeys(inputs, "input"), **dict.fromkeys(outputs, "output")},
            "connections": {p: [b] for p, b in {**inputs, **outputs}.items()},
        }  # fmt: skip
        return unique

    def gate(self, kind: str, *inputs: Bit, name: str = "", output: Bit | None = None) -> Bit:
        """A gate of Yosys (as `AND` for `$_AND_`); its output."""
        result = self.net() if output is None else output
        self.add(f"$_{kind}_", dict(zip("AB", inputs, strict=False)), {"Y": result}, name or "$g")
        return result

    def users(self) -> dict[Bit, list[tuple[str, str]]]:
        """The (cell, port) pairs that read each net; ("", port) for the module's outputs."""
        found: dict[Bit, list[tuple[str, str]]] = {}
        for name, cell in self.cells.items():
            for port, bits in cell["connections"].items():
                if cell["port_directions"][port] == "input":
                    for bit in bits:
                        found.setdefault(bit, []).append((name, port))
        for port, item in self.data["ports"].items():
            if item["direction"] != "input":
                for bit in item["bits"]:
                    found.setdefault(bit, []).append(("", port))
        return found

    def drivers(self) -> dict[Bit, str]:
        """The cell that drives each net; inputs of the module are absent."""
        return {
            bit: name
            for name, cell in self.cells.items()
            for port, bits in cell["connections"].items()
            if cell["port_directions"][port] == "output"
            for bit in bits
        }


def integer(parameter: Any) -> int:
    """A cell's parameter: Yosys writes binary text or a number."""
    return parameter if isinstance(parameter, int) else int(parameter, 2)


def extended(bits: Sequence[Bit], width: int, signed: bool) -> list[Bit]:
    """The operand at `width` bits.

    >>> extended([2, 3], 4, signed=True), extended([2, 3], 1, signed=False)
    ([2, 3, 3, 3], [2])
    """
    fill: Bit = bits[-1] if signed and bits else "0"
    return [*bits, *([fill] * (width - len(bits)))][:width]


def is_register(kind: str) -> bool:
    """Whether a cell of Yosys holds state, so that paths end there."""
    return kind.startswith(_SEQUENTIAL)


def levels_of(module: Module) -> dict[Bit, int]:
    """How many cells lie before each net, counted from registers and inputs. Loops keep 0."""
    ends = {"input": {}, "output": {}}  # type: dict[str, dict[str, set[Bit]]]
    for name, cell in module.cells.items():
        for port, bits in cell["connections"].items():
            if not is_register(cell["type"]):
                ends[cell["port_directions"][port]].setdefault(name, set()).update(bits)
    made = set().union(*ends["output"].values()) if ends["output"] else set()
    waits = {name: len(ends["input"].get(name, set()) & made) for name in ends["output"]}
    readers: dict[Bit, list[str]] = {}
    for name in waits:
        for bit in ends["input"].get(name, ()):
            readers.setdefault(bit, []).append(name)
    return _walk(ends, waits, readers)


def _walk(
    ends: dict[str, dict[str, set[Bit]]], waits: dict[str, int], readers: dict[Bit, list[str]]
) -> dict[Bit, int]:
    """Cells in the order in which their inputs become known."""
    level: dict[Bit, int] = {}
    ready = [name for name, missing in waits.items() if not missing]
    while ready:
        name = ready.pop()
        after = 1 + max((level.get(b, 0) for b in ends["input"].get(name, ())), default=0)
        for bit in ends["output"][name]:
            level[bit] = after
            for reader in readers.get(bit, ()):
                waits[reader] -= 1
                ready += [] if waits[reader] else [reader]
    return level
