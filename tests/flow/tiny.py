"""A library of a dozen cells whose delays can be worked out by hand, and small designs."""

from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Cat, Module, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from sartor.flow.cells import Library
from sartor.flow.meaning import library_of
from sartor.rtl.yosys import to_rtlil

PDK = Path(__file__).parents[2] / ".." / "shared" / "data" / "pdk"
REAL = {
    "asap7": PDK / "asap7_rvt_tt.lib.gz",
    "sky130": PDK / "sky130hd_tt.lib.gz",
    "osu018": Path("/usr/share/qflow/tech/osu018/osu018_stdcells.lib"),
}
ABSENT = {
    "asap7": "the pruned ASAP7 library is not at ../shared/data/pdk",
    "sky130": "the pruned sky130 library is not at ../shared/data/pdk",
    "osu018": "needs a real library: apt install qflow-tech-osu018",
}


def near(expected: Any) -> Any:
    """Relative only: pytest's usual absolute tolerance of 1e-12 is a whole picosecond."""
    return pytest.approx(expected, rel=1e-6, abs=0.0)


def real(name: str) -> Path:
    """The path of a real liberty file; skips the test where it is absent."""
    if not REAL[name].is_file():
        pytest.skip(ABSENT[name])
    return REAL[name]


_HEAD = """library (tiny) {
  delay_model : table_lookup; time_unit : "1ps"; voltage_unit : "1V"; leakage_power_unit : "1nW";
  capacitive_load_unit (1, ff); nom_voltage : 0.5;
  lu_table_template (d) { variable_1 : input_net_transition; variable_2 : total_output_net_capacitance;
    index_1 ("1, 100"); index_2 ("0, 10"); }
  lu_table_template (c) { variable_1 : constrained_pin_transition; variable_2 : related_pin_transition;
    index_1 ("1, 100"); index_2 ("1, 100"); }
  power_lut_template (e) { variable_1 : input_transition_time; index_1 ("1, 100"); }
"""


def _table(kind: str, at0: float, at10: float) -> str:
    return f'{kind} (d) {{ values ("{at0}, {at10}", "{at0}, {at10}"); }}'


def _arc(source: str, sense: str, delay: float, ps_per_ff: float, kind: str = "") -> str:
    """The same delay for both edges: delay + ps_per_ff * load; the slew is always 10 ps."""
    both = [_table(k, delay, delay + 10 * ps_per_ff) for k in ("cell_rise", "cell_fall")]
    both += [_table(k, 10, 10) for k in ("rise_transition", "fall_transition")]
    what = f"timing_type : {kind};" if kind else ""
    return f'timing () {{ related_pin : "{source}"; timing_sense : {sense}; {what} {" ".join(both)} }}'


def cell(name: str, area: float, functions: dict[str, str], inputs: str, delay: float, cap: float = 1,
         ps_per_ff: float = 2, sense: str = "non_unate") -> str:  # fmt: skip
    """Each edge of an output has 0.5 fJ of internal energy in one condition and 1.5 fJ in the other."""
    text = f"cell ({name}) {{ area : {area}; cell_leakage_power : 1;"
    for pin in inputs:
        text += f"\n  pin ({pin}) {{ direction : input; capacitance : {cap}; }}"
    for pin, function in functions.items():
        power = "".join(
            f'internal_power () {{ when : "{when}"; rise_power (e) {{ values ("{fj}, {fj}"); }} '
            f'fall_power (e) {{ values ("{fj}, {fj}"); }} }} '
            for when, fj in ((inputs[0], 0.5), (f"!{inputs[0]}", 1.5))
        )
        arcs = " ".join(_arc(i, sense, delay, ps_per_ff) for i in inputs)
        text += f'\n  pin ({pin}) {{ direction : output; function : "{function}"; {arcs} {power} }}'
    return text + "\n}\n"


# Setup 7 ps; clock to QN 20 ps + 2 ps / fF. The area ends with its line, as in ASAP7.
_FLOP = f"""cell (DFFQN) {{
  area : 10
  ff (IQ, IQN) {{ next_state : "D"; clocked_on : "CLK"; }}
  pin (CLK) {{ direction : input; clock : true; capacitance : 1; }}
  pin (D) {{ direction : input; capacitance : 1; timing () {{ related_pin : "CLK";
    timing_type : setup_rising; rise_constraint (c) {{ values ("7, 7", "7, 7"); }}
    fall_constraint (c) {{ values ("7, 7", "7, 7"); }} }} }}
  pin (QN) {{ direction : output; function : "IQN"; {_arc("CLK", "non_unate", 20, 2, "rising_edge")} }}
}}
"""

TEXT = (
    _HEAD
    + cell("INV", 1, {"Y": "!A"}, "A", 5, sense="negative_unate")
    + cell("INVX4", 2, {"Y": "!A"}, "A", 5, cap=4, ps_per_ff=0.5, sense="negative_unate")
    + cell("BUF", 2, {"Y": "A"}, "A", 10, sense="positive_unate")
    + cell("NAND2", 2, {"Y": "!(A * B)"}, "AB", 6, sense="negative_unate")
    + cell("NOR2", 2, {"Y": "!(A + B)"}, "AB", 6, sense="negative_unate")
    + cell("AND2", 3, {"Y": "A B"}, "AB", 8, sense="positive_unate")
    + cell("OR2", 3, {"Y": "A | B"}, "AB", 8, sense="positive_unate")
    + cell("XOR2", 5, {"Y": "A ^ B"}, "AB", 9)
    + cell("XNOR2", 5, {"Y": "(A ^ B)'"}, "AB", 9)
    + cell("FA", 8, {"CON": "!((A B) + (A C) + (B C))", "SN": "!(A ^ B ^ C)"}, "ABC", 12)
    + cell("HA", 5, {"CON": "!(A B)", "SN": "!(A ^ B)"}, "AB", 10)
    + _FLOP
    + "}\n"
)


def tiny() -> Library:
    return library_of(TEXT, "tiny")


class Design(wiring.Component):
    """A component from a function: Design({"a": In(3), "y": Out(1)}, lambda m, d: ...)."""

    def __init__(self, ports: dict[str, Any], fill: Any) -> None:
        super().__init__(ports)
        self._fill = fill

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        self._fill(m, self)
        return m


def multiply_add(registers: bool = True) -> Design:
    """y = a * b + c, registered on both sides: products, adders and registers in one small design."""

    def fill(m: Module, d: Any) -> None:
        a, b, c, y = Signal(4), Signal(signed(4)), Signal(signed(8)), Signal(signed(9))
        domain = m.d.sync if registers else m.d.comb
        domain += [a.eq(d.a), b.eq(d.b), c.eq(d.c), d.y.eq(y)]
        m.d.comb += y.eq(a * b + c)

    ports = {"a": In(4), "b": In(signed(4)), "c": In(signed(8)), "y": Out(signed(9))}
    return Design(ports, fill)


def rtlil(design: Any, name: str = "top") -> str:
    return to_rtlil(design, name)


__all__ = [
    "PDK",
    "REAL",
    "TEXT",
    "Cat",
    "Design",
    "In",
    "Out",
    "multiply_add",
    "near",
    "real",
    "rtlil",
    "tiny",
]
