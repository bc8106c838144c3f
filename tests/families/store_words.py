"""What stores write, byte by byte: the numbers of docs/hardware.md, beside rtl/store_word.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from sartor.families.tensor.core import GROUP, HALF, Core


def written(core: Core, offset: int, values: int, scale: int, codes: bytes) -> tuple[np.ndarray, np.ndarray]:
    """(data [bytes of a word], the bytes that are meant) of one store."""
    port, data = core.port_bytes, np.zeros(core.port_bytes, np.uint8)
    if scale:
        at, row = [offset & ~1, offset | 1], [0, 1]
    elif values:
        whole, both = core.multiplier_bits == 8 or core.cache_bits == 4, 8 // core.cache_bits
        between = core.lane_groups * (GROUP if whole else HALF)
        count = min(core.rows // both, GROUP // both, max(1, port // between))
        first = offset % between + offset // (between * count) * between * count
        at, row = [(first + r * between) % port for r in range(count)], list(range(count))
    else:
        count = _key_bytes(core)
        at, row = [offset // count * count + i for i in range(count)], list(range(count))
    data[at] = np.frombuffer(codes, np.uint8)[row]
    return data, np.isin(np.arange(port), at)


def _key_bytes(core: Core) -> int:
    return GROUP if core.multiplier_bits == 8 and core.key_bits == 8 and core.port_bytes >= GROUP else HALF


def words(core: Core, stores: list[dict[str, Any]]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Of stores as the memory block takes them: data and meant bytes."""
    count = _key_bytes(core)
    made = []
    for store in stores:
        kind = (store.get(name, 0) for name in ("offset", "values", "scale"))
        made.append(written(core, *kind, int(store["codes"]).to_bytes(count, "little")))
    return [data for data, _ in made], [meant for _, meant in made]
