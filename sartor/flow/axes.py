"""Units and tables of liberty files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..errors import BrokenFile
from .cells import Floats, Table
from .liberty import Group

_PREFIX = {"a": 1e-18, "f": 1e-15, "p": 1e-12, "n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3}
_UNIT = re.compile(r"\s*([\d.eE+-]*)\s*([afpnumk]?)(s|v|w|f|a|ohm)\s*$", re.IGNORECASE)
_TIMES = ("input_net_transition", "input_transition_time", "constrained_pin_transition")


@dataclass(frozen=True)
class Scale:
    """SI units of one library unit, and its templates of tables."""

    time_s: float
    load_f: float
    energy_j: float
    leakage_w: float
    templates: Mapping[str, Group]


def scale_of(root: Group) -> Scale:
    volts = _unit(root, "voltage_unit", "1V")
    amount, unit = (*root.lists.get("capacitive_load_unit", ("1", "pf")), "pf")[:2]
    load = float(amount) * _unit_of("1" + unit)
    templates = {g.arguments[0]: g for g in root.groups if g.kind.endswith("template") and g.arguments}
    # Liberty: the unit of internal energy is that of load times voltage squared.
    leakage = _unit(root, "leakage_power_unit", "1nW")
    return Scale(_unit(root, "time_unit", "1ns"), load, load * volts**2, leakage, templates)


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


def table(group: Group, scale: Scale, unit: float) -> Table:
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


def _oriented(axes: list[tuple[str, Floats]], grid: Floats, scale: Scale) -> Table:
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


def number(group: Group, name: str, default: float) -> float:
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
