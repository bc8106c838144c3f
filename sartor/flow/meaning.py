"""What the groups of a liberty file mean: units, tables, arcs, registers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ..errors import BrokenFile, Unsupported
from .cells import Arc, Cell, Floats, Flop, Library, Pin, Power, Table
from .liberty import Group, parse

_PREFIX = {"a": 1e-18, "f": 1e-15, "p": 1e-12, "n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3}
_UNIT = re.compile(r"\s*([\d.eE+-]*)\s*([afpnumk]?)(s|v|w|f|a|ohm)\s*$", re.IGNORECASE)
_CLOCKED = ("rising_edge", "falling_edge")
_SETUP = ("setup_rising", "setup_falling")
_LOGIC = ("", "combinational", "combinational_rise", "combinational_fall")
_EDGE_CAPS = ("rise_capacitance", "fall_capacitance")
_TIMES = ("input_net_transition", "input_transition_time", "constrained_pin_transition")


@dataclass(frozen=True)
class _Scale:
    """SI units of one library unit, and its templates of tables."""

    time_s: float
    load_f: float
    energy_j: float
    leakage_w: float
    templates: Mapping[str, Group]


def library(text: str, where: str) -> Library:
    """Read a liberty text. Buses of pins and libraries without tables are refused by name."""
    root = parse(text, where)
    model = root.attributes.get("delay_model", "table_lookup")
    if model != "table_lookup":
        raise Unsupported(f"{where}: delay_model {model!r} is not modeled (try a table_lookup, NLDM, file)")
    scale, voltage = _scale(root), _voltage(root, where)
    cells = {g.arguments[0]: _cell(g, scale, root) for g in root.all("cell") if g.arguments}
    if not cells:
        raise BrokenFile(f"{where}: holds no cells (is it a standard-cell library?)")
    return Library((root.arguments or ("?",))[0], voltage, cells, text)


def _scale(root: Group) -> _Scale:
    volts = _unit(root, "voltage_unit", "1V")
    amount, unit = (*root.lists.get("capacitive_load_unit", ("1", "pf")), "pf")[:2]
    load = float(amount) * _unit_of("1" + unit)
    templates = {g.arguments[0]: g for g in root.groups if g.kind.endswith("template") and g.arguments}
    # Liberty: the unit of internal energy is that of load times voltage squared.
    leakage = _unit(root, "leakage_power_unit", "1nW")
    return _Scale(_unit(root, "time_unit", "1ns"), load, load * volts**2, leakage, templates)


def _unit(root: Group, name: str, default: str) -> float:
    return _unit_of(root.attributes.get(name, default))


def _unit_of(text: str) -> float:
    """
    >>> _unit_of("10ps")
    1e-11
    """
    match = _UNIT.match(text)
    if match is None:
        raise BrokenFile(f"liberty: unknown unit {text!r} (known: as 1ps, 1ns, 1ff, 1pf, 1V, 1pW)")
    return float(match[1] or 1) * _PREFIX[match[2].lower()]


def _voltage(root: Group, where: str) -> float:
    """Nominal voltage (V); that of the default operating conditions where given."""
    wanted = root.attributes.get("default_operating_conditions")
    for group in root.all("operating_conditions"):
        if "voltage" in group.attributes and wanted in (None, *group.arguments):
            return _number(group, "voltage", 0)
    if "nom_voltage" not in root.attributes:
        raise BrokenFile(f"{where}: has no voltage (nom_voltage or operating_conditions)")
    return _number(root, "nom_voltage", 0)


def _cell(group: Group, scale: _Scale, root: Group) -> Cell:
    """One cell; a clock gate, latch or cell with buses keeps its area and its arcs, but has no function."""
    pins = {p.arguments[0]: p for p in group.all("pin") if p.arguments}
    stateful = any(group.all("latch", "statetable", "bus", "bundle"))
    flop = group.first("ff")
    cap = _number(root, "default_input_pin_cap", 0)
    read = {n: _pin(p, scale, stateful, cap) for n, p in pins.items()}
    return Cell(
        group.arguments[0], _number(group, "area", 0),
        {n: p for n, p in read.items() if p is not None},
        tuple(a for n, p in pins.items() for t in p.all("timing") for a in _arcs(n, t, scale)),
        tuple(e for n, p in pins.items() for g in p.all("internal_power") for e in _powers(n, g, scale)),
        _leakage(group, scale), _flop(flop) if flop else None,
        group.attributes.get("dont_use", "false") != "true",
    )  # fmt: skip


def _pin(group: Group, scale: _Scale, stateful: bool, default_cap: float) -> Pin | None:
    direction = group.attributes.get("direction", "")
    if direction not in ("input", "output"):
        return None
    output = direction == "output"
    cap = 0.0 if output else _number(group, "capacitance", default_cap)
    limit = _number(group, "max_capacitance", np.inf)
    edges = [0.0 if output else _number(group, n, cap) * scale.load_f for n in _EDGE_CAPS]
    function = "" if stateful else group.attributes.get("function", "")
    return Pin(
        group.arguments[0], output, cap * scale.load_f, function, (edges[0], edges[1]), limit * scale.load_f
    )


def _flop(group: Group) -> Flop:
    state, inverse = (*group.arguments, "", "")[:2]
    a = group.attributes
    clear, preset = a.get("clear", ""), a.get("preset", "")
    return Flop(state, inverse, a.get("next_state", ""), a.get("clocked_on", ""), clear, preset)


def _leakage(group: Group, scale: _Scale) -> float:
    """The cell's figure, else the mean over its conditions (for each supply, then added)."""
    if "cell_leakage_power" in group.attributes:
        return _number(group, "cell_leakage_power", 0) * scale.leakage_w
    by_supply: dict[str, list[float]] = {}
    for g in group.all("leakage_power"):
        by_supply.setdefault(g.attributes.get("related_pg_pin", ""), []).append(_number(g, "value", 0))
    return sum(sum(v) / len(v) for v in by_supply.values()) * scale.leakage_w


