"""Bounds of a core of family `tensor`, and what of its parameters does not go together: messages with what to try."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...chip.spec import ENGINES
from ...errors import InputError
from ...formats.decode import Element
from ...formats.group_scale import MOST_PLANES
from . import multipliers
from .isa import Scale
from .multipliers import MULTIPLIERS

if TYPE_CHECKING:
    from .core import Core

MOST_COLUMNS = 16

# Parameter: lowest, highest, power of two.
BOUNDS = {
    "rows": (2, 64, True),
    "lanes": (32, 128, True),
    "columns": (1, MOST_COLUMNS, False),
    "vector_lanes": (2, 32, True),
    "port_bytes": (16, 256, True),
    "buffer_groups": (2, 1024, False),
    "scratch_groups": (32, 8192, False),
    "weight_fifo_words": (4, 8192, False),
    "cache_fifo_words": (4, 8192, False),
}
TILE_MACS = 1024  # multipliers from which on a core is mostly tile (docs/decisions/0014-lanes-and-multipliers.md)
MACS_OF = {"vector_lanes": 64, "port_bytes": 8}  # there, for each vector lane and each byte of the port


def most_beside(name: str, macs: Any, planes: Any = 0) -> Any:
    """Vector lanes or bytes of the port beside `macs` multipliers, at most; beside few, as many as one likes. A decoder
    of binary codes (`planes` 1), which keeps scales of every plane, takes the room of half of the lanes.

    >>> [float(most_beside("vector_lanes", macs)) for macs in (1023, 1024, 1536, 2048)]
    [inf, 16.0, 24.0, 32.0]
    """
    each = MACS_OF[name] * (1 + planes) if name == "vector_lanes" else MACS_OF[name]
    return np.where(macs < TILE_MACS, np.inf, macs // each)


def check(core: Core) -> None:
    """Raises InputError for parameters of which no core is made."""
    for each in (_planes, _sizes, _beside, _engine, _cache, _codes):
        each(core)


def _planes(core: Core) -> None:
    if not 1 <= core.planes <= MOST_PLANES:
        raise InputError(f"core: planes = {core.planes!r} is outside 1 to {MOST_PLANES}")
    if (Element.SIGN in core.elements) != (Scale.PLANES in core.scales):
        raise InputError("core: SIGN codes and PLANES scales are known together, or neither")


def _sizes(core: Core) -> None:
    for name, (low, high, power) in BOUNDS.items():
        value = getattr(core, name)
        if not isinstance(value, int) or not low <= value <= high:
            raise InputError(f"core: {name} = {value!r} is outside {low} to {high}")
        if power and value & (value - 1):
            down = 1 << (value.bit_length() - 1)
            raise InputError(f"core: {name} = {value} is not a power of two (try {down} or {2 * down})")


def _beside(core: Core) -> None:
    """Lanes and port beside the multipliers."""
    macs, planes = core.rows * core.lanes * core.columns, int(Scale.PLANES in core.scales)
    for name in MACS_OF:
        value, most = getattr(core, name), most_beside(name, macs, planes)
        if value > most:
            need = TILE_MACS * int(value / most_beside(name, TILE_MACS, planes))
            raise InputError(
                f"core: {name} = {value} beside {macs:,} multipliers{' and binary codes' * planes}, more than "
                f"{most:.0f} (try {name} = {value // 2}, or rows x lanes x columns = {need:,})"
            )


def _engine(core: Core) -> None:
    if core.multiplier_bits not in MULTIPLIERS:
        raise InputError(f"core: multiplier_bits = {core.multiplier_bits} must be 4, 5, 8 or 9")
    if core.engine not in ENGINES:
        raise InputError(f"core: engine = {core.engine!r} must be mac or lut")
    if core.by_table and (core.shifting or Scale.PAIR in core.scales):
        what = "codes that are shifted" if core.shifting else "scales for 16 codes, half of a table's block"
        raise InputError(f"core: engine = 'lut' has no sums of {what} (try engine = 'mac')")


def _cache(core: Core) -> None:
    if core.cache_bits not in (4, 8):
        raise InputError(f"core: cache_bits = {core.cache_bits!r} must be 4 or 8")
    if core.wide_keys and core.cache_bits == 8:
        raise InputError("core: wide_keys are those beside values of 4 bits (try cache_bits = 4)")
    for element, what in ((core.cache_element, "the cache is"), (core.key_element, "keys are")):
        if element not in core.elements:
            raise InputError(f"core: elements without {element.name}, in which {what} stored")


def _codes(core: Core) -> None:
    """Codes and scales that the multipliers take."""
    for element in core.elements:
        if not multipliers.takes(core.multiplier_bits, element):
            raise InputError(
                f"core: {element.name} codes, shifted by up to {element.shift}, need multiplier_bits = 9, not "
                f"{core.multiplier_bits}"
            )
    if Scale.PAIR in core.scales and core.multiplier_bits != 5:
        raise InputError(
            f"core: scales for 16 codes need multiplier_bits = 5, not {core.multiplier_bits}: the two halves of a "
            "block have sums of their own there"
        )
    if Scale.ZERO in core.scales and core.multiplier_bits != 5:
        raise InputError(
            f"core: zero points need multiplier_bits = 5, not {core.multiplier_bits}: codes less their zero point "
            "have a sign"
        )
