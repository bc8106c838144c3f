"""Names that files of measurements use, in ours."""

from __future__ import annotations

import functools
import re
import tomllib

from ..chip import presets
from ..chip.spec import Chip
from ..errors import UnknownName
from ..formats.spec import format_named, formats
from ..tables import data_text
from ..workload import find
from ..workload.find import bundled
from ..workload.model import Model


@functools.cache
def _known() -> dict[str, dict[str, str]]:
    return tomllib.loads(data_text("names.toml"))


def ours(what: str, name: str) -> str:
    """Our name of chip, model or format `name`, however it is spaced and spelled; its own where it is ours already.

    >>> ours("chips", "NVIDIA H100 80GB HBM3"), ours("chips", "h100-sxm"), ours("formats", "FP8")
    ('h100-sxm', 'h100-sxm', 'fp8-e4m3')
    >>> ours("models", "meta-llama/Llama-3.1-8B-Instruct"), ours("models", "Qwen/Qwen3-8B")
    ('llama-3.1-8b', 'qwen3-8b')
    """
    known, plain = _spelled(what), _plain(name)
    if what == "models" and plain not in known:
        plain = plain.split("/")[-1].removesuffix("_hf").removesuffix("_instruct").removesuffix("_chat")
    return known.get(plain, name if what != "models" else plain.replace("_", "-"))


def _plain(name: str) -> str:
    """In small letters, with one kind of gap."""
    return re.sub(r"[\s_-]+", "_", name.strip().lower())


@functools.cache
def _spelled(what: str) -> dict[str, str]:
    """Of every name, theirs and ours."""
    own = {"chips": presets.names, "models": find.names, "formats": lambda: list(formats())}[what]()
    return {_plain(name): name for name in own} | {_plain(name): to for name, to in _known()[what].items()}


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
