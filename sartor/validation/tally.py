"""Rows counted by what is wrong with them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

SHOWN = 3  # places named for each reason


@dataclass
class Tally:
    """How many rows for each reason, and the first places."""

    places: dict[str, list[str]] = field(default_factory=dict)

    def add(self, reason: str, where: str) -> None:
        self.places.setdefault(reason, []).append(where)

    def rows(self) -> list[dict[str, Any]]:
        most = sorted(self.places.items(), key=lambda item: -len(item[1]))
        return [{"reason": why, "n": len(at), "where": at[:SHOWN]} for why, at in most]
