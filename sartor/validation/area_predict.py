"""The die and the power of a public chip from its parts: multiply-adds, SRAM, interfaces; or from its transistors.

Nobody lists what stands around the multipliers of other people's chips. It grows far slower than their area: arrays are
fed along their edges, and every die has one host port, one network, one set of processors. So

    die = edge x density ^ .25 x (multipliers in mm2) ^ .3 (x more for a GPU) + sram factor x SRAM + phy factor x PHYs

with the multipliers' cells of `macs.csv`, and figures fitted to eight chips (overheads.csv, `published`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..tables import table
from ..tech import logic
from ..tech.technology import NOMINAL
from .kind import Inputs
from .rows import LARGEST

_DATAPATHS = {"int8": "int8", "int4": "int4", "fp8": "fp8-array", "fp4": "fp4-array", "bf16": "bf16", "fp16": "fp16",
              "mx8": "int8", "tf32": "fp16"}  # fmt: skip
_CLOCKS_HZ = {"gpu": 1.7e9}  # where none is given
_CLOCK_HZ = 1.0e9
# 5, 5.0, 7nm, N4P, 4N, TSMC 12FFN; other makers' names mean other densities.
_NODE = re.compile(r"(?:tsmc\s*)?n?(\d+)(?:\.0)?\s*(?:nm|n|p|x|e|c|ff|ffc|ffn|\+)?")
WAFER_DIES = 84  # 7 x 12 fields of a wafer-scale chip
RETICLE_MM2 = 858.0


@dataclass(frozen=True)
class Known:
    """A chip as its row tells it; None where it does not."""

    node: int
    gpu: bool
    dies: float
    macs_mm2: float | None
    sram_mm2: float | None  # macros
    phy_mm2: float
    transistors: float | None
    macs_w: float | None  # at the peak, cells alone
    memory_w: float
    ops_per_s: float | None = None  # at the peak

    @property
    def counted(self) -> bool:
        """Whether the parts are known."""
        return self.macs_mm2 is not None and self.sram_mm2 is not None


def asked(inputs: Inputs) -> Known | str:
    """What a row tells, or why nothing is predicted."""
    found, form = _NODE.fullmatch(inputs["node"].strip().lower()), (inputs.get("mac_fmt") or "").lower()
    node = f"N{found.group(1)}".replace("N14", "N16") if found else ""
    if node not in table("nodes").items:
        return f"node {inputs['node']!r} is not known (try nanometres or a name like N5, N4P, 4N)"
    if form not in _DATAPATHS and (form or not number(inputs, "transistors_B")):
        return f"format {form!r} of multiply-adds is not known"
    dies = number(inputs, "n_logic_dies") or 1.0
    if dies > 4:
        return "dies on base dies of another node: which of them are counted differs"
    row, sram, transistors = (
        table("nodes").index(node),
        number(inputs, "sram_MB"),
        number(inputs, "transistors_B"),
    )
    macs, per_s = multipliers(inputs)
    if (macs is None or sram is None) and transistors is None and per_s is None:
        return "neither multiply-adds and SRAM, nor transistors, nor a peak"
    if not form:  # nothing is said of the multipliers
        macs = per_s = None
    fact = table("macs").fact(_DATAPATHS.get(form, "int8"), "area").value
    return Known(
        row, _class(inputs) == "gpu", dies,
        None if macs is None else macs * fact * float(logic.area_ratio(NOMINAL, row)),
        None if sram is None else sram * 1e6 / table("nodes").fact(node, "sram_density").value,
        _phy_mm2(inputs), transistors and transistors * 1e9,
        None if per_s is None else per_s * _energy(form, row), _memory_w(inputs), per_s and 2 * per_s,
    )  # fmt: skip


def number(inputs: Mapping[str, Any], name: str) -> float | None:
    """A positive number, or None."""
    try:
        value = float(inputs.get(name) or 0)
    except ValueError:
        return None
    return value if 0 < value < LARGEST else None


def multipliers(inputs: Inputs) -> tuple[float | None, float | None]:
    """Multiply-adds, and those a second at the peak."""
    macs, peak, clock = (number(inputs, n) for n in ("macs", "peak_dense_TOPS", "clock_GHz"))
    hz = clock * 1e9 if clock else _CLOCKS_HZ.get(_class(inputs), _CLOCK_HZ)
    per_s = peak * 1e12 / 2 if peak else macs * hz if macs and clock else None
    return macs or (per_s and per_s / hz), per_s


def _class(inputs: Inputs) -> str:
    return (inputs.get("class") or "").strip().lower()


def _energy(form: str, node: int) -> float:
    return table("macs").fact(_DATAPATHS[form], "energy").value * float(
        logic.energy_ratio(NOMINAL, node, 1.0)
    )


def _memory(inputs: Inputs) -> str | None:
    """The memory's name in memories.csv: `gddr6` of `gddr6-256b`."""
    kind = (inputs.get("mem_type") or "").partition("-")[0].lower()
    kind = {"ddr3": "ddr5", "ddr4": "ddr5"}.get(kind, kind)
    return kind if kind in table("memories").items and kind != "sram" else None


