"""Kinds whose rows come with the package: which of them a figure was chosen with, and their errors apart."""

from __future__ import annotations

from collections.abc import Sequence

from . import area, dram
from .record import Recorded, records
from .summary import Pair
from .validate import validation

# By kind: devices or chips that the figures were fitted to, or that were looked at while the formula was made.
FITTED: dict[str, tuple[str, ...]] = {"dram": dram.DEVELOPED_ON, "area": area.FITTED_TO, "cost": (), "rtl": ()}


def parted(kind: str) -> tuple[Sequence[Pair], Sequence[Pair]]:
    """Pairs of rows that were fitted to, and of those that were not."""
    pairs = validation(kind).pairs
    if kind == "rtl":  # its formulas were made looking at all of these
        return pairs, []
    fitted = [p for p in pairs if p.labels["chip"] in FITTED[kind]]
    return fitted, [p for p in pairs if p.labels["chip"] not in FITTED[kind]]


def recorded(kind: str) -> list[Recorded]:
    """Records of both."""
    fitted, unseen = parted(kind)
    return records(kind, "unseen", unseen) + records(kind, "fitted", fitted)
