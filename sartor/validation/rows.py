"""From a file's rows to measurements: columns by their form, units, and what cannot be used, with the reason."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ..units import factor
from .files import raw_rows
from .kind import Column, Form, Kind, Row
from .notes import Notes
from .tally import Tally

LARGEST = 1e30  # in any unit
NAMES = ("chip", "model", "format", "device", "item")  # inputs that are names
MOST = 1e12  # that anything counted can be: rows, tokens, columns of a matrix


@dataclass(frozen=True)
class Unusable(Exception):
    """Why a row cannot be used."""

    reason: str


def usable_rows(kind: Kind, path: Path, excluded: Tally) -> list[Row]:
    """The rows of `path` that can be used; the others are counted in `excluded`."""
    return parted(kind, path, excluded)[0]


def parted(kind: Kind, path: Path, excluded: Tally, notes: Notes | None = None) -> tuple[list[Row], list[Row]]:
    """The same, and the rows that no measurement can be, which are among those counted."""
    notes = notes or Notes()
    rows = list(_read(kind, path, excluded, notes))
    kept, impossible = [], []
    for row, why in zip(rows, kind.impossible(rows), strict=True):
        if why is None:
            kept.append(row)
        else:
            excluded.add(why, row.where)
            impossible.append(row)
    notes.look_for_repeats(kept)
    return kept, impossible


def _read(kind: Kind, path: Path, excluded: Tally, notes: Notes) -> Iterator[Row]:
    for where, raw in raw_rows(path):
        try:
            yield _row(kind, where, raw, notes)
        except Unusable as unusable:
            excluded.add(unusable.reason, where)


def _row(kind: Kind, where: str, raw: dict[str, Any] | str, notes: Notes) -> Row:
    if isinstance(raw, str):
        raise Unusable(raw)
    watched = notes.watched(raw)
    form = kind.form(watched)
    if isinstance(form, str):
        raise Unusable(form)
    notes.look_for(form, raw)
    return split(form, where, watched, notes.called)


def split(form: Form, where: str, raw: Mapping[str, Any], called: Mapping[str, str] = MappingProxyType({})) -> Row:
    """`raw` taken apart: what predicting may see, and what it must not; names as they are `called` by us."""
    inputs = {c.name: _input(raw, at, c) for at, c in form.inputs.items()}
    inputs |= {name: called[value] for name, value in inputs.items() if name in NAMES and value in called}
    measured, beside = _numbers(raw, form.measured), _numbers(raw, form.beside)
    if not measured:
        raise Unusable(f"nothing was measured: none of {', '.join(form.measured)}")
    return form.mend(Row(where, MappingProxyType({"form": form.name, **form.fixed, **inputs}), measured, beside))


def _called(raw: Mapping[str, Any], at: str, column: Column) -> tuple[str, str]:
    """The name that a file has for a column, and the unit of what stands there. Two of its names may both be there only
    where they say the same."""
    if not column.also:
        return at, column.unit
    units = {at: column.unit} | dict(column.also)
    given = [name for name in units if raw.get(name) not in (None, "") and not _blank(raw.get(name))]
    for one, other in itertools.pairwise(given):
        if not _same(raw[one], units[one], raw[other], units[other]):
            raise Unusable(f"columns {one} and {other} do not agree")
    name = given[0] if given else at
    return name, units[name]


def _same(one: Any, one_unit: str, other: Any, other_unit: str) -> bool:
    """Whether two cells say the same, as numbers in their units to six digits, or as text.

    >>> _same("12", "ms", 0.012, "s"), _same("8.0", "", "8", ""), _same("H100", "", "h100", ""), _same(1, "", 2, "")
    (True, True, True, False)
    """
    try:
        return math.isclose(float(one) * factor(one_unit), float(other) * factor(other_unit), rel_tol=1e-6)
    except (TypeError, ValueError, OverflowError):
        return str(one).strip().lower() == str(other).strip().lower()


def _input(raw: Mapping[str, Any], at: str, column: Column) -> Any:
    at, _ = _called(raw, at, column)
    value = raw.get(at)
    if value is None or (column.optional and _blank(value)):
        if column.optional:
            return None
        raise Unusable(f"no column {at!r}")
    if (column.number or column.count) and _number(at, value) < 0:
        raise Unusable(f"{at} is below 0")
    if column.count and _number(at, value) % 1:
        raise Unusable(f"{at} is not a whole number")
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
    for own, column in columns.items():
        at, unit = _called(raw, own, column)
        value = raw.get(at)
        if value in (None, "") or (column.optional and _blank(value)):
            if column.optional:
                continue
            raise Unusable(f"no column {at!r} ({column.name}{', ' if column.unit else ''}{column.unit})")
        number = _number(at, value)
        if number <= 0:
            raise Unusable(f"{at} is not above 0")
        found[column.name] = number * factor(unit)
    return found


def _blank(value: Any) -> bool:
    """What tables have in a cell that is empty: pandas writes NaN.

    >>> [_blank(cell) for cell in (math.nan, "nan", "NaN", "0", 0.0)]
    [True, True, True, False, False]
    """
    return value != value or (isinstance(value, str) and value.strip().lower() in ("", "nan"))


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