def _phy_mm2(inputs: Inputs) -> float:
    given, kind, host = (
        number(inputs, "phy_mm2_est"),
        _memory(inputs),
        figure("overheads", "area", "host_mm2"),
    )
    if given:
        return given
    units = number(inputs, "mem_units") or 0.0
    return host + (figure("memories", kind, "phy_area") * units if kind else 0.0)


def _memory_w(inputs: Inputs) -> float:
    kind, rate = _memory(inputs), number(inputs, "mem_GBps")
    return rate * 1e9 * figure("memories", kind, "energy") if kind and rate else 0.0


def rate_of_kind(inputs: Inputs) -> float | None:
    """Its memory's rate over that of so many units of its kind; None where one is not given."""
    kind, rate, units = _memory(inputs), number(inputs, "mem_GBps"), number(inputs, "mem_units")
    return rate * 1e9 / units / figure("memories", kind, "bandwidth") if kind and rate and units else None


def phy_of_kind(inputs: Inputs) -> float | None:
    """The area of its interfaces over what its memory and a host port take; None where one is not given."""
    given, units = number(inputs, "phy_mm2_est"), number(inputs, "mem_units")
    own = {**inputs, "phy_mm2_est": None}
    return given / _phy_mm2(own) if given and units and _memory(inputs) else None


def figure(name: str, item: str | None, quantity: str) -> float:
    return table(name).fact(item or "", quantity).value


def published(quantity: str) -> float:
    return figure("overheads", "published", quantity)


def die_mm2(k: Known) -> float | None:
    """All logic dies. Of a GPU, transistors count what its parts leave out, graphics and units that are switched off:
    where they say more than the parts, the die is taken between both."""
    counted = _transistors_mm2(k)
    if not k.counted:
        return counted
    one = _parts_mm2(k, k.dies)
    if k.gpu and counted is not None and counted > one:
        return float(np.sqrt(one * counted))
    return one if one <= 2 * RETICLE_MM2 * k.dies else _parts_mm2(k, WAFER_DIES)


def _transistors_mm2(k: Known) -> float | None:
    if k.transistors is None:
        return None
    density = figure("nodes", table("nodes").items[k.node], "logic_density")
    return k.transistors / (density * published("transistor_share"))


def _parts_mm2(k: Known, dies: float) -> float:
    assert k.macs_mm2 is not None and k.sram_mm2 is not None
    more = published("gpu_factor") if k.gpu else 1.0
    density = 1 / float(logic.area_ratio(NOMINAL, k.node))  # against N7
    edge = published("edge") * density ** published("node_exponent")
    logic_mm2 = edge * (k.macs_mm2 / dies) ** published("edge_exponent") * more * dies
    return logic_mm2 + published("sram_factor") * k.sram_mm2 + published("phy_factor") * k.phy_mm2


def power_w(k: Known) -> float | None:
    """At the peak of arithmetic and memory together, with the leakage of the die as predicted."""
    mm2 = die_mm2(k)
    if k.macs_w is None or mm2 is None:
        return None
    leakage = figure("nodes", table("nodes").items[k.node], "leakage")
    return (
        published("power_factor") * k.macs_w + published("memory_power_factor") * k.memory_w + leakage * mm2
    )
