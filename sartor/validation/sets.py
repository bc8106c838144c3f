"""Kinds whose rows come with the package: which of them a figure was chosen with, and their errors apart."""

from __future__ import annotations

from collections.abc import Sequence

from . import area, dram
from .record import Recorded, records
from .summary import Pair
from .validate import validation

# By kind: devices or chips that the figures were fitted to, or that were looked at while the formula was made; None
# where that was all of them.
FITTED: dict[str, tuple[str, ...] | None] = {
    "dram": dram.DEVELOPED_ON, "area": area.FITTED_TO, "cost": (), "rtl": None,
}  # fmt: skip


def parted(kind: str) -> tuple[Sequence[Pair], Sequence[Pair]]:
    """Pairs of rows that were fitted to, and of those that were not."""
    pairs, chips = validation(kind).pairs, FITTED[kind]
    seen = [chips is None or p.labels["chip"] in chips for p in pairs]
    fitted = [p for p, was in zip(pairs, seen, strict=True) if was]
    return fitted, [p for p, was in zip(pairs, seen, strict=True) if not was]


def recorded(kind: str) -> list[Recorded]:
    """Records of both."""
    fitted, unseen = parted(kind)
    return records(kind, "unseen", unseen) + records(kind, "fitted", fitted)
