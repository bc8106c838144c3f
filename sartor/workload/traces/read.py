"""Read a trace of any known format, recognized by its content.

What is done to the data, for every format: requests are sorted by arrival (stably), times start at 0,
requests without output tokens are dropped as failed (their number stands in `source`), blank lines are
skipped. Everything else that is not as it should be is an error with its line.
"""

from __future__ import annotations

from pathlib import Path
from typing import IO

from ...errors import BrokenFile, InputError
from ..traffic import Traffic
from . import csv_lines, json_lines
from .formats import known

_MAGIC = {b"\x1f\x8b": "gzip", b"PK": "zip", b"PAR1": "Parquet", b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


def read_trace(path: str | Path) -> Traffic:
    """The traffic recorded in the file `path`."""
    path = Path(path)
    try:
        with path.open("rb") as raw:
            _check_text(raw.read(4096), path.name)
        # Bytes that are not UTF-8 become surrogates, which no number contains: the error knows its line.
        with path.open(encoding="utf-8-sig", errors="surrogateescape") as file:
            return _read(file, path)
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL in it
        raise InputError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _check_text(head: bytes, where: str) -> None:
    for magic, kind in _MAGIC.items():
        if head.startswith(magic):
            raise BrokenFile(f"{where}: is {kind}, not text (try to unpack or save it as UTF-8 CSV or JSON)")
    if b"\0" in head:
        raise BrokenFile(f"{where}: is binary, not text (try one of: {known()})")


def _read(file: IO[str], path: Path) -> Traffic:
    first, line = next(((i, text) for i, text in enumerate(file, start=1) if text.strip()), (0, ""))
    if not first:
        raise BrokenFile(f"{path.name}: is empty (try one of: {known()})")
    reader = json_lines if line.lstrip().startswith(("{", "[")) else csv_lines
    return reader.read(file, path, first, line)
