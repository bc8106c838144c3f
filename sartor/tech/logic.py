"""Logic: area, energy, clock and voltage of multiply-accumulates and vector lanes in any node.

Areas and energies are measured or known at 7 nm and carried to other nodes by density and by energy ratio.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..tables import table
from .technology import Technology, rows_of

_N7 = table("nodes").index("N7")


def area_ratio(tech: Technology, node: Any) -> Any:
    """Area of the same logic against N7: the inverse of density."""
    density = tech.whole("nodes", "logic_density")
    return rows_of(density[_N7] / density, node)


def energy_ratio(tech: Technology, node: Any, relative_voltage: Any) -> Any:
    """Switching energy of the same logic against N7 at its nominal voltage: node ratio x (V / Vnom)^2."""
    ratio = tech.whole("nodes", "energy_ratio")
    return rows_of(ratio / ratio[_N7], node) * (relative_voltage * relative_voltage)


def clock_hz(tech: Technology, node: Any, cells_hz: Any) -> Any:
    """What logic reaches at nominal voltage whose cells reach `cells_hz` in ASAP7: x gate-delay ratio x what layout and
    corners leave."""
    delay = tech.whole("nodes", "delay_ratio")
    return rows_of(delay[_N7] / delay * tech.fact("overheads", "clock", "cells_margin"), node) * cells_hz


def relative_voltage(tech: Technology, node: Any, hz: Any, cells_hz: Any) -> Any:
    """V / Vnom that a clock needs: a line through the alpha-power law, never below what SRAM keeps.

    Source: Sakurai, Newton, JSSC 25(2), 1990.
    """
    slope = tech.fact("overheads", "clock", "voltage_slope")
    wanted = 1 - slope * (1 - hz / clock_hz(tech, node, cells_hz))
    return np.maximum(wanted, tech.fact("overheads", "clock", "voltage_min"))