def _arcs(pin: str, group: Group, scale: _Scale) -> list[Arc]:
    kind = group.attributes.get("timing_type", "")
    if kind in _SETUP:
        names: tuple[str, ...] = ("rise_constraint", "fall_constraint")
        what = "setup"
    elif kind in (*_CLOCKED, *_LOGIC):
        names, what = ("cell_rise", "cell_fall", "rise_transition", "fall_transition"), "combinational"
    else:
        return []
    unit = scale.time_s
    tables = [_table(g, scale, unit) if (g := group.first(n)) else None for n in names]
    sense = group.attributes.get("timing_sense", "non_unate")
    arc = Arc("", pin, "clock" if kind in _CLOCKED else what, sense, *tables)
    return [replace(arc, source=s) for s in group.attributes.get("related_pin", "").split()]


def _powers(pin: str, group: Group, scale: _Scale) -> list[Power]:
    both = group.first("power")
    rise, fall = group.first("rise_power") or both, group.first("fall_power") or both
    tables = [_table(g, scale, scale.energy_j) if g else None for g in (rise, fall)]
    supply = group.attributes.get("related_pg_pin", "")
    if not any(tables) or supply.upper() in ("VSS", "GND", "VGND"):
        return []
    return [Power(pin, r, *tables) for r in group.attributes.get("related_pin", "").split() or [""]]


def _table(group: Group, scale: _Scale, unit: float) -> Table:
    """A table as values[slew, load], whichever way its template orders them."""
    template = scale.templates.get((group.arguments or ("",))[0], group)
    # Where the template is missing (a pruned file), the usual order.
    loads = _TIMES[0] if "constraint" in group.kind else "total_output_net_capacitance"
    axes, usual = [], {"1": _TIMES[0], "2": loads}
    for i in ("1", "2"):
        index = group.lists.get(f"index_{i}") or template.lists.get(f"index_{i}")
        if index:
            axes.append((template.attributes.get(f"variable_{i}", usual[i]), _numbers(index)))
    values = _numbers(group.lists.get("values", ("0",))) * unit
    if values.size == 1:
        axes = []
    if [int(np.prod([len(x) for _, x in axes]))] != [values.size]:
        raise BrokenFile(f"liberty: a table has {values.size} values for axes of other sizes ({group.kind})")
    grid = values.reshape([len(x) for _, x in axes] or [1])
    return _oriented(axes, grid, scale)


def _oriented(axes: list[tuple[str, Floats]], grid: Floats, scale: _Scale) -> Table:
    none = np.zeros(1)
    si = [(n, x * (scale.load_f if "capacitance" in n else scale.time_s)) for n, x in axes]
    if not si:
        return Table(none, none, grid.reshape(1, 1))
    if len(si) == 1:
        name, x = si[0]
        load = "capacitance" in name
        return Table(none, x, grid[None, :]) if load else Table(x, none, grid[:, None])
    if si[0][0] in _TIMES:
        return Table(si[0][1], si[1][1], grid)
    return Table(si[1][1], si[0][1], grid.T)


def _number(group: Group, name: str, default: float) -> float:
    """An attribute as a number."""
    text = group.attributes.get(name)
    try:
        return default if text is None else float(text)
    except ValueError:
        place = " ".join((group.kind, *group.arguments))
        raise BrokenFile(f"liberty: {place}: {name} = {text!r} is not a number") from None


def _numbers(texts: tuple[str, ...]) -> Floats:
    """All numbers of a list of quoted lists."""
    try:
        return np.array([float(x) for t in texts for x in re.split(r"[,\s\\]+", t.strip()) if x])
    except ValueError as error:
        raise BrokenFile(f"liberty: {error} in a table") from None
