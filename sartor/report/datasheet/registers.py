"""The host's register map, from the addresses that the hardware decodes."""

from __future__ import annotations

from typing import Any

from ...families.tensor.core import CONSTANTS, PROGRAM_WORDS, Core
from ...families.tensor.isa import COUNTERS
from ...families.tensor.rtl import counters, host
from ...families.tensor.rtl.sequencer import HOST_BITS, PARTS
from .words import phrase


def register_map(core: Core) -> dict[str, Any]:
    """Bus, registers and counters: what `registers.json` holds."""
    return {
        "bus": {"address_bits": host.ADDRESS_BITS, "data_bits": HOST_BITS, "addresses": "32-bit words"},
        "registers": [_register(core, *row) for row in _ROWS],
        "counters": [_counter(i, name) for i, name in enumerate(COUNTERS)],
    }


# name, first address, words (0: as many as the core has columns), access
_ROWS = (
    ("START", host.START, 1, "write"), ("BUSY", host.START, 1, "read"), ("BATCH", host.BATCH, 1, "write"),
    ("ROW", host.ROWS, 0, "write"), ("CONSTANT", host.CONSTANT, CONSTANTS, "write"),
    ("POSITION", host.POSITIONS, 0, "write"), ("COUNTER", host.COUNTER, 2 * len(COUNTERS), "read"),
    ("CACHE", host.CACHES, 0, "write"), ("ARGMAX_INDEX", host.BEST_INDEX, 0, "read"),
    ("ARGMAX_VALUE", host.BEST_VALUE, 0, "read"), ("PROGRAM", host.PROGRAM, PROGRAM_WORDS * PARTS, "write"),
)  # fmt: skip


def _register(core: Core, name: str, first: int, count: int, access: str) -> dict[str, Any]:
    count = count or core.columns
    blanks = {"last_column": core.columns - 1, "counter_bits": counters.BITS}
    return {
        "name": name, "first": first, "last": first + count - 1, "access": access,
        "description": phrase("registers", name, **blanks),
    }  # fmt: skip


def _counter(index: int, name: str) -> dict[str, Any]:
    low = host.COUNTER + 2 * index
    return {"name": name, "low": low, "high": low + 1, "description": phrase("counters", name)}


def span(row: dict[str, Any]) -> str:
    """Addresses of a register.

    >>> span({"first": 0x10, "last": 0x13}), span({"first": 2, "last": 2})
    ('0x0010-0x0013', '0x0002')
    """
    first, last = f"0x{row['first']:04X}", f"0x{row['last']:04X}"
    return first if first == last else f"{first}-{last}"
