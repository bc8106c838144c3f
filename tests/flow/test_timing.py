"""Static timing: by hand on the tiny library, against OpenSTA on real ones."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from amaranth.hdl import Module
from tiny import Design, In, Out, multiply_add, near, real, rtlil, tiny

from sartor.errors import Unsupported
from sartor.flow.arcs import ArcTables
from sartor.flow.cells import Library
from sartor.flow.constraints import Constraints, surroundings
from sartor.flow.mapping import map_cells
from sartor.flow.meaning import read_library
from sartor.flow.netlist import Instance, Netlist
from sartor.flow.path import timing
from sartor.flow.sizing import sized
from sartor.flow.sta import Sta
from sartor.flow.structural import verilog
from sartor.rtl.dot import DotProduct

pytest.importorskip("pyosys", reason="needs Yosys: pip install pyosys")

PS = 1e-12
AROUND = Constraints(100 * PS, 3 * PS, 4 * PS, 10 * PS, 10 * PS, 6e-15)


def netlist(
    *rows: tuple[str, str, dict[str, int]], inputs: dict[str, int], outputs: dict[str, int]
) -> Netlist:
    """A netlist of tiny cells; nets are numbered from 2."""
    library = tiny()
    cells = tuple(Instance(("core",), name, library.cell(kind), pins) for name, kind, pins in rows)
    nets = 1 + max(n for _, _, pins in rows for n in pins.values())
    ports = [{p: (n,) for p, n in side.items()} for side in (inputs, outputs)]
    return Netlist("top", library, cells, ports[0], ports[1], nets)


def two_registers(*middle: tuple[str, str, dict[str, int]], last: int) -> Netlist:
    return netlist(
        ("r1", "DFFQN", {"CLK": 2, "D": 3, "QN": 4}),
        *middle,
        ("r2", "DFFQN", {"CLK": 2, "D": last, "QN": 9}),
        inputs={"clk": 2, "d": 3},
        outputs={"q": 9},
    )


def test_register_to_register_by_hand() -> None:
    # Clock to QN: 20 + 2 * 1 fF = 22 ps. NAND2: 6 + 2 * 1 = 8, INV: 5 + 2 * 1 = 7. Setup 7. Sum 44 ps.
    # The way out is 20 + 2 * 6 fF = 32 ps and 4 ps of margin: less.
    drawn = two_registers(
        ("g", "NAND2", {"A": 4, "B": 1, "Y": 5}), ("i", "INV", {"A": 5, "Y": 6}), last=6
    )  # fmt: skip
    slowest = timing(Sta(drawn, ArcTables(tiny()), AROUND))
    assert slowest.critical_s == near(44 * PS) and slowest.slack_s == near(56 * PS)
    assert slowest.fmax_hz == near(1 / (44 * PS))
    assert [(s.instance, s.cell) for s in slowest.path] == [("r1", "DFFQN"), ("g", "NAND2"), ("i", "INV")]
    assert [s.delay_s / PS for s in slowest.path] == near([22, 8, 7])
    assert slowest.by_component() == {"core": near(37 * PS)} and slowest.ends_at == "core.r2"


def test_input_to_output_by_hand() -> None:
    # 3 ps outside, 5 + 2 * 6 fF = 17 ps in the inverter, 4 ps of margin: 24 ps.
    drawn = netlist(("i", "INV", {"A": 2, "Y": 3}), inputs={"a": 2}, outputs={"y": 3})
    assert timing(Sta(drawn, ArcTables(tiny()), AROUND)).critical_s == near(24 * PS)


def test_a_loop_is_refused() -> None:
    drawn = netlist(("g", "NAND2", {"A": 2, "B": 3, "Y": 3}), inputs={"a": 2}, outputs={"y": 3})
    with pytest.raises(Unsupported, match="combinational loop"):
        Sta(drawn, ArcTables(tiny()), AROUND)


def test_sizing_takes_the_stronger_cell_where_it_pays() -> None:
    # INV into 6 fF: 5 + 12 = 17; INVX4: 5 + 3 = 8, but its 4 fF cost the one before 6 ps more: still 3 less.
    drawn = netlist(
        ("a", "INV", {"A": 2, "Y": 3}), ("b", "INV", {"A": 3, "Y": 4}), inputs={"a": 2}, outputs={"y": 4}
    )
    tables = ArcTables(tiny())
    tight = replace(AROUND, period_s=30 * PS)
    before = timing(Sta(drawn, tables, tight))
    assert before.critical_s == near((3 + 7 + 17 + 4) * PS)
    after = sized(Sta(drawn, tables, tight), tables)
    assert timing(after).slack_s >= 0 and "INVX4" in {i.cell.name for i in after.netlist.instances}
    assert sized(Sta(drawn, tables, AROUND), tables).netlist is drawn  # nothing to gain


def test_fast_adders_where_the_chain_is_too_slow() -> None:
    def fill(m: Module, d: Design) -> None:
        m.d.comb += d.y.eq(d.a + d.b)

    text = rtlil(Design({"a": In(24), "b": In(24), "y": Out(24)}, fill))
    slow = map_cells(text, "top", tiny(), period_s=1000 * PS)
    fast = map_cells(text, "top", tiny(), period_s=200 * PS)
    assert slow.timing.slack_s >= 0 and slow.cells["FA"] == 23
    assert "FA" not in fast.cells
    assert fast.timing.critical_s < slow.timing.critical_s / 2 and fast.area_um2 > slow.area_um2


def opensta_slack(folder: Path, library: Library, drawn: Netlist, c: Constraints, unit: float) -> float:
    """The worst setup slack (s) by OpenSTA with the same surroundings. `unit`: of time, in seconds."""
    text = library.text.replace("default_wire_load ", "no_wire_load ")  # we have no wires either
    text = re.sub(r"\n\s*(?=cell\s*\()", "\n" + "".join(_templates(library.text)), text, count=1)
    (folder / "c.lib").write_text(text)
    (folder / "n.v").write_text(verilog(drawn))
    ff = unit / 1e3 if unit == 1e-12 else 1e-12
    (folder / "s.tcl").write_text(
        f"""read_liberty c.lib
