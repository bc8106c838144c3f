"""Conversion, once: where tables are read and where reports are printed. Everything between is plain floats.

The coherent system inside: seconds, hertz, joules, watts, volts, bytes, ops, mm, mm2, US dollars.
Giga is 1e9; GiB and MiB only when we say so. One MAC is two ops.
"""

from __future__ import annotations

import math
import re

from .errors import InputError, UnknownName

_HOUR_S = 3600.0
_YEAR_S = 8766 * _HOUR_S  # 365.25 days
_BIT_BYTES = 1 / 8

# unit -> (what it measures, factor to the coherent system)
UNITS: dict[str, tuple[str, float]] = {
    "": ("", 1.0), "-": ("", 1.0), "x": ("", 1.0), "%": ("", 1e-2), "fraction": ("", 1.0),
    "s": ("s", 1.0), "ms": ("s", 1e-3), "us": ("s", 1e-6), "ns": ("s", 1e-9), "ps": ("s", 1e-12),
    "h": ("s", _HOUR_S), "year": ("s", _YEAR_S), "years": ("s", _YEAR_S),
    "Hz": ("hz", 1.0), "kHz": ("hz", 1e3), "MHz": ("hz", 1e6), "GHz": ("hz", 1e9),
    "J": ("j", 1.0), "mJ": ("j", 1e-3), "uJ": ("j", 1e-6), "nJ": ("j", 1e-9), "pJ": ("j", 1e-12),
    "kWh": ("j", 3.6e6),
    "W": ("w", 1.0), "mW": ("w", 1e-3), "kW": ("w", 1e3), "MW": ("w", 1e6),
    "V": ("v", 1.0), "mV": ("v", 1e-3),
    "bit": ("bytes", _BIT_BYTES), "B": ("bytes", 1.0), "kB": ("bytes", 1e3), "MB": ("bytes", 1e6),
    "GB": ("bytes", 1e9), "TB": ("bytes", 1e12),
    "KiB": ("bytes", 2**10), "MiB": ("bytes", 2**20), "GiB": ("bytes", 2**30),
    "B/s": ("bytes_per_s", 1.0), "MB/s": ("bytes_per_s", 1e6), "GB/s": ("bytes_per_s", 1e9),
    "TB/s": ("bytes_per_s", 1e12), "PB/s": ("bytes_per_s", 1e15),
    "ops/s": ("ops_per_s", 1.0), "Gops/s": ("ops_per_s", 1e9), "Tops/s": ("ops_per_s", 1e12),
    "TFLOPS": ("ops_per_s", 1e12), "TOPS": ("ops_per_s", 1e12), "PFLOPS": ("ops_per_s", 1e15),
    "pJ/bit": ("j_per_byte", 1e-12 / _BIT_BYTES), "pJ/B": ("j_per_byte", 1e-12),
    "pJ/bit/mm": ("j_per_byte_mm", 1e-12 / _BIT_BYTES),
    "pJ/MAC": ("j_per_mac", 1e-12), "pJ/op": ("j_per_op", 1e-12),
    "mm": ("mm", 1.0), "um": ("mm", 1e-3), "mm2": ("mm2", 1.0), "um2": ("mm2", 1e-6), "cm2": ("mm2", 1e2),
    "1/mm2": ("per_mm2", 1.0), "1/cm2": ("per_mm2", 1e-2),
    "MTr/mm2": ("tr_per_mm2", 1e6), "Mib/mm2": ("bytes_per_mm2", 2**20 * _BIT_BYTES),
    "W/mm2": ("w_per_mm2", 1.0), "mW/GB": ("w_per_byte", 1e-12), "mW/MiB": ("w_per_byte", 1e-3 / 2**20),
    "USD": ("usd", 1.0), "kUSD": ("usd", 1e3), "MUSD": ("usd", 1e6),
    "USD/GB": ("usd_per_byte", 1e-9), "USD/mm2": ("usd_per_mm2", 1.0), "USD/h": ("usd_per_s", 1 / _HOUR_S),
    "USD/kWh": ("usd_per_j", 1 / 3.6e6), "USD/kW-month": ("usd_per_w_s", 1e-3 / (_YEAR_S / 12)),
    "token/s": ("tokens_per_s", 1.0), "tokens": ("tokens", 1.0), "1/s": ("per_s", 1.0),
    "1/year": ("per_s", 1 / _YEAR_S),
}  # fmt: skip

_QUANTITY = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(.*?)\s*")


def factor(unit: str, measures: str | None = None, where: str = "") -> float:
    """The factor from `unit` to the coherent system; `measures` is the suffix that the reader expects.

    >>> factor("TB/s", "bytes_per_s")
    1000000000000.0
    """
    if unit not in UNITS:
        raise UnknownName("unit", unit, UNITS, where)
    kind, scale = UNITS[unit]
    if measures is not None and kind != measures:
        fitting = ", ".join(u for u, (k, _) in UNITS.items() if k == measures and u) or "a plain number"
        place = f"{where}: " if where else ""
        raise InputError(
            f"{place}unit {unit!r} measures {kind or 'a plain number'}, not {measures} (try {fitting})"
        )
    return scale


def parse(text: str | float | int, measures: str, where: str = "") -> float:
    """A quantity such as "3.35 TB/s" in the coherent system; a bare number is taken to be in it already.

    >>> parse("700 W", "w"), parse("3.35 TB/s", "bytes_per_s")
    (700.0, 3350000000000.0)
    """
    place = f"{where}: " if where else ""
    if isinstance(text, bool) or not isinstance(text, (str, int, float)):
        raise InputError(f"{place}{text!r} is not a quantity (try a number with a unit)")
    if isinstance(text, (int, float)):
        value = float(text)
    else:
        match = _QUANTITY.fullmatch(text)
        if match is None:
            raise InputError(f"{place}{text!r} is not a quantity (try a number with a unit, such as '2 W')")
        value = float(match[1]) * (factor(match[2], measures, where) if match[2] else 1.0)
    if not math.isfinite(value):
        raise InputError(f"{place}{text!r} is not a finite number")
    return value


def to(value: float, unit: str) -> float:
    """`value` of the coherent system in `unit`; for printing only.

    >>> to(0.0625, "ms")
    62.5
    """
    return value / factor(unit)


_PREFIXES = (
    (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "u"),
    (1e-9, "n"), (1e-12, "p"),
)  # fmt: skip


def si(value: float, unit: str, digits: int = 3) -> str:
    """`value` with an SI prefix, for people.

    >>> si(3.35e12, "B/s"), si(0.00665, "s"), si(0, "W")
    ('3.35 TB/s', '6.65 ms', '0 W')
    """
    if value == 0 or not math.isfinite(value):
        return f"{value:g} {unit}"
    scale, prefix = next(
        ((s, p) for s, p in _PREFIXES if abs(value) >= s * (1 - 0.5 * 10**-digits)), _PREFIXES[-1]
    )
    return f"{value / scale:.{digits}g} {prefix}{unit}"
