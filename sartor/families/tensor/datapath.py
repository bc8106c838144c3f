"""The datapaths of number formats: ours as synthesized, the others by their ratio to the nearest of ours."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...formats.spec import format_named
from ...tables import table
from ...tech.technology import Technology, rows_of
from . import silicon
from .design import FORMATS


def stand_in(datapath: str) -> str:
    """The datapath of our RTL whose dot unit stands for another one's."""
    return "int8" if datapath in ("int8", "fp8", "bf16", "fp16") else "int4"


_NAMES = table("macs").items
DATAPATH = np.array([table("macs").index(format_named(name).datapath) for name in FORMATS])
STAND_IN = np.array([table("macs").index(stand_in(name)) for name in _NAMES])
STAND_IN_BITS = np.array([8 if stand_in(name) == "int8" else 4 for name in _NAMES])


def ratio(tech: Technology, quantity: str, datapath: Any) -> Any:
    """Area or energy of a multiply-accumulate against that of its stand-in; 1 for those of our RTL."""
    each = tech.whole("macs", quantity)
    return rows_of(each / each[STAND_IN], datapath)


def mac_j(tech: Technology, datapath: Any) -> Any:
    """Energy of a multiply-accumulate in ASAP7 cells."""
    ours = np.array([silicon.mac_j(bits, tech) for bits in STAND_IN_BITS], tech.dtype)
    return rows_of(ours, datapath) * ratio(tech, "energy", datapath)
