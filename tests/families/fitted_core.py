"""Cores of any sizes within the bounds."""

from __future__ import annotations

from typing import Any

from sartor.families.tensor.core import MACS_OF, Core, most_beside


def fitted(**sizes: Any) -> Core:
    """A core of these sizes, with fewer vector lanes and a smaller port where it has too few multipliers for them."""
    columns = sizes.get("columns", Core.columns)
    for name in MACS_OF:
        most = most_beside(name, sizes["rows"] * sizes["lanes"] * columns)
        while sizes.get(name, getattr(Core, name)) > most:
            sizes[name] = sizes.get(name, getattr(Core, name)) // 2
    return Core(**sizes)
