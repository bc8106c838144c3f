"""The version, and what names the code itself; apart from the package's face, which looks at all floors."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

VERSION = "0.1.0"
HOUSE = Path(__file__).parent


@functools.cache
def code(parts: tuple[str, ...], without: tuple[str, ...] = (), house: Path = HOUSE) -> str:
    """Names the sources in `parts` of the house (files, or folders with all code and facts below them), less the
    folders in `without`: what other sources made is not theirs."""
    digest = hashlib.sha256()
    for path in sources(parts, without, house):
        data = path.read_bytes()
        digest.update(f"{path.relative_to(house).as_posix()} {len(data)} ".encode() + data)
    return digest.hexdigest()[:16]


def sources(parts: tuple[str, ...], without: tuple[str, ...] = (), house: Path = HOUSE) -> list[Path]:
    """The files of `code`."""
    files = (f for part in parts for f in (_below(house / part) if (house / part).is_dir() else [house / part]))
    left_out = [house / folder for folder in without]
    return sorted(f for f in files if not any(f.is_relative_to(folder) for folder in left_out))


def _below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.suffix in (".py", ".csv", ".toml")]
