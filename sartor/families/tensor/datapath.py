"""The datapaths of number formats: a dot unit of our RTL, or one that is so many times as large as the nearest of ours.

units.csv has a row for each unit that is built: its area and clock as mapped, its energy by toggles, as a core has it,
with a minimum. Chips for formats that a unit takes are priced by it and by nothing else. macs.csv has other people's
multipliers and those that no RTL of ours has: of them only the ratio to its own `int4` or `int8` counts, times that
unit of ours. lut.csv has the units of engine `lut`, which read sums from tables, and those tables.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from ...chip.spec import ENGINES
from ...formats.hardware import decoded
from ...formats.spec import format_named
from ...tables import table
from ...tech.technology import Technology, rows_of
from . import silicon
from .design import FORMATS, Designs
from .multipliers import SIGNED_ONLY
from .sizing import HARDWARE_CACHE

OWN = table("units").items
NAMES = (*OWN, *(name for name in table("macs").items if name not in OWN))
DATAPATH = np.array([NAMES.index(format_named(name).datapath) for name in FORMATS])
PART_NAMES = {"shell": "tile around its dot units", "vector": "vector unit", "memory": "memory block",
              "buffer": "activation buffer", "decoder": "weight decoder"}  # fmt: skip
WIDE = ("int8", "fp8")  # whose codes are bytes
SHORT = np.array([HARDWARE_CACHE.get(name, (8, 8))[1] == 4 for name in FORMATS])  # caches with values of 4 bits


def stand_in(datapath: str) -> str:
    """The unit of our RTL that is the datapath, or stands for it."""
    if datapath in OWN:
        return datapath
    return "int8" if datapath in ("fp8-array", "bf16", "fp16") else "int4"


UNIT = [stand_in(name) for name in NAMES]
READ = [unit if unit in table("lut").items else "int4" for unit in UNIT]  # by table; what has none is never asked
_BY_TABLE = np.array([engine == "lut" for engine in ENGINES])
UNIT_BITS = np.array([8 if unit in WIDE else 4 for unit in UNIT])  # of a code that its decoder makes


def unit_mm2(tech: Technology, datapath: Any, d: Designs | None = None) -> Any:
    """Cell area of a dot unit in ASAP7: of a block of 32 weights and a column; of `d` with its engine's."""
    return _of_engine(tech, "area", datapath, d)


def mac_j(tech: Technology, datapath: Any, d: Designs | None = None) -> Any:
    """Energy of a multiply-accumulate in ASAP7 cells; of `d` with its engine's."""
    return _of_engine(tech, "energy", datapath, d)


def _of_engine(tech: Technology, quantity: str, datapath: Any, d: Designs | None) -> Any:
    """A unit that reads tables has its share of them, which all rows of a tile read, and of keys, which all columns
    have."""
    plain = rows_of(_each(tech, quantity), datapath)
    if d is None or not _any_table(d):
        return plain
    tables, keys = (tech.fact("lut", item, quantity) for item in ("tables", "keys"))
    read = rows_of(_by_table(tech, quantity), datapath) + tables / d.rows + keys / d.columns
    return plain + (read - plain) * rows_of(_BY_TABLE.astype(tech.dtype), d.engine)


def _any_table(d: Designs) -> bool:
    return not isinstance(d.engine, int) or bool(_BY_TABLE[d.engine])


def _by_table(tech: Technology, quantity: str) -> np.ndarray:
    """Of every datapath: that of the unit that reads tables in its place."""
    return tech.once(("by table", quantity), lambda: np.stack([tech.fact("lut", unit, quantity) for unit in READ]))


def clock_hz(tech: Technology, datapath: Any, d: Designs | None = None) -> Any:
    """What the slowest part of a core with this datapath reaches in ASAP7 cells; of `d` with its engine. Where all
    units are faster than the rest of a core, that is one number."""
    rest = silicon.clock_hz(tech)
    units = tech.whole("units", "clock")[[OWN.index(unit) for unit in UNIT]]
    each = np.minimum(units, rest).astype(tech.dtype)
    plain = each[0] if np.all(each == each[0]) else rows_of(each, datapath)
    if d is None:
        return plain
    if _any_table(d):
        read = rows_of(np.minimum(_by_table(tech, "clock"), rest).astype(tech.dtype), datapath)
        plain = np.where(rows_of(_BY_TABLE, d.engine), read, plain)
    return np.minimum(plain, rows_of(_of_caches(tech), d.cache)) if np.any(rows_of(SHORT, d.cache)) else plain


def _of_caches(tech: Technology) -> np.ndarray:
    """Of every format of a cache: the clock of what quantizes keys and values to it, where that is not the rest's."""
    clock = np.asarray(tech.fact("silicon", "short_cache", "clock"), tech.dtype)
    return tech.once("clock of caches", lambda: np.stack([clock if s else np.full_like(clock, np.inf) for s in SHORT]))


def slowest_part(datapath: int, d: Designs) -> tuple[str, float]:
    """Of a core with this datapath and the engine of `d`, and the clock at which it is mapped."""
    unit, lut = UNIT[datapath], _any_table(d)
    clocks = {f"dot unit for {unit}{' with tables' * lut}": table("lut" if lut else "units").fact(unit, "clock").value}
    if SHORT[int(d.cache)]:
        clocks["quantizer of its cache"] = table("silicon").fact("short_cache", "clock").value
    clocks |= {PART_NAMES.get(part, part): table("silicon").fact(part, "clock").value for part in silicon.TERMS}
    return min(clocks.items(), key=lambda each: each[1])


def _each(tech: Technology, quantity: str) -> np.ndarray:
    """Of every datapath: that of its unit, times the ratio to the unit's own where it stands for another one."""
    units, macs = tech.whole("units", quantity), tech.whole("macs", quantity)
    row = table("macs").index

    def ratio(name: str, unit: str) -> Any:
        return 1 if name == unit else macs[row(name)] / macs[row(unit)]

    def work_out() -> np.ndarray:
        return np.stack([units[OWN.index(unit)] * ratio(name, unit) for name, unit in zip(NAMES, UNIT, strict=True)])

    return tech.once(("datapath", quantity), work_out)


def datapath_of(d: Designs) -> Any:
    """Row of NAMES: the multipliers of the chip. Those of the FFN, but where another part's codes do not go through
    them, one that takes both."""
    rows = rows_of(DATAPATH, d.weights)
    for form in d.mix.values():
        rows = rows_of(_TOGETHER.ravel(), rows * len(FORMATS) + form)
    return rows


def _together(base: str, form: str) -> str:
    """What takes codes of both: bytes go through narrow multipliers in parts, planes of binary codes one by one; as
    multipliers.beside has it."""
    other, coding = format_named(form).datapath, decoded().get(form)
    if coding is not None and base in OWN and (other == "fp8" or (base == "int8" and coding.scale in SIGNED_ONLY)):
        return other
    if base == "ternary" and other in ("int4", "int8"):
        return "int4"
    return max(base, other, key=_NARROW.index) if {base, other} <= set(_NARROW) else base


_NARROW = ("int4", "fp4", "nvfp4")  # each takes what those before it do: signed codes, two sums a block
_TOGETHER = np.array([[NAMES.index(_together(a, b)) for b in FORMATS] for a in NAMES])


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
