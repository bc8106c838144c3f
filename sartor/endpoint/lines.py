"""A file that only grows, line by line: a process that is killed leaves whole lines.

A line is one write to the end of the file. What a full disk or a dead machine cut off is removed at the next start.
"""

from __future__ import annotations

import fcntl
import os
from itertools import count
from pathlib import Path

from ..errors import InputError

_TAIL = 1 << 20


class Lines:
    """Appends to `path`; above `most_bytes` it is renamed NAME.1.jsonl, NAME.2.jsonl, ... and the newest `keep` of
    these stay. `option`: what the user calls it, for messages. One process writes at a time."""

    def __init__(self, path: Path, option: str, most_bytes: int = 64 * 2**20, keep: int = 16) -> None:
        self.path, self._option, self._most, self._keep = path, option, most_bytes, keep
        self._file = self._opened()

    def append(self, line: bytes) -> None:
        """With its end; OSError where the disk is full."""
        size = os.fstat(self._file).st_size
        if size and size + len(line) > self._most:
            self._rotate()
            size = 0
        if os.write(self._file, line) != len(line):
            os.ftruncate(self._file, size)
            raise OSError("the disk is full")

    def duplicate(self) -> int:
        """The file as it is now, for whoever brings it to the disk without holding up those who write."""
        return os.dup(self._file)

    def sync(self) -> None:
        os.fsync(self._file)

    def close(self) -> None:
        self.sync()
        os.close(self._file)

    def _rotate(self) -> None:
        known = rotated(self.path)
        last = known[-1] if known else None
        os.rename(self.path, _numbered(self.path, 1 + (_number(self.path, last) if last else 0)))
        old, self._file = self._file, self._opened()
        os.fsync(old)
        os.close(old)
        for path in rotated(self.path)[: -self._keep]:
            path.unlink(missing_ok=True)

    def _opened(self) -> int:
        try:
            file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            raise InputError(f"{self._option} {self.path}: cannot be written: {error.strerror}") from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(file)
            raise InputError(
                f"{self._option} {self.path}: another process writes it (choose another file)"
            ) from None
        _cut_broken_line(file)
        return file


def _cut_broken_line(file: int) -> None:
    """Nothing after the last newline."""
    size = os.fstat(file).st_size
    tail = os.pread(file, _TAIL, max(0, size - _TAIL))
    if tail and not tail.endswith(b"\n"):
        os.ftruncate(file, size - len(tail) + tail.rfind(b"\n") + 1)


def rotated(path: Path) -> list[Path]:
    """The files that `path` was renamed to, oldest first."""
    pattern = f"{path.stem}.*{path.suffix}"
    found = [p for p in path.parent.glob(pattern) if p.suffixes[-2:-1] and p.suffixes[-2][1:].isdecimal()]
    return sorted(found, key=lambda p: _number(path, p))


def _number(path: Path, other: Path) -> int:
    return int(other.name.removesuffix(path.suffix).rpartition(".")[2])


def _numbered(path: Path, number: int) -> Path:
    free = (path.with_name(f"{path.stem}.{i}{path.suffix}") for i in count(number))
    return next(p for p in free if not p.exists())
