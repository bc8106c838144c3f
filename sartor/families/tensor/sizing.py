"""From the chip that the search chose to the parameters of its core, on numbers and arrays alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...chip.spec import Chip
from ...errors import InputError, Unsupported
from ...formats.decode import Element
from ...formats.group_scale import Scale
from ...formats.hardware import Coding, coding_of, decoded, no_decoder
from . import multipliers
from .core import BOUNDS, CACHE_ELEMENTS, Core

BUFFER_SHARE = 8  # one part in eight of the scratchpad is the activation buffer
BUFFER_GROUP_BYTES = 35  # 32 codes, their exponent, their sum
SCRATCH_GROUP_BYTES = 128  # 32 binary32 numbers
CACHE_SHARE = 8  # one part in eight of the FIFO is the cache queue's
HARDWARE_WEIGHTS = tuple(decoded())  # formats with a decoder
HARDWARE_CACHE = {"int8-g32": (8, 8), "k8v4-g32": (8, 4), "int4-g32": (4, 4)}  # bits of a key's code, of a value's


def port_bytes(bandwidth_bytes_per_s: Any, cores: Any, clock_hz: Any) -> Any:
    """Bytes a cycle of one core's memory port: the least power of two that carries its share.

    >>> float(port_bytes(34e9, 1, 450e6))
    128.0
    """
    need = bandwidth_bytes_per_s / (cores * clock_hz)
    return np.maximum(2.0 ** np.ceil(np.log2(need)), BOUNDS["port_bytes"][0])


def buffer_groups(scratchpad_bytes: Any, columns: Any) -> Any:
    """Groups of one column that the activation buffer holds."""
    most = BOUNDS["buffer_groups"][1]
    return np.minimum(np.floor(scratchpad_bytes / BUFFER_SHARE / (columns * BUFFER_GROUP_BYTES)), most)


def scratch_groups(scratchpad_bytes: Any) -> Any:
    """Groups of the vector scratchpad: what the activation buffer leaves."""
    left = scratchpad_bytes - scratchpad_bytes / BUFFER_SHARE
    return np.minimum(np.floor(left / SCRATCH_GROUP_BYTES), BOUNDS["scratch_groups"][1])


def fifo_words(fifo_bytes: Any, port: Any) -> tuple[Any, Any]:
    """Words of the weight FIFO and of the cache FIFO."""
    least = BOUNDS["cache_fifo_words"][0]
    cache = np.maximum(np.floor(fifo_bytes / CACHE_SHARE / port), least)
    return np.maximum(np.floor(fifo_bytes / port) - cache, least), cache


def _decoder(coding: Coding, cache: tuple[Element, ...]) -> dict[str, Any]:
    """What the decoder of one format knows beside the cache."""
    element, plain = coding.element, (Element.INT4, Element.INT8)
    return {
        "elements": plain if element in plain else (*cache, element),
        "scales": (coding.scale,) if coding.scale > Scale.SCALE_MINIMUM else (), "planes": coding.planes,
    }  # fmt: skip


def _decoders(codings: Mapping[str, Coding], cache_bits: tuple[int, int], where: str) -> dict[str, Any]:
    """Of a chip for several formats: multipliers that take them all, and what any decoder knows."""
    keys, values = cache_bits
    cache = tuple(dict.fromkeys(CACHE_ELEMENTS[bits] for bits in (values, keys)))
    each = [_decoder(coding, cache) for coding in codings.values()]
    return {
        "multiplier_bits": multipliers.together(codings, where),
        "elements": tuple(dict.fromkeys(element for one in each for element in one["elements"])),
        "scales": tuple(dict.fromkeys(scale for one in each for scale in one["scales"])),
        "planes": max(one["planes"] for one in each), "cache_bits": values, "wide_keys": keys != values,
    }


def core_of(chip: Chip) -> Core:
    """The core of `chip`; a chip that cannot be generated is refused with the reason."""
    tile = chip.tile
    if tile is None:
        raise Unsupported(f"{chip.name}: only chips of family tensor are generated, this is {chip.family}")
    own = ((f"mix {part}", name, HARDWARE_WEIGHTS) for part, name in tile.mix.items())
    for what, name, known in (("weights", tile.weights, HARDWARE_WEIGHTS), ("kv", tile.kv, HARDWARE_CACHE), *own):
        if name not in known:
            why = no_decoder(name) if what != "kv" else f"{name!r} has no decoder in hardware (try {', '.join(known)})"
            raise Unsupported(f"{chip.name}: [tile] {what} = {why}")
    codings = {name: coding_of(name) for name in (tile.weights, *tile.mix.values())}
    port = int(port_bytes(chip.memory.bandwidth_bytes_per_s, chip.cores, chip.clock_hz))
    weight_words, cache_words = fifo_words(tile.fifo_bytes, port)
    try:
        return Core(
            rows=tile.rows, lanes=tile.lanes, columns=tile.columns, vector_lanes=tile.vector_lanes,
            port_bytes=port, **_decoders(codings, HARDWARE_CACHE[tile.kv], "[tile] weights and mix"),
            buffer_groups=int(buffer_groups(tile.scratchpad_bytes, tile.columns)),
            scratch_groups=int(scratch_groups(tile.scratchpad_bytes)),
            weight_fifo_words=int(weight_words), cache_fifo_words=int(cache_words), engine=tile.engine,
        )  # fmt: skip
    except InputError as error:
        raise type(error)(f"{chip.name}: {error}") from None


def not_generated(chip: Chip) -> str | None:
    """Why `chip`, of family tensor, cannot be generated, though it is priced; None where it can, and of others."""
    if chip.tile is None:
        return None
    try:
        core_of(chip)
    except InputError as error:
        return f"priced, but not generated: {error}"
    return None
