"""From a file's rows to measurements: columns by their form, units, and what cannot be used, with the reason."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ..units import factor
from .files import raw_rows
from .kind import Column, Form, Kind, Row

SHOWN = 3  # places named for each reason
LARGEST = 1e30  # in any unit
MOST = 1e12  # that anything counted can be: rows, tokens, columns of a matrix


@dataclass
class Tally:
    """How many rows for each reason, and the first places."""

    places: dict[str, list[str]] = field(default_factory=dict)

    def add(self, reason: str, where: str) -> None:
        self.places.setdefault(reason, []).append(where)

    def rows(self) -> list[dict[str, Any]]:
        most = sorted(self.places.items(), key=lambda item: -len(item[1]))
        return [{"reason": why, "n": len(at), "where": at[:SHOWN]} for why, at in most]


@dataclass(frozen=True)
class Unusable(Exception):
    """Why a row cannot be used."""

    reason: str


def usable_rows(kind: Kind, path: Path, excluded: Tally) -> list[Row]:
    """The rows of `path` that can be used; the others are counted in `excluded`."""
    return parted(kind, path, excluded)[0]


def parted(kind: Kind, path: Path, excluded: Tally) -> tuple[list[Row], list[Row]]:
    """The same, and the rows that no measurement can be, which are among those counted."""
    rows = list(_read(kind, path, excluded))
    kept, impossible = [], []
    for row, why in zip(rows, kind.impossible(rows), strict=True):
        if why is None:
            kept.append(row)
        else:
            excluded.add(why, row.where)
            impossible.append(row)
    return kept, impossible


def _read(kind: Kind, path: Path, excluded: Tally) -> Iterator[Row]:
    for where, raw in raw_rows(path):
        try:
            yield _row(kind, where, raw)
        except Unusable as unusable:
            excluded.add(unusable.reason, where)


def _row(kind: Kind, where: str, raw: dict[str, Any] | str) -> Row:
    if isinstance(raw, str):
        raise Unusable(raw)
    form = kind.form(raw)
    if isinstance(form, str):
        raise Unusable(form)
    return split(form, where, raw)


def split(form: Form, where: str, raw: Mapping[str, Any]) -> Row:
    """`raw` taken apart: what predicting may see, and what it must not."""
    inputs = {c.name: _input(raw, at, c) for at, c in form.inputs.items()}
    measured, beside = _numbers(raw, form.measured), _numbers(raw, form.beside)
    return form.mend(Row(where, MappingProxyType({"form": form.name, **form.fixed, **inputs}), measured, beside))


def _input(raw: Mapping[str, Any], at: str, column: Column) -> Any:
    value = raw.get(at)
    if value is None:
        if column.optional:
            return None
        raise Unusable(f"no column {at!r}")
    if not column.whole:
        return str(value)
    number = _number(at, value)
    if number != int(number) or number < 1:
        raise Unusable(f"{at} is not a whole number of at least 1")
    if number > MOST:
        raise Unusable(f"{at} is more than {MOST:.0e}")
    return int(number)


def _numbers(raw: Mapping[str, Any], columns: Mapping[str, Column]) -> dict[str, float]:
    """Positive numbers in coherent units; an optional one that is not there is left out."""
    found = {}
    for at, column in columns.items():
        value = raw.get(at)
        if value in (None, ""):
            if column.optional:
                continue
            raise Unusable(f"no column {at!r} ({column.name}, {column.unit})")
        number = _number(at, value)
        if number <= 0:
            raise Unusable(f"{at} is not above 0")
        found[column.name] = number * factor(column.unit)
    return found


def _number(at: str, value: Any) -> float:
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise Unusable(f"{at} is not a number")
    if number and not 1 / LARGEST < abs(number) < LARGEST:
        raise Unusable(f"{at} is too large or too small to be measured")
    return number
