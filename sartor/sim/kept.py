"""What is built once and kept: folders named by everything that they depend on, and how far a build has come."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from ..errors import InputError
from .tools import Progress

_STALE_S = 86400.0  # a folder of a build that was killed is removed after a day


def key_of(*parts: str) -> str:
    """Name of a cache entry: a hash of everything that it depends on."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode()
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()[:32]


@contextlib.contextmanager
def building(place: Path) -> Iterator[Path]:
    """A temporary folder that becomes `place` at the end: all of it or nothing."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        _sweep(place.parent)
        fresh = Path(tempfile.mkdtemp(prefix=".building-", dir=place.parent))
    except OSError as error:
        raise InputError(
            f"{place.parent}: {error.strerror or error} (set SARTOR_CACHE to a folder to write to)"
        ) from None
    try:
        yield fresh
        with contextlib.suppress(OSError):  # another process was faster: its result is as good
            os.rename(fresh, place)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


class Stages:
    """Tells `progress` of each stage that begins, with the seconds since the first."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress, self._start = progress, time.monotonic()

    def __call__(self, stage: str) -> None:
        if self._progress:
            self._progress(stage, time.monotonic() - self._start)


def _sweep(folder: Path) -> None:
    """Remove what builds left that were killed."""
    for left in folder.glob(".building-*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > _STALE_S:
                shutil.rmtree(left, ignore_errors=True)
