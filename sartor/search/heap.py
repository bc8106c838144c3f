"""One setting of the C library's heap, for work that allocates and frees equal arrays all day."""

from __future__ import annotations

import contextlib
import ctypes
import functools

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h of glibc
_KEEP_BYTES = 1 << 28


@functools.cache
def keep_freed_pages() -> None:
    """Ask the heap to keep up to 256 MiB of freed pages instead of returning and faulting them in again.

    glibc gives arrays over 128 KiB back to the kernel at once; screening then spends 40 % of its time in page
    faults. Elsewhere (musl, macOS, Windows) there is no such call and nothing is done.
    """
    with contextlib.suppress(OSError, AttributeError):
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_MMAP_THRESHOLD, _KEEP_BYTES)
        libc.mallopt(_M_TRIM_THRESHOLD, _KEEP_BYTES)
