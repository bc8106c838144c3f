"""Mapping: full adders of the library, few inverters, and the same function."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module, Signal, Value
from amaranth.lib.memory import Memory
from tiny import Design, In, Out, multiply_add, near, real, rtlil, tiny

from sartor.flow import logic
from sartor.flow.cells import Library
from sartor.flow.gates import Module as Netted
from sartor.flow.generic import gate_count
from sartor.flow.mapping import Mapped, map_cells
from sartor.flow.meaning import read_library
from sartor.flow.netlist import from_flat, to_flat
from sartor.flow.place_adders import place
from sartor.flow.simulate import Simulator, from_words, to_words
from sartor.rtl.csa import full_adder, summed
from sartor.rtl.dot import DotProduct

pytest.importorskip("pyosys", reason="needs Yosys: pip install pyosys")

PS = 1e-12
RUNS = 128


def mapped(
    design: Any, library: Library | None = None, period_s: float = 1000 * PS, **options: Any
) -> Mapped:
    return map_cells(rtlil(design), "top", library or tiny(), period_s=period_s, **options)


def mismatches(found: Mapped, cycles: int = 20) -> int:
    """Replay of `multiply_add` against NumPy: runs in which y differs in some cycle."""
    rng, simulator = np.random.default_rng(7), Simulator(found.netlist, RUNS // 64)
    wrong, expected = 0, [np.zeros(RUNS, dtype=np.int64)]
    for cycle in range(cycles):
        a, b, c = rng.integers(0, 16, RUNS), rng.integers(-8, 8, RUNS), rng.integers(-128, 128, RUNS)
        for port, numbers, bits in (("a", a, 4), ("b", b, 4), ("c", c, 8)):
            simulator.set(port, to_words(numbers, bits))
        simulator.settle()
        simulator.clock()
        simulator.settle()
        y = from_words(simulator.get("y"), RUNS, signed=True)
        wrong += int((y != expected[-1]).sum()) if cycle else 0
        expected.append(a * b + c)
    return wrong


def replay_dot(design: DotProduct, found: Mapped, cycles: int = 12) -> int:
    """Wrong totals of a replay of random codes and values against NumPy."""
    rng, simulator = np.random.default_rng(11), Simulator(found.netlist, RUNS // 64)
    expected, wrong = [], 0
    for _ in range(cycles):
        codes = rng.integers(0, 2**design.code_bits, (design.lanes, RUNS))
        values = rng.integers(-(2 ** (design.value_bits - 1)), 2 ** (design.value_bits - 1), codes.shape)
        simulator.set("codes", np.concatenate([to_words(c, design.code_bits) for c in codes]))
        simulator.set("values", np.concatenate([to_words(v, design.value_bits) for v in values]))
        expected.append((codes * values).sum(axis=0))
        simulator.settle()
        if len(expected) > design.latency:
            total = from_words(simulator.get("total"), RUNS, signed=True)
            wrong += int((total != expected[-1 - design.latency]).sum())
        if design.latency:
            simulator.clock()
    return wrong


def tree_of(heights: Sequence[int]) -> Design:
    """The sum of `heights[w]` input bits of each weight."""

    def fill(m: Module, d: Any) -> None:
        bits = iter(d.bits)
        columns: list[list[Value]] = [[next(bits) for _ in range(height)] for height in heights]
        m.d.comb += d.total.eq(summed(m, columns, 0))

    return Design({"bits": In(sum(heights)), "total": Out(len(heights))}, fill)


def test_inverting_full_adders_in_two_levels_need_few_inverters() -> None:
    """Three full adders and one behind their sums. True inputs give complements, of which the fourth makes
    a true sum and a true carry. The three first carries leave as outputs: three inverters, not nine."""

    def fill(m: Module, d: Any) -> None:
        sums = [Signal(name=f"s{i}") for i in range(3)]
        for i in range(3):
            bits = d.a[3 * i : 3 * i + 3]
            m.submodules += full_adder(bits[0], bits[1], bits[2], total=sums[i], carry=d.y[i])
        m.submodules += full_adder(*sums, total=d.y[3], carry=d.y[4])

    found = mapped(Design({"a": In(9), "y": Out(5)}, fill))
    assert found.cells == {"FA": 4, "INV": 3} and found.area_um2 == 4 * 8 + 3


def test_constants_and_unused_outputs_cost_no_full_adder() -> None:
    def fill(m: Module, d: Any) -> None:
        x = Signal()
        m.submodules += full_adder(d.a[0], d.a[1], Value.cast(0), total=d.y[0], carry=d.y[1])
        m.submodules += full_adder(d.a[2], d.a[3], Value.cast(1), total=d.y[2], carry=x)

    found = mapped(Design({"a": In(4), "y": Out(3)}, fill))
    # A half adder with two inverters (5 + 2) is no more than XOR and AND (8); a + b + 1 without carry is XNOR.
    assert found.cells == {"HA": 1, "INV": 2, "XNOR2": 1}


def test_adders_with_any_constants_do_what_they_should() -> None:
    """All 64 choices of three inputs among a, b, 0, 1; the carry goes on into an adder with a constant 1."""
    kinds = [(i, j, k) for i in range(4) for j in range(4) for k in range(4)]
    module = _constant_adders(kinds)
    place(module, tiny())
    assert not any(c["type"] == "$fa" for c in module.cells.values())
    for a, b in ((0, 0), (0, 1), (1, 0), (1, 1)):
        bits = _evaluated(module, {2: a, 3: b})
        for n, (i, j, k) in enumerate(kinds):
            x, y, x2, y2 = (bits[net] for net in module.data["ports"]["y"]["bits"][4 * n : 4 * n + 4])
            ones = sum((a, b, 0, 1)[which] for which in (i, j, k))
            assert (x, y) == (ones >> 1, ones & 1) and (x2, y2) == ((x + 1) >> 1, (x + 1) & 1)


def _constant_adders(kinds: list[tuple[int, int, int]]) -> Netted:
    """Per choice: its carry and sum, and those of carry + 0 + 1."""
    made: dict[str, Any] = {"cells": {}, "ports": {}, "netnames": {}}
    made["ports"]["a"] = {"direction": "input", "bits": [2, 3]}
    module = Netted(made)
    outputs: list[Any] = []
    for n, choice in enumerate(kinds):
        outputs += [module.net() for _ in range(4)]
        x, y, x2, y2 = outputs[-4:]
        inputs = [(2, 3, "0", "1")[which] for which in choice]
        module.add("$fa", dict(zip("ABC", inputs, strict=True)), {"X": x, "Y": y}, f"f{n}")
        module.add("$fa", {"A": x, "B": "0", "C": "1"}, {"X": x2, "Y": y2}, f"g{n}")
    made["ports"]["y"] = {"direction": "output", "bits": outputs}
    return module


def _evaluated(module: Netted, known: dict[Any, int]) -> dict[Any, int]:
    """The value of every net: gates of Yosys and adders of the tiny library, until nothing is left."""
    gates = {"$_NOT_": "!A", "$_AND_": "A & B", "$_OR_": "A | B", "$_XOR_": "A ^ B"}
    bits, left = {"0": 0, "1": 1, **known}, dict(module.cells)
    while left:
        before = len(left)
        for name, cell in list(left.items()):
            wires = {p: b[0] for p, b in cell["connections"].items()}
            inputs = {p: w for p, w in wires.items() if cell["port_directions"][p] == "input"}
            if all(w in bits for w in inputs.values()):
                for pin in wires.keys() - inputs.keys():
                    kind = cell["type"]
                    function = gates.get(kind) or tiny().cell(kind).pins[pin].function
                    bits[wires[pin]] = logic.evaluator(function)({p: bits[w] for p, w in inputs.items()}, 1)
                del left[name]
        assert len(left) < before, "a net has no driver"
    return bits


@pytest.mark.parametrize("name", ["tiny", "asap7", "sky130", "osu018"])
@pytest.mark.parametrize("fast", [False, True])
def test_a_mapped_netlist_does_what_the_rtl_does(name: str, fast: bool) -> None:
    library = tiny() if name == "tiny" else read_library(real(name))
    found = mapped(multiply_add(), library, 1 * PS if fast else 1e-6)
    assert mismatches(found) == 0
    assert (found.timing.slack_s < 0) == fast


def test_a_wrong_cell_is_found() -> None:
    found = mapped(multiply_add())
    index = next(i for i, x in enumerate(found.netlist.instances) if x.cell.name == "NAND2")
    instances = list(found.netlist.instances)
    instances[index] = replace(instances[index], cell=tiny().cell("NOR2"))
    assert mismatches(replace(found, netlist=replace(found.netlist, instances=tuple(instances)))) > 0


@pytest.mark.parametrize(("lanes", "code_bits", "registers"), [(5, 4, 0), (4, 8, 1), (8, 4, 2)])
def test_the_dot_product_as_gates(lanes: int, code_bits: int, registers: int) -> None:
    design = DotProduct(lanes=lanes, code_bits=code_bits, registers=registers, structural=True)
    assert replay_dot(design, mapped(design)) == 0


def test_a_tree_uses_one_full_adder_for_each_bit_that_goes() -> None:
    # 24 bits of 3 weights; 5 columns hold the sum (at most 8 * 7 = 56 needs 6, so the top carry is dropped).
    found = mapped(tree_of([8, 8, 8, 0, 0, 0]))
    assert found.cells["FA"] == 24 - 6


def test_components_are_rows_and_add_up() -> None:
    def fill(m: Module, d: Any) -> None:
        for i in range(2):
            part = multiply_add()
            m.submodules[f"part{i}"] = part
            m.d.comb += [part.a.eq(d.a), part.b.eq(d.b), part.c.eq(d.c), d.y[9 * i : 9 * i + 9].eq(part.y)]

    design = Design({"a": In(4), "b": In(4), "c": In(8), "y": Out(18)}, fill)
    found = mapped(design)
    rows = {c.name: c for c in found.components}
    assert list(rows) == ["", "part0", "part1"]
    assert rows[""].area_um2 == near(rows["part0"].area_um2 + rows["part1"].area_um2)
    assert rows["part0"].area_um2 == rows["part1"].area_um2
    # Inputs a, b, c (4 + 4 + 8) and output 9 bits; nothing can be merged across the boundary.
    assert rows["part0"].registers == 25 and rows[""].register_um2 == 500
    assert found.register_share == near(500 / found.area_um2)
    # Dissolved, the two are seen to be equal.
    assert mapped(design, flatten=True).area_um2 < found.area_um2


def test_a_netlist_survives_its_text() -> None:
    found = mapped(multiply_add()).netlist
    again = from_flat(to_flat(found), tiny())
    assert to_flat(again) == to_flat(found) and json.loads(to_flat(found))["top"] == "top"
    assert Counter(i.cell.name for i in again.instances) == Counter(i.cell.name for i in found.instances)


def test_gate_equivalents_by_component_and_memory_bits() -> None:
    def part(m: Module, d: Any) -> None:
        m.d.sync += d.q.eq(d.a & d.b)

    def whole(m: Module, d: Any) -> None:
        m.submodules.part = inner = Design({"a": In(8), "b": In(8), "q": Out(8)}, part)
        m.submodules.store = store = Memory(shape=8, depth=64, init=[])
        write, read = store.write_port(), store.read_port()
        m.d.comb += [inner.a.eq(d.a), inner.b.eq(read.data), d.q.eq(inner.q)]
        m.d.comb += [write.addr.eq(d.at), write.data.eq(d.a), write.en.eq(1), read.addr.eq(d.at)]

    counted = gate_count(rtlil(Design({"a": In(8), "at": In(6), "q": Out(8)}, whole)), "top")
    rows = {c.name: c for c in counted.components}
    # Eight AND (1.67) and eight registers with a synchronous reset (5.33 + 1): 64.
    assert rows["part"].registers == 8 and rows["part"].gate_equivalents == near(64)
    assert rows[""].memory_bits == 64 * 8 and rows["part"].memory_bits == 0
    assert counted.whole is counted.components[0] and counted.black_boxes == {}


@pytest.mark.parametrize(("name", "gates"), [("tiny", 0), ("asap7", 2), ("sky130", 2)])
def test_registers_of_one_enable_share_a_clock_gate(name: str, gates: int) -> None:
    """Two rows of eight registers, each with its enable, and a reset: right in every cycle, gated or not."""

    def fill(m: Module, d: Any) -> None:
        middle = Signal(8)
        with m.If(d.first):
            m.d.sync += middle.eq(d.a)
        with m.If(d.second):
            m.d.sync += d.y.eq(middle)

    ports = {"a": In(8), "first": In(1), "second": In(1), "y": Out(8)}
    found = mapped(Design(ports, fill), tiny() if name == "tiny" else read_library(real(name)))
    assert sum(i.cell.gate is not None for i in found.netlist.instances) == gates
    rng, simulator = np.random.default_rng(3), Simulator(found.netlist, RUNS // 64)
    middle = y = np.zeros(RUNS, dtype=np.int64)
    for cycle in range(30):
        a, first, second = rng.integers(0, 256, RUNS), rng.integers(0, 2, RUNS), rng.integers(0, 2, RUNS)
        reset = rng.integers(0, 8, RUNS) == 0 if cycle else np.ones(RUNS, dtype=bool)
        for port, numbers in (("a", a), ("first", first), ("second", second), ("rst", reset.astype(int))):
            simulator.set(port, to_words(numbers, len(found.netlist.inputs[port])))
        simulator.settle()
        simulator.clock()
        simulator.settle()
        y, middle = np.where(second, middle, y) * ~reset, np.where(first, a, middle) * ~reset
        assert (from_words(simulator.get("y"), RUNS) == y).all()
