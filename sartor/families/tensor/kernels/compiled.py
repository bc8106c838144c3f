"""Compiles loops, and keeps the machine code by the content of what it was made of."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba

from ....workload.cache import used
from ....workload.fetch import cache_folder

# Where constants in the machine code come from, beside this folder.
_OTHERS = ("float32.py", "functions.py", "numerics.py", "core.py", "isa/words.py", "isa/fields.py")


def compiled(loop: Callable[..., Any]) -> Any:
    """`loop`, compiled at its first call, or read from the cache; where that is not writable, in this process only."""
    config: Any = numba.config
    before = config.CACHE_DIR
    try:
        config.CACHE_DIR = str(_folder())
        return numba.njit(cache=True, nogil=True)(loop)
    except RuntimeError:  # no folder of the user's, or none to write to
        return numba.njit(nogil=True)(loop)
    finally:
        config.CACHE_DIR = before


@functools.cache
def _folder() -> Path:
    """numba itself looks only at the file of the function that it compiles, not at those of functions called."""
    here = Path(__file__).parent
    sources = [*sorted(here.glob("*.py")), *(here.parent / name for name in _OTHERS)]
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources))
    folder = cache_folder() / "compiled" / digest.hexdigest()[:16]
    used(folder)
    return folder