read_verilog n.v
link_design {drawn.top}
create_clock -name clk -period {c.period_s / unit} [get_ports clk]
set_clock_transition {c.clock_slew_s / unit} [get_clocks clk]
set ins [list]
foreach p [all_inputs] {{ if {{[get_property $p full_name] != "clk"}} {{ lappend ins $p }} }}
set_input_delay {c.input_delay_s / unit} -clock clk $ins
set_input_transition {c.input_slew_s / unit} $ins
set_output_delay {c.output_margin_s / unit} -clock clk [all_outputs]
set_load {c.output_load_f / ff} [all_outputs]
report_checks -digits 6
"""
    )
    command = ["sta", "-no_splash", "-exit", "s.tcl"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=True)
    found = re.search(r"(-?[\d.]+)\s+slack", done.stdout)
    assert found, done.stdout + done.stderr
    return float(found[1]) * unit


def _templates(text: str) -> Iterator[str]:
    """Templates that the pruned library uses but does not hold: OpenSTA leaves out such tables."""
    for name in ("delay_template_7x7",):
        if f"({name})" in text and f"lu_table_template ({name})" not in text:
            yield (
                f"lu_table_template ({name}) {{ variable_1 : input_net_transition; "
                "variable_2 : total_output_net_capacitance; "
                'index_1 ("5, 10, 20, 40, 80, 160, 320"); '
                'index_2 ("0.72, 1.44, 2.88, 5.76, 11.52, 23.04, 46.08"); }\n'
            )


@pytest.mark.skipif(shutil.which("sta") is None, reason="needs OpenSTA: apt install opensta")
@pytest.mark.parametrize(
    ("name", "unit", "period_ns"), [("asap7", 1e-12, 0.5), ("sky130", 1e-9, 6), ("osu018", 1e-9, 4)]
)
@pytest.mark.parametrize("what", ["multiply_add", "dot"])
def test_opensta_agrees(what: str, name: str, unit: float, period_ns: float, tmp_path: Path) -> None:
    """The worst slack to within OpenSTA's own rounding, with cells enlarged or not."""
    library = read_library(real(name))
    design = multiply_add() if what == "multiply_add" else DotProduct(lanes=4, structural=True)
    mapped = map_cells(rtlil(design), "top", library, period_s=period_ns * 1e-9)
    around = replace(mapped.constraints, driver="")
    theirs = opensta_slack(tmp_path, library, mapped.netlist, around, unit)
    assert Sta(mapped.netlist, ArcTables(library), around).worst_s == pytest.approx(theirs, abs=1e-4 * period_ns * 1e-9)


def test_surroundings_are_registers_of_the_library() -> None:
    # Clock to QN into four inverters: 20 + 2 * 4 fF = 28 ps; setup 7 ps; every slew is 10 ps.
    around = surroundings(tiny(), 100 * PS, ArcTables(tiny()))
    assert around.input_delay_s == near(28 * PS) and around.output_margin_s == near(7 * PS)
    assert around.input_slew_s == near(10 * PS) and around.output_load_f == near(4e-15)
