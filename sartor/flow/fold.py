"""Full adders with constant inputs that need no adder, folded away through a whole tree."""

from __future__ import annotations

from .gates import Bit, Module, levels_of


def fold(module: Module) -> None:
    """Remove every `$fa` of one live input or none: its outputs are constants, that input or its inverse."""
    levels, same = levels_of(module), dict[Bit, Bit]()
    adders = [(n, c) for n, c in module.cells.items() if c["type"] == "$fa"]
    for name, cell in sorted(adders, key=lambda item: levels.get(item[1]["connections"]["Y"][0], 0)):
        wires = {p: same.get(b[0], b[0]) for p, b in cell["connections"].items()}
        inputs = [wires[p] for p in "ABC"]
        live = [b for b in inputs if not isinstance(b, str)]
        if len(live) > 1 or "x" in inputs:
            continue
        carry, total = _folded(module, name, live, inputs.count("1"))
        same[wires["X"]], same[wires["Y"]] = carry, total
        del module.cells[name]
    if same:
        _rename(module, same)


def _folded(module: Module, name: str, live: list[Bit], ones: int) -> tuple[Bit, Bit]:
    """Carry and sum of `ones` constant ones and at most one live bit."""
    if not live:
        return str(ones >> 1), str(ones & 1)
    bit = live[0]
    total = module.gate("NOT", bit, name=f"{name}.n") if ones == 1 else bit
    return ("0", bit, "1")[ones], total


def _rename(module: Module, same: dict[Bit, Bit]) -> None:
    """Read the nets that remain, everywhere."""
    for cell in module.cells.values():
        for port, bits in cell["connections"].items():
            if cell["port_directions"][port] == "input":
                cell["connections"][port] = [same.get(b, b) for b in bits]
    for group in ("ports", "netnames"):
        for item in module.data[group].values():
            item["bits"] = [same.get(b, b) for b in item["bits"]]
