"""The memory image in the cache, checked against the hash it had when it was packed."""

from __future__ import annotations

import contextlib
import hashlib
import time
from pathlib import Path

from ..compiler import store
from ..families.tensor.core import Core
from ..families.tensor.network import Network
from .say import Say, silent


def checked(core: Core, net: Network, key: str, context: int, say: Say = silent, sequences: int = 1) -> Path:
    """The image of `net`; one that is damaged, or whose hash nobody wrote down, is packed again.

    RTL and golden model read the same image: a damaged one would make both say the same nonsense.
    """
    start = time.time()
    _, path = store.compiled(core, net, key, context, sequences=sequences)
    if path.stat().st_mtime < start - 1:  # it was there before
        if _right(path):
            return path
        if _note(path).is_file():
            say(f"the memory image {path.name} is damaged: packing it again")
        path.unlink()
        store.compiled(core, net, key, context, sequences=sequences)
    with contextlib.suppress(OSError):  # without a note it is packed again next time
        _note(path).write_text(_hash(path) + "\n", encoding="utf-8")
    return path


def _note(path: Path) -> Path:
    return path.with_suffix(".sha256")


def _right(path: Path) -> bool:
    try:
        return _note(path).read_text(encoding="utf-8", errors="replace").strip() == _hash(path)
    except OSError:
        return False


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
