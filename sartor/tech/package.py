"""Packages: what it costs to join dies and memory, and how often that fails."""

from __future__ import annotations

from typing import Any

import numpy as np

from .technology import Technology, rows_of


def packaged_usd(
    tech: Technology, package: Any, dies: Any, dies_usd: Any, die_mm2: Any, stacks: Any, stacks_usd: Any
) -> Any:
    """Known good dies and stacks joined: every one of them must bond, and all that is on a package that fails
    is lost.

    `die_mm2` all dies together; `stacks` memory stacks on the package (0 where memory is soldered beside it).
    Source: Feng, Ma, "Chiplet Actuary", DAC 2022, eq. 4.
    """

    def cost(quantity: str) -> Any:
        return tech.column("packages", quantity, package)

    body = cost("fixed") + cost("per_mm2") * die_mm2 + cost("per_stack") * stacks
    bonded = np.exp(rows_of(np.log(tech.whole("packages", "bond_yield")), package) * (dies + stacks))
    return (dies_usd + stacks_usd + body) / bonded + cost("test")
