"""On-die memory: area and access energy of scratchpads and FIFOs."""

from __future__ import annotations

from typing import Any

import numpy as np

from .technology import Technology

_KIB = 1024.0


def area_mm2(tech: Technology, node: Any, n_bytes: Any) -> Any:
    """Macros of the node's density, times what surrounds them."""
    factor = tech.fact("overheads", "area", "sram_factor")
    return n_bytes / tech.column("nodes", "sram_density", node) * factor


def access_j_per_byte(tech: Technology, bank_bytes: Any, energy_ratio: Any) -> Any:
    """Read or write of one byte: a floor plus a term in the root of the bank (bit-line and H-tree length)."""
    floor = tech.fact("overheads", "energy", "sram_byte_floor")
    slope = tech.fact("overheads", "energy", "sram_byte_per_sqrt_kib")
    return (floor + slope * np.sqrt(bank_bytes / _KIB)) * energy_ratio
