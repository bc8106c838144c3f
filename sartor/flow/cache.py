"""What a long step made, kept by the content of what went into it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from ..workload.cache import used
from ..workload.fetch import cache_folder


def key_of(*parts: str) -> str:
    """The key of a step: a hash of all that its result depends on, in order.

    >>> key_of("a", "bc") == key_of("ab", "c")
    False
    """
    digest = hashlib.sha256()
    for part in parts:
        raw = part.encode()
        digest.update(len(raw).to_bytes(8, "big") + raw)
    return digest.hexdigest()


def kept(kind: str, key: str, make: Callable[[], str], folder: Path | None = None) -> str:
    """The text of an earlier run with this key, or that of `make`, which is then kept.

    It is written whole or not at all; where nothing can be written, nothing is kept.
    """
    place = (folder or cache_folder()) / "flow" / kind / key
    with contextlib.suppress(OSError, UnicodeDecodeError):
        text = place.read_text(encoding="utf-8")
        used(place)
        return text
    text = make()
    with contextlib.suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=place.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(temporary, place)
    return text
