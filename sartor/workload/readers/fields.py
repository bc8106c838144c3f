"""Checked look-ups in a JSON object or a TOML table: errors name file, field, value and limit."""

from __future__ import annotations

import json
import math
from collections.abc import Collection
from pathlib import Path
from typing import Any

from ...errors import BrokenFile, InputError, Unsupported

MOST = 2**31  # no dimension of a model is larger
MOST_LAYERS = 2**16
MOST_BYTES = 2**28  # of a JSON file
NEEDED: Any = object()


class Fields:
    """The entries of one object; `where` is the file's name. An entry that is null counts as absent."""

    def __init__(self, raw: object, where: str) -> None:
        if not isinstance(raw, dict):
            raise BrokenFile(f"{where}: expected an object with named fields, found {_short(raw)}")
        self.raw: dict[str, Any] = raw
        self.where = where

    def fail(self, name: str, why: str) -> InputError:
        return InputError(f"{self.where}: {name} = {_short(self.raw.get(name))} {why}")

    def has(self, name: str) -> bool:
        return self.raw.get(name) is not None

    def get(self, names: tuple[str, ...], default: Any) -> tuple[str, Any]:
        """The first of `names` that is there, with its value."""
        for name in names:
            if self.has(name):
                return name, self.raw[name]
        if default is NEEDED:
            raise BrokenFile(f"{self.where}: missing field {' or '.join(map(repr, names))}")
        return names[0], default

    def whole(self, *names: str, default: Any = NEEDED, low: int = 1, high: int = MOST) -> Any:
        """A whole number between `low` and `high`; a default is passed through."""
        name, value = self.get(names, default)
        if value is default:
            return value
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.fail(name, f"must be a whole number between {low} and {high}")
        if not low <= value <= high:
            raise self.fail(name, f"must be between {low} and {high}")
        return value

    def real(self, *names: str, default: Any = NEEDED) -> float:
        """A finite number above 0; a default is passed through."""
        name, value = self.get(names, default)
        if value is default:
            return value
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < math.inf:
            raise self.fail(name, "must be a number above 0")
        return float(value)

    def layers(self, *names: str) -> int:
        return self.whole(*names, high=MOST_LAYERS)

    def flag(self, name: str, default: Any = False) -> bool:
        _, value = self.get((name,), default)
        if not isinstance(value, bool):
            raise self.fail(name, "must be true or false")
        return value

    def text(self, *names: str, default: Any = NEEDED) -> Any:
        name, value = self.get(names, default)
        if value is not default and not isinstance(value, str):
            raise self.fail(name, "must be text")
        return value

    def one_of(self, *names: str, known: Collection[Any], default: Any = NEEDED) -> Any:
        """A value that must be among `known`: anything else is well-formed but not modeled."""
        name, value = self.get(names, default)
        if value is not default and not any(value == k and type(value) is type(k) for k in known):
            shown = ", ".join(str(k) for k in known)
            raise Unsupported(f"{self.where}: {name} = {_short(value)} is not modeled (known: {shown})")
        return value

    def only(self, name: str, value: Any) -> None:
        """`name` may be absent, but not different from `value`."""
        self.one_of(name, known=[value], default=value)

    def names(self, name: str, length: int, known: Collection[str]) -> list[str]:
        """A list of `length` words out of `known`."""
        _, value = self.get((name,), NEEDED)
        if not isinstance(value, list) or len(value) != length:
            found = f"a list of {len(value)}" if isinstance(value, list) else _short(value)
            raise InputError(f"{self.where}: {name} must be a list of {length} entries, found {found}")
        for i, word in enumerate(value):
            if word not in list(known):
                shown = ", ".join(known)
                raise Unsupported(
                    f"{self.where}: {name}[{i}] = {_short(word)} is not modeled (known: {shown})"
                )
        return value

    def part(self, name: str) -> Fields:
        """The object inside `name`."""
        return Fields(self.get((name,), NEEDED)[1], f"{self.where}: {name}")


def _short(value: object) -> str:
    if isinstance(value, int) and abs(value) > 10**30:
        return f"a number of {value.bit_length()} bits"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def read_bytes(path: Path, most: int = MOST_BYTES) -> bytes:
    """The bytes of a file of at most `most` bytes."""
    try:
        size = path.stat().st_size
        if size > most:
            raise BrokenFile(f"{path.name}: {size} bytes is too large for such a file (limit {most})")
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error} (check the path)") from None


def parse_json(data: bytes, where: str) -> Any:
    """The value in `data`; a damaged file is named with the place of the damage."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BrokenFile(f"{where}: not JSON: {str(error)[:120] or 'nested too deep'}") from None
