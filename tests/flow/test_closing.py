"""What closes the timing: memories are timed, late nets get buffers, late cells get stronger."""

from dataclasses import replace
from typing import Any

import pytest
from amaranth.hdl import Module
from amaranth.lib.memory import Memory
from test_timing import AROUND, PS, netlist
from tiny import Design, In, Out, near, rtlil, tiny

from sartor.flow.arcs import ArcTables
from sartor.flow.buffers import buffered
from sartor.flow.constraints import Constraints, surroundings
from sartor.flow.mapping import Mapped, map_cells
from sartor.flow.netlist import Netlist, from_flat, to_flat
from sartor.flow.path import timing
from sartor.flow.sizing import sized
from sartor.flow.sta import Sta


def critical_s(drawn: Netlist, around: Constraints) -> float:
    return timing(Sta(drawn, ArcTables(tiny()), around)).critical_s


def test_a_memory_sends_late_and_takes_early() -> None:
    # A memory's word 3 + 20 ps after the edge, an inverter into 6 fF 5 + 12 ps, 9 ps before the next edge: 49 ps.
    drawn = netlist(("i", "INV", {"A": 3, "Y": 4}), inputs={"clk": 2}, outputs={})
    around = replace(AROUND, memory_delay_s=20 * PS, memory_setup_s=9 * PS)
    between = replace(drawn, memory_inputs=(4,), memory_outputs=(3,))
    slowest = timing(Sta(between, ArcTables(tiny()), around))
    assert slowest.critical_s == near(49 * PS) and slowest.ends_at == "a memory"
    again = from_flat(to_flat(between), tiny())
    assert (again.memory_inputs, again.memory_outputs) == ((4,), (3,))


def test_an_input_comes_from_a_register_that_feels_its_load() -> None:
    # Three inverters of 1 fF: 20 + 2 * 3 = 26 ps to them, 5 + 2 * 6 through one, 4 ps of margin.
    gates = [(f"i{i}", "INV", {"A": 2, "Y": 3 + i}) for i in range(3)]
    drawn = netlist(*gates, inputs={"a": 2}, outputs={"y": 3})
    assert critical_s(drawn, replace(AROUND, driver="DFFQN")) == near((26 + 17 + 4) * PS)
    assert critical_s(drawn, AROUND) == near((3 + 17 + 4) * PS)  # without: as told


def fan_out(patient: int, urgent: int) -> Netlist:
    """A register before `patient` inverters into nothing late, and `urgent` ones each before a long way."""
    rows = [("r", "DFFQN", {"CLK": 2, "D": 3, "QN": 4})]
    net = 5
    for i in range(patient + urgent):
        rows.append((f"g{i}", "INV", {"A": 4, "Y": net}))
        for step in range(12 if i >= patient else 0):
            rows.append((f"g{i}_{step}", "INV", {"A": net, "Y": net + 1}))
            net += 1
        rows.append((f"e{i}", "DFFQN", {"CLK": 2, "D": net, "QN": net + 1}))
        net += 2
    return netlist(*rows, inputs={"clk": 2, "d": 3}, outputs={})


def reaches(drawn: Netlist, net: int) -> set[str]:
    """The inverters behind a net, through buffers."""
    found: set[str] = set()
    for item in drawn.instances:
        if item.pins.get("A") == net:
            found |= reaches(drawn, item.pins["Y"]) if item.cell.name == "BUF" else {item.name}
    return found


def test_what_has_time_goes_behind_buffers() -> None:
    # Into 41 inverters 20 + 82 ps, 13 inverters of 7 ps, setup 7: 200. With the others behind two buffers 20 + 6.
    drawn, tables = fan_out(40, 1), ArcTables(tiny())
    around = replace(AROUND, period_s=210 * PS)
    assert critical_s(drawn, around) == near(200 * PS)
    assert buffered(Sta(drawn, tables, around), tables).netlist is drawn  # nothing late, nothing cut
    tight = replace(around, period_s=130 * PS)
    after = buffered(Sta(drawn, tables, tight), tables)
    assert reaches(after.netlist, 4) == reaches(drawn, 4)
    direct = [i.name for i in after.netlist.instances if i.pins.get("A") == 4 and i.cell.name == "INV"]
    assert direct == ["g40"] and timing(after).critical_s == near((26 + 91 + 7) * PS)


def test_a_late_net_that_drives_much_becomes_a_tree() -> None:
    drawn, tables = fan_out(0, 120), ArcTables(tiny())
    tight = replace(AROUND, period_s=100 * PS)
    before = Sta(drawn, tables, tight)
    after = buffered(before, tables)
    # 120 inverters: 20 + 240 ps; five buffers of 24: 20 + 10, then 10 + 48 each.
    assert before.worst_s - after.worst_s == near(-(260 - 88) * PS)
    assert reaches(after.netlist, 4) == reaches(drawn, 4)
    assert sized(after, tables).worst_s >= after.worst_s


def small_memory(words: int) -> Mapped:
    def fill(m: Module, d: Any) -> None:
        m.submodules.memory = memory = Memory(shape=4, depth=words, init=[])
        write, read = memory.write_port(), memory.read_port()
        m.d.comb += [write.en.eq(1), write.addr.eq(d.at), write.data.eq(d.data)]
        m.d.comb += [read.addr.eq(d.at), d.out.eq(~read.data)]

    design = Design({"at": In(range(words)), "data": In(4), "out": Out(4)}, fill)
    return map_cells(rtlil(design), "top", tiny(), period_s=1000 * PS)


def test_a_memory_too_small_for_a_macro_is_registers() -> None:
    assert small_memory(4).components[0].registers == 4 * 4 + 4 and not small_memory(4).netlist.black_boxes


def test_a_macro_is_no_gates_but_its_paths_are_timed() -> None:
    found = small_memory(64)
    assert found.netlist.black_boxes == {"$mem_v2": 1} and found.cells == {"INV": 4}
    assert len(found.netlist.memory_outputs) == 4 and len(found.netlist.memory_inputs) == 6 + 6 + 4
    around = surroundings(tiny(), 1000 * PS, ArcTables(tiny()))
    assert (around.memory_delay_s, around.memory_setup_s) == near((4 * 28 * PS, 3 * 7 * PS))
    # Clock to word 20 + 2 * 1 + 112, an inverter into 4 fF 13, margin 7: more than 20 + 2 * 8 + 21 to an address.
    assert found.timing.critical_s == pytest.approx(154 * PS, rel=1e-6, abs=0)
