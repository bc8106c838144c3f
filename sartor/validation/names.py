"""Names that files of measurements use, in ours."""

from __future__ import annotations

import functools
import tomllib

from ..chip import presets
from ..chip.spec import Chip
from ..errors import UnknownName
from ..formats.spec import format_named
from ..tables import data_text
from ..workload.find import bundled
from ..workload.model import Model


@functools.cache
def _known() -> dict[str, dict[str, str]]:
    return tomllib.loads(data_text("names.toml"))


def ours(what: str, name: str) -> str:
    """Our name of chip, model or format `name`; its own where it is ours already.

    >>> ours("chips", "NVIDIA_H100_80GB_HBM3"), ours("chips", "h100-sxm"), ours("formats", "fp8")
    ('h100-sxm', 'h100-sxm', 'fp8-e4m3')
    """
    return _known()[what].get(name, name)


@functools.cache
def chip(name: str) -> Chip | None:
    """The chip that a file calls `name`, or None."""
    try:
        return presets.preset(ours("chips", name))
    except UnknownName:
        return None


@functools.cache
def model(name: str) -> Model | None:
    """The model that a file calls `name`, or None."""
    try:
        return bundled(ours("models", name))
    except UnknownName:
        return None


@functools.cache
def number_format(name: str) -> str | None:
    """The format that a file calls `name`, or None."""
    try:
        return format_named(ours("formats", name)).name
    except UnknownName:
        return None
