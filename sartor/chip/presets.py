"""Chips that exist, by name: `sartor/data/chips/NAME.toml`, each with its source."""

from __future__ import annotations

import functools
from importlib.resources import files
from pathlib import Path

from ..errors import InputError, UnknownName
from ..tables import data_text
from .spec import Chip
from .toml import loads


def names() -> tuple[str, ...]:
    found = (p.name for p in files("sartor.data").joinpath("chips").iterdir())
    return tuple(sorted(n.removesuffix(".toml") for n in found if n.endswith(".toml")))


@functools.cache
def preset(name: str) -> Chip:
    if name not in names():
        raise UnknownName("chip", name, names())
    return loads(data_text(f"chips/{name}.toml"), f"chips/{name}.toml")


def find(name_or_path: str) -> Chip:
    """A preset by name, or the chip of a TOML file."""
    if not name_or_path.endswith(".toml"):
        return preset(name_or_path)
    try:
        text = Path(name_or_path).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:  # ValueError: not UTF-8, or a path that no system has
        raise InputError(f"{name_or_path}: cannot be read: {error}") from None
    return loads(text, name_or_path)
