"""Numbers for people: a unit, three digits, and never a bare `nan`."""

from __future__ import annotations

import math
from typing import Any

from ..units import si

UNKNOWN = "not known"  # `words` says it in the reader's language

# figure -> how it reads; the same table serves the card, the page and its tests
KINDS = {
    "usd_per_mtoken": "usd", "chip_usd": "usd", "added_chip_usd": "usd", "j_per_token": "J", "latency_s": "s",
    "ttft_s": "s", "tpot_s": "s", "prefill_s": "s", "decode_s": "s", "tokens_per_s": "token/s",
    "tokens_per_s_per_chip": "token/s", "requests_per_s": "request/s", "power_w": "W", "weight_bytes": "B",
    "cache_bytes": "B", "chips": "",
}  # fmt: skip

MANY = 10  # changes from here on are said as a ratio
UNPREFIXED = ("", "token/s", "request/s", "mm²")


def is_known(value: Any) -> bool:
    """Whether `value` is a number that can be shown."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def plain(value: Any, digits: int = 3) -> str:
    """Three digits, thousands apart; small numbers without an exponent where they can be read.

    >>> plain(10782.05), plain(0.016040), plain(4096, 4), plain(None), plain(0.0)
    ('10,800', '0.0160', '4,096', 'not known', '0')
    """
    if not is_known(value):
        return UNKNOWN
    if value == 0:
        return "0"
    value = float(f"{value:.{digits - 1}e}")
    place = digits - 1 - math.floor(math.log10(abs(value)) + 1e-12)
    if place > 8:
        return f"{value:.{digits - 1}e}"
    return f"{value:,.{max(place, 0)}f}"


def count(value: Any) -> str:
    """A whole number, every digit of it.

    >>> count(1026709.0)
    '1,026,709'
    """
    return f"{value:,.0f}" if is_known(value) else UNKNOWN


def usd(value: Any) -> str:
    """Dollars.

    >>> usd(0.01604), usd(10261.4), usd(206.5e6), usd(-1332.5)
    ('$0.0160', '$10,300', '$206 M', '-$1,330')
    """
    if not is_known(value):
        return UNKNOWN
    sign, size = "-" if value < 0 else "", abs(value)
    return f"{sign}${plain(size / 1e6)} M" if size >= 1e6 else f"{sign}${plain(size)}"


def quantity(value: Any, unit: str) -> str:
    """A value with an SI prefix, or as dollars; tokens and requests keep their thousands.

    >>> quantity(0.00385, "s"), quantity(10782.0, "token/s"), quantity(5.8e-05, "J")
    ('3.85 ms', '10,800 token/s', '58.0 µJ')
    """
    if not is_known(value):
        return UNKNOWN
    if unit == "usd":
        return usd(value)
    if unit in UNPREFIXED:
        return f"{plain(value)} {unit}".strip()
    return _three(value, unit)


def _three(value: float, unit: str) -> str:
    """As `si`, with all three digits and the sign for micro."""
    number, prefixed = si(value, unit).split(" ")
    return f"{plain(float(number))} {prefixed.replace('u', 'µ', 1)}"


def figure(name: str, value: Any) -> str:
    """A figure of a result by its name.

    >>> figure("tpot_s", 0.0038499), figure("usd_per_mtoken", float("nan"))
    ('3.85 ms', 'not known')
    """
    return quantity(value, KINDS[name])


def change(value: Any) -> str:
    """A relative change in percent, with its sign.

    >>> change(0.1777), change(-0.0052), change(0.0), change(2.5), change(60.24), change(0.00004)
    ('+18 %', '−0.52 %', '0 %', '+250 %', '61.2×', '≈ 0 %')
    """
    if not is_known(value):
        return UNKNOWN
    if value >= MANY:
        return times(1 + value)
    size = abs(100 * value)
    if 0 < size < 0.005:
        return "≈ 0 %"
    digits = 0 if size >= 10 else 1 if size >= 1 else 2
    text = f"{size:.{digits}f}" if size else "0"
    return f"{'+' if value > 0 else '−' if value < 0 else ''}{text} %"


def percent(value: Any) -> str:
    """A share.

    >>> percent(0.9975), percent(1.0), percent(0.347)
    ('99.8 %', '100 %', '35 %')
    """
    if not is_known(value):
        return UNKNOWN
    near_end = value < 0.1 or 0.95 < value < 1
    return f"{100 * value:.{1 if near_end and value != 0 else 0}f} %"


def times(value: Any) -> str:
    """A ratio.

    >>> times(1.6373), times(0.42)
    ('1.64×', '0.42×')
    """
    return f"{plain(value, 3 if value >= 1 else 2)}×" if is_known(value) else UNKNOWN


def size_bytes(value: Any) -> str:
    """A size of on-chip memory, in KiB or MiB.

    >>> size_bytes(131072), size_bytes(2 << 20), size_bytes(512)
    ('128 KiB', '2 MiB', '512 B')
    """
    if not is_known(value):
        return UNKNOWN
    scale, unit = (2**20, "MiB") if value >= 2**20 else (2**10, "KiB") if value >= 2**10 else (1, "B")
    return f"{value / scale:g} {unit}"
