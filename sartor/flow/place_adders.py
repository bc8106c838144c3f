"""From `$fa` cells of one bit to the library's adders or, where those are no smaller, to gates."""

from __future__ import annotations

from .adders import AdderCell, Node, Polarity, find_adder
from .cells import Library
from .fold import fold
from .gates import Bit, Module, levels_of

_XOR2, _AND2, _NAND2, _MAJ3, _MIN3 = 0b0110, 0b1000, 0b0111, 0b11101000, 0b00010111


def place(module: Module, library: Library) -> None:
    """Replace every `$fa` of the module."""
    fold(module)
    _drop_unused(module)
    finder, levels, users = _Choice(library), levels_of(module), module.users()
    nodes = []
    for name, cell in [(n, c) for n, c in module.cells.items() if c["type"] == "$fa"]:
        wires = {p: b[0] for p, b in cell["connections"].items()}
        adder = finder.adder(wires, (wires["X"] in users, wires["Y"] in users))
        del module.cells[name]
        if adder is None:
            _as_gates(module, name, wires)
        else:
            nodes.append(_node(name, adder, wires, levels))
    for node in nodes:  # the module knows their wires again
        module.add("$adder", _numbered(node.inputs), {"X": node.carry, "Y": node.sum}, node.name)
    polarity = Polarity(module, nodes, library)
    polarity.settle(sorted(nodes, key=lambda n: levels.get(n.sum, 0)))
    _emit(module, nodes, polarity)


def _numbered(bits: list[Bit]) -> dict[str, Bit]:
    return dict(zip("ABC", bits, strict=False))


class _Choice:
    """Which adder of the library replaces a `$fa`, if any."""

    def __init__(self, library: Library) -> None:
        self.full, self.half = find_adder(library, 3), find_adder(library, 2)
        self.xor = self._area(library, (_XOR2,), 2)
        self.conjunction = self._area(library, (_AND2, _NAND2), 2)
        self.majority = self._area(library, (_MAJ3, _MIN3), 3, 4 * self.conjunction)

    @staticmethod
    def _area(library: Library, truths: tuple[int, ...], inputs: int, default: float = 1e9) -> float:
        cells = [library.smallest((t,), inputs) for t in truths]
        return min([c.area_um2 for c in cells if c], default=default)

    def adder(self, wires: dict[str, Bit], used: tuple[bool, bool]) -> AdderCell | None:
        """`used`: whether something reads the carry, the sum."""
        live = [wires[p] for p in "ABC" if not isinstance(wires[p], str)]
        known = all(wires[p] in ("0", "1") for p in "ABC" if isinstance(wires[p], str))
        cell = {3: self.full, 2: self.half}.get(len(live)) if known else None
        if cell is None or len(set(live)) < len(live):
            return None
        carry, total = (self.majority, 2 * self.xor) if len(live) == 3 else (self.conjunction, self.xor)
        gates = carry * used[0] + total * used[1]
        # One output alone, at the same price, is faster as a gate.
        area = cell.cell.area_um2
        return cell if area < gates or (all(used) and area == gates) else None


def _node(name: str, adder: AdderCell, wires: dict[str, Bit], levels: dict[Bit, int]) -> Node:
    inputs = [wires[p] for p in "ABC"]
    live = sorted((b for b in inputs if not isinstance(b, str)), key=lambda b: -levels.get(b, 0))
    return Node(name, adder, list(live), wires["Y"], wires["X"], int("1" in inputs), len(live) == 3)


def _as_gates(module: Module, name: str, wires: dict[str, Bit]) -> None:
    """a + b + c with two half adders; Yosys folds the constants."""
    a, b, c = (wires[p] for p in "ABC")
    half = module.gate("XOR", a, b, name=f"{name}.h")
    module.gate("XOR", half, c, name=f"{name}.s", output=wires["Y"])
    both, through = module.gate("AND", a, b, name=f"{name}.g"), module.gate("AND", half, c, name=f"{name}.p")
    module.gate("OR", both, through, name=f"{name}.c", output=wires["X"])


def _drop_unused(module: Module) -> None:
    """Remove `$fa` cells that nothing reads, from the ends back."""
    users = module.users()
    left = {n: c["connections"] for n, c in module.cells.items() if c["type"] == "$fa"}
    drivers = module.drivers()
    work = list(left)
    while work:
        name = work.pop()
        if name not in left or any(users.get(left[name][p][0]) for p in "XY"):
            continue
        for port in "ABC":
            bit = left[name][port][0]
            users[bit].remove((name, port))
            work.append(drivers.get(bit, ""))
        del left[name], module.cells[name]


def _emit(module: Module, nodes: list[Node], polarity: Polarity) -> None:
    """The library's cells, and an inverter wherever a net is read in the other polarity."""
    flipped: dict[Bit, Bit] = {}

    def complement(bit: Bit) -> Bit:
        if bit not in flipped:
            flipped[bit] = module.net()
        return flipped[bit]

    for node in nodes:
        del module.cells[node.name]
        inputs = [complement(b) if node.mode else b for b in node.inputs]
        outputs = [complement(b) if inverted else b for b, inverted in node.offers()]
        pins = dict(zip(node.adder.inputs, inputs, strict=True))
        made = dict(zip((node.adder.sum, node.adder.carry), outputs, strict=True))
        module.add(node.adder.cell.name, pins, made, node.name)
    offered = {bit: inverted for node in nodes for bit, inverted in node.offers()}
    for bit, other in flipped.items():
        if offered.get(bit):
            if bit in polarity.read_true or any(not n.mode for n in polarity.takers.get(bit, ())):
                module.gate("NOT", other, name="$inv", output=bit)
        else:
            module.gate("NOT", bit, name="$inv", output=other)
