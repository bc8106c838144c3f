"""The sentences of a data sheet, from `datasheet.toml`."""

from __future__ import annotations

import functools
import tomllib
from importlib.resources import files
from typing import Any


@functools.cache
def words() -> dict[str, Any]:
    """Sections of sentences by name; `contract` and `limits` are lists."""
    return tomllib.loads(files("sartor.report").joinpath("datasheet.toml").read_text(encoding="utf-8"))


def phrase(section: str, name: str, **values: Any) -> str:
    """One sentence with its blanks filled.

    >>> phrase("ports", "request_address", port_bytes=128)
    'Address in words of 128 bytes.'
    """
    return str(words()[section][name]).format(**values)
