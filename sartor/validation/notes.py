"""What is said of files of measurements beside their rows: columns that nothing reads, rows that are there twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .kind import Form, Row
from .tally import Tally

SHOWN = 12  # columns named


class Looked(dict[str, Any]):
    """A row that notes in `at` which of its columns are asked for."""

    def __init__(self, row: Mapping[str, Any], at: set[str]):
        super().__init__(row)
        self._at = at

    def get(self, name: str, default: Any = None) -> Any:
        self._at.add(name)
        return super().get(name, default)

    def __getitem__(self, name: str) -> Any:
        self._at.add(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self._at.add(str(name))
        return super().__contains__(name)


@dataclass
class Notes:
    """Filled while files are read. `called`: what the files call a chip, a model or a format, and our word for it."""

    called: Mapping[str, str] = field(default_factory=dict)
    repeated: Tally = field(default_factory=Tally)
    _columns: dict[str, None] = field(default_factory=dict)
    _looked: set[str] = field(default_factory=set)
    _wanted: dict[str, bool] = field(default_factory=dict)  # columns that may be missing: whether a row has them

    def watched(self, row: Mapping[str, Any]) -> Looked:
        self._columns.update(dict.fromkeys(row))
        return Looked(row, self._looked)

    def unread(self) -> list[str]:
        """Columns that no form asked for, as they stand in the file."""
        return [name for name in self._columns if name not in self._looked]

    def look_for(self, form: Form, row: Mapping[str, Any]) -> None:
        """Which inputs of its form that may be missing a row has."""
        for name, column in form.inputs.items():
            if column.optional and not column.instead:
                there = any(at in row for at in (name, *column.also))
                self._wanted[name] = self._wanted.get(name, False) or there

    def absent(self) -> list[str]:
        """Inputs that no row of all files has a column of: what they would say is taken as it mostly is."""
        return [name for name, there in self._wanted.items() if not there]

    def look_for_repeats(self, rows: Sequence[Row]) -> None:
        """Rows equal to an earlier one in all that is read: copies, since no two times are equal to all digits."""
        seen: set[tuple[Any, ...]] = set()
        for row in rows:
            key = (*row.inputs.values(), *row.measured.values())
            if key in seen:
                self.repeated.add("as an earlier row, to all digits: counted again", row.where)
            seen.add(key)


def named(columns: Sequence[str], how: str = "not read") -> str:
    """Some of them, in words.

    >>> named(["ms", "note"])
    'columns not read: ms, note'
    """
    more = f" and {len(columns) - SHOWN} more" if len(columns) > SHOWN else ""
    return f"columns {how}: {', '.join(columns[:SHOWN])}{more}"
