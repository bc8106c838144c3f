"""Traffic by name: the built-in profiles of `sartor/data/traffic.toml`, or a trace file."""

from __future__ import annotations

import functools
import hashlib
import os
import tomllib
from dataclasses import fields
from pathlib import Path

import numpy as np

from ..errors import BrokenFile, InputError, UnknownName
from ..tables import data_text
from .generator import Profile, generate
from .traces import read_trace
from .traffic import Demand, Traffic

SAMPLE_REQUESTS = 100_000  # the fixed sample that stands for a profile in closed forms
SAMPLE_SEED = 20231116  # the day of the Azure trace; any other would do


@functools.cache
def profiles() -> dict[str, Profile]:
    """The built-in profiles, by name."""
    data = tomllib.loads(data_text("traffic.toml"))
    levels = tuple(map(float, data.pop("levels")))
    return {name: _profile(name, levels, entry) for name, entry in data.items()}


def _profile(name: str, levels: tuple[float, ...], entry: dict) -> Profile:
    where = f"traffic.toml: [{name}]"
    known = {f.name for f in fields(Profile)} - {"name", "levels"}
    for key in entry:
        if key not in known:
            raise UnknownName("key", key, known, where)
    if missing := sorted(known - set(entry)):
        raise BrokenFile(f"{where} lacks {missing[0]} (keys: {', '.join(sorted(known))})")
    return Profile(name=name, levels=levels, **{key: _value(v) for key, v in entry.items()})  # type: ignore[arg-type]


def _value(value: str | float | list[float]) -> str | float | tuple[float, ...]:
    if isinstance(value, list):
        return tuple(map(float, value))
    return value if isinstance(value, str) else float(value)


def names() -> list[str]:
    """The names of the built-in profiles."""
    return list(profiles())


def find_profile(name: str) -> Profile:
    if name not in profiles():
        raise UnknownName("traffic profile", name, names())
    return profiles()[name]


def profile(
    name: str, *, requests: int, rng: np.random.Generator, rate_per_s: float | None = None
) -> Traffic:
    """`requests` requests of the built-in profile `name`; the same `rng` state gives the same requests."""
    return generate(find_profile(name), requests, rng, rate_per_s)


@functools.lru_cache(maxsize=16)
def sample(name: str) -> Traffic:
    """The fixed sample of the profile `name`. Its arrays are shared, so they are read-only."""
    traffic = profile(name, requests=SAMPLE_REQUESTS, rng=np.random.default_rng(SAMPLE_SEED))
    for array in (traffic.arrival_s, traffic.prompt_tokens, traffic.output_tokens):
        array.setflags(write=False)
    return traffic


def find_traffic(name_or_path: str | Path) -> Traffic:
    """The traffic of a built-in profile (its fixed sample) or of a trace file."""
    text = str(name_or_path)
    if text in profiles():
        return sample(text)
    if text.startswith(("http://", "https://")):
        raise InputError(f"{text}: a server counts; its traffic is known after a while (try: sartor watch {text} --out "
                         "traffic.jsonl, and then that file)")  # fmt: skip
    if Path(text).suffix or os.sep in text or os.path.exists(text):
        return read_trace(text)
    raise UnknownName("traffic", text, names(), "neither a profile nor a trace file")


def content_key(name_or_path: str) -> str | None:
    """The hash of a file's content, such as a trace's; None for a profile, and for a file that cannot be read."""
    if name_or_path in profiles():
        return None
    try:
        with open(name_or_path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError):
        return None


@functools.lru_cache(maxsize=64)
def demand(name_or_path: str | Path, percentile: float = 95.0) -> Demand:
    """The moments of a profile or trace, kept for the next call (a changed trace is not read again)."""
    return find_traffic(name_or_path).demand(percentile)
