"""What the groups of a liberty file mean: units, tables, arcs, registers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from ..errors import BrokenFile, Unsupported
from .axes import Scale, number, scale_of, table
from .cells import Arc, Cell, ClockGate, Flop, Library, Pin, Power
from .liberty import Group, parse, read_text

_CLOCKED = ("rising_edge", "falling_edge")
_SETUP = ("setup_rising", "setup_falling")
_LOGIC = ("", "combinational", "combinational_rise", "combinational_fall")
_EDGE_CAPS = ("rise_capacitance", "fall_capacitance")


def read_library(path: Path | str) -> Library:
    """The library of one liberty file, plain or .gz."""
    return library_of(read_text(Path(path)), str(path))


@lru_cache(maxsize=4)
def library_of(text: str, where: str = "liberty") -> Library:
    """The library of a liberty text, kept, since reading takes a while. Buses of pins and libraries without tables
    are refused by name."""
    root = parse(text, where)
    model = root.attributes.get("delay_model", "table_lookup")
    if model != "table_lookup":
        raise Unsupported(f"{where}: delay_model {model!r} is not modeled (try a table_lookup, NLDM, file)")
    scale, voltage = scale_of(root), _voltage(root, where)
    cells = {g.arguments[0]: _cell(g, scale, root) for g in root.all("cell") if g.arguments}
    if not cells:
        raise BrokenFile(f"{where}: holds no cells (is it a standard-cell library?)")
    return Library((root.arguments or ("?",))[0], voltage, cells, text)


def _voltage(root: Group, where: str) -> float:
    """Nominal voltage (V); that of the default operating conditions where given."""
    wanted = root.attributes.get("default_operating_conditions")
    for group in root.all("operating_conditions"):
        if "voltage" in group.attributes and wanted in (None, *group.arguments):
            return number(group, "voltage", 0)
    if "nom_voltage" not in root.attributes:
        raise BrokenFile(f"{where}: has no voltage (nom_voltage or operating_conditions)")
    return number(root, "nom_voltage", 0)


def _cell(group: Group, scale: Scale, root: Group) -> Cell:
    """One cell; a clock gate, latch or cell with buses keeps its area and its arcs, but has no function."""
    pins = {p.arguments[0]: p for p in group.all("pin") if p.arguments}
    stateful = any(group.all("latch", "statetable", "bus", "bundle"))
    flop = group.first("ff")
    cap = number(root, "default_input_pin_cap", 0)
    read = {n: _pin(p, scale, stateful, cap) for n, p in pins.items()}
    return Cell(
        group.arguments[0], number(group, "area", 0),
        {n: p for n, p in read.items() if p is not None},
        tuple(a for n, p in pins.items() for t in p.all("timing") for a in _arcs(n, t, scale)),
        tuple(e for n, p in pins.items() for g in p.all("internal_power") for e in _powers(n, g, scale)),
        _leakage(group, scale), _flop(flop) if flop else None,
        _gate(pins),
        group.attributes.get("dont_use", "false") != "true",
    )  # fmt: skip


def _pin(group: Group, scale: Scale, stateful: bool, default_cap: float) -> Pin | None:
    direction = group.attributes.get("direction", "")
    if direction not in ("input", "output"):
        return None
    output = direction == "output"
    cap = 0.0 if output else number(group, "capacitance", default_cap)
    edges = [0.0 if output else number(group, n, cap) * scale.load_f for n in _EDGE_CAPS]
    function = "" if stateful else group.attributes.get("function", "")
    return Pin(group.arguments[0], output, cap * scale.load_f, function, (edges[0], edges[1]))


def _flop(group: Group) -> Flop:
    state, inverse = (*group.arguments, "", "")[:2]
    a = group.attributes
    clear, preset = a.get("clear", ""), a.get("preset", "")
    return Flop(state, inverse, a.get("next_state", ""), a.get("clocked_on", ""), clear, preset)


def _gate(pins: Mapping[str, Group]) -> ClockGate | None:
    """A clock gate by the marks of its pins; a test enable works like the other."""

    def marked(*marks: str) -> tuple[str, ...]:
        return tuple(n for n, p in pins.items() if any(p.attributes.get(m) == "true" for m in marks))

    clock, output = marked("clock_gate_clock_pin"), marked("clock_gate_out_pin")
    enables = marked("clock_gate_enable_pin", "clock_gate_test_pin")
    return ClockGate(clock[0], enables, output[0]) if clock and output and enables else None


def _leakage(group: Group, scale: Scale) -> float:
    """The cell's figure, else the mean over its conditions (for each supply, then added)."""
    if "cell_leakage_power" in group.attributes:
        return number(group, "cell_leakage_power", 0) * scale.leakage_w
    by_supply: dict[str, list[float]] = {}
    for g in group.all("leakage_power"):
        by_supply.setdefault(g.attributes.get("related_pg_pin", ""), []).append(number(g, "value", 0))
    return sum(sum(v) / len(v) for v in by_supply.values()) * scale.leakage_w


def _arcs(pin: str, group: Group, scale: Scale) -> list[Arc]:
    kind = group.attributes.get("timing_type", "")
    if kind in _SETUP:
        names: tuple[str, ...] = ("rise_constraint", "fall_constraint")
        what = "setup"
    elif kind in (*_CLOCKED, *_LOGIC):
        names, what = ("cell_rise", "cell_fall", "rise_transition", "fall_transition"), "combinational"
    else:
        return []
    unit = scale.time_s
    tables = [table(g, scale, unit) if (g := group.first(n)) else None for n in names]
    sense = group.attributes.get("timing_sense", "non_unate")
    arc = Arc("", pin, "clock" if kind in _CLOCKED else what, sense, *tables)
    return [replace(arc, source=s) for s in group.attributes.get("related_pin", "").split()]


def _powers(pin: str, group: Group, scale: Scale) -> list[Power]:
    both = group.first("power")
    rise, fall = group.first("rise_power") or both, group.first("fall_power") or both
    tables = [table(g, scale, scale.energy_j) if g else None for g in (rise, fall)]
    supply = group.attributes.get("related_pg_pin", "")
    if not any(tables) or supply.upper() in ("VSS", "GND", "VGND"):
        return []
    return [Power(pin, r, *tables) for r in group.attributes.get("related_pin", "").split() or [""]]
