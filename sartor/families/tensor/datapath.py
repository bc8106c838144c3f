"""The datapaths of number formats: ours as synthesized, the others by their ratio to the nearest of ours.

Of FP8 the ratio in macs.csv is that of our own unit; `fp8-array` there is other people's, for dies of public chips.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from ...formats.hardware import decoded
from ...formats.spec import format_named
from ...tables import table
from ...tech.technology import Technology, rows_of
from . import silicon
from .design import FORMATS, Designs
from .multipliers import SIGNED_ONLY


def stand_in(datapath: str) -> str:
    """The datapath of our RTL whose dot unit stands for another one's."""
    return "int8" if datapath in ("int8", "fp8", "fp8-array", "bf16", "fp16") else "int4"


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


def datapath_of(d: Designs) -> Any:
    """Row of macs.csv: the multipliers of the chip. Those of the FFN, but where another part's codes do not go through
    them, one that takes both."""
    rows = rows_of(DATAPATH, d.weights)
    for form in d.mix.values():
        rows = rows_of(_TOGETHER.ravel(), rows * len(FORMATS) + form)
    return rows


def _together(base: str, form: str) -> str:
    """What takes codes of both: bytes go through narrow multipliers in parts, planes of binary codes one by one; as
    multipliers.beside has it."""
    other, coding = format_named(form).datapath, decoded().get(form)
    if coding is not None and base in OURS and (other == "fp8" or (base == "int8" and coding.scale in SIGNED_ONLY)):
        return other
    if base == "ternary" and other in ("int4", "int8"):
        return "int4"
    return other if (base, other) == ("int4", "fp4") else base


OURS = ("int4", "fp4", "int8", "fp8")  # datapaths that are built
_TOGETHER = np.array([[_NAMES.index(_together(a, b)) for b in FORMATS] for a in _NAMES])


def decoders(d: Designs) -> Any:
    """Kinds of codes beside those of the FFN and the cache's INT8."""
    known: list[Any] = [0, rows_of(_KINDS, d.weights)]
    more: Any = 0
    for form in d.mix.values():
        kind = rows_of(_KINDS, form)
        more = more + functools.reduce(np.logical_and, [kind != other for other in known]).astype(int)
        known.append(kind)
    return more


def _kinds() -> np.ndarray:
    """By row of FORMATS: formats of one kind share a decoder; 0: INT8."""
    # Numbers in a format of their own are told apart by it, integers by their bits, planes of binary codes are one.
    spelled = [(f.element, "" if f.element == "integer" else f.number, 0.0 if f.element == "planes" else f.element_bits)
               for f in map(format_named, FORMATS)]  # fmt: skip
    whole = ("integer", "", 8.0)
    kinds = [whole, *dict.fromkeys(s for s in spelled if s != whole)]
    return np.array([kinds.index(s) for s in spelled])


_KINDS = _kinds()
