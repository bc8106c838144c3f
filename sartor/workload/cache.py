"""What the cache holds: made by us, made again where it is missing, and gone when nobody has used it for a month."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from .fetch import cache_folder

UNUSED_S = 30 * 86400.0
EVERY_S = 86400.0  # between two looks
# Depth of the entries in each folder. Weights and chosen designs stay: they are dear, or the user's.
ENTRIES = {"images": "*", "quality": "*", "runs": "*", "sim": "*", "flow": "*/*", "compiled": "*"}
# What entries are called, to the letter, and what a killed process leaves half done. What is not called so is not
# ours: SARTOR_CACHE may be any folder, and others name files by content, too.
_NAMES = {
    "images": r"[0-9a-f]{16}|[0-9a-f]{24}\.(bin|sha256)", "quality": r"\.?[0-9a-f]{32}\.(json|npz|sha256)(\.\w{8})?",
    "runs": r"[0-9a-f]{16}-[0-9a-f]{16}", "sim": r"((verilog|runtime)-)?[0-9a-f]{32}", "flow": r"[0-9a-f]{64}",
    "compiled": r"[0-9a-f]{16}",
}  # fmt: skip
_HALF = ".building-"
_OURS = {kind: re.compile(rf"{name}|{re.escape(_HALF)}\w{{8}}") for kind, name in _NAMES.items()}


def used(entry: Path) -> None:
    """`entry` is of use: a month from now at the earliest it goes."""
    with contextlib.suppress(OSError):
        os.utime(entry)


def sweep(folder: Path | None = None) -> list[Path]:
    """Remove entries that nobody has used for a month; which. It looks once a day. Who has a file open keeps it."""
    gone: list[Path] = []
    with contextlib.suppress(OSError, RuntimeError):  # who has no home has no cache there
        folder = folder or cache_folder()
        mark, now = folder / ".swept", time.time()
        if not folder.is_dir() or (mark.exists() and now - mark.stat().st_mtime < EVERY_S):
            return []
        mark.touch()
        for entry in _entries(folder):
            with contextlib.suppress(OSError):
                if now - entry.stat().st_mtime > UNUSED_S:
                    _remove(entry)
                    gone.append(entry)
    return gone


def _remove(entry: Path) -> None:
    """At once: who is stopped meanwhile leaves no half of it under its name."""
    if entry.is_dir():
        aside = Path(tempfile.mkdtemp(prefix=_HALF, dir=entry.parent))
        try:
            entry.rename(aside / entry.name)
        finally:
            shutil.rmtree(aside)
    else:
        entry.unlink()


def sizes_bytes(folder: Path | None = None) -> dict[str, int]:
    """Of what each folder holds."""
    folder = folder or cache_folder()
    return {kind: sum(map(_size, (folder / kind).rglob("*"))) for kind in ENTRIES if (folder / kind).is_dir()}


def _entries(folder: Path) -> Iterator[Path]:
    """Entries of ours that lie in `folder` itself, behind no link."""
    root = folder.resolve()
    for kind, below in ENTRIES.items():
        for entry in (folder / kind).glob(below):
            if _OURS[kind].fullmatch(entry.name) and entry.resolve() == root / entry.relative_to(folder):
                yield entry


def _size(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else 0
    except OSError:  # gone meanwhile
        return 0
