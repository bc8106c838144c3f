"""Traffic as Mooncake JSONL: times, lengths and hashes of prompt blocks, never text.

A line is one write to the end of the file: a process that is killed leaves whole lines. What a full disk or a dead
machine cut off is removed at the next start. Source of the format: Mooncake, FAST'25 (traces/formats.py).
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import threading
from collections.abc import Sequence
from itertools import count
from pathlib import Path

from ..errors import InputError

BLOCK = 512  # tokens
SYNC_S = 1.0  # the disk itself has a line after so long
_TAIL = 1 << 20


class Recorder:
    """Appends to `path`; above `most_bytes` it is renamed NAME.1.jsonl, NAME.2.jsonl, ... and the newest `keep` of
    these stay. Block hashes are keyed by chance: equal blocks are seen as equal, but their text cannot be guessed.
    """

    def __init__(self, path: str | Path, most_bytes: int = 64 * 2**20, keep: int = 16) -> None:
        self.path, self._most, self._keep = Path(path), most_bytes, keep
        self._key, self._lock = os.urandom(32), threading.Lock()
        self._file = self._opened()
        self._stop = threading.Event()
        self._dirty = False
        self._syncer = threading.Thread(target=self._sync, name="record", daemon=True)
        self._syncer.start()
        self.written, self.failed = 0, 0

    def add(self, arrived_s: float, prompt: Sequence[int], output_tokens: int) -> None:
        """One request that arrived at `arrived_s` seconds since 1970. A disk that fails is counted, not raised."""
        line = json.dumps({
            "timestamp": round(arrived_s * 1e3, 3), "input_length": len(prompt), "output_length": output_tokens,
            "hash_ids": block_hashes(prompt, self._key),
        }).encode() + b"\n"  # fmt: skip
        with self._lock:
            try:
                self._append(line)
                self.written, self._dirty = self.written + 1, True
            except (OSError, InputError):
                self.failed += 1

    def close(self) -> None:
        self._stop.set()
        self._syncer.join()
        with self._lock:
            os.fsync(self._file)
            os.close(self._file)

    def _append(self, line: bytes) -> None:
        size = os.fstat(self._file).st_size
        if size and size + len(line) > self._most:
            self._rotate()
            size = 0
        if os.write(self._file, line) != len(line):
            os.ftruncate(self._file, size)
            raise OSError("the disk is full")

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
            raise InputError(f"--record {self.path}: cannot be written: {error.strerror}") from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(file)
            raise InputError(
                f"--record {self.path}: another server writes it (choose another file)"
            ) from None
        _cut_broken_line(file)
        return file

    def _sync(self) -> None:
        while not self._stop.wait(SYNC_S):
            with self._lock:
                if not self._dirty:
                    continue
                file, self._dirty = os.dup(self._file), False
            try:
                os.fsync(file)
            finally:
                os.close(file)


def _cut_broken_line(file: int) -> None:
    """Nothing after the last newline."""
    size = os.fstat(file).st_size
    tail = os.pread(file, _TAIL, max(0, size - _TAIL))
    if tail and not tail.endswith(b"\n"):
        os.ftruncate(file, size - len(tail) + tail.rfind(b"\n") + 1)


def block_hashes(tokens: Sequence[int], key: bytes, block: int = BLOCK) -> list[int]:
    """Of each block with all that came before it; 53 bits, which every reader of JSON holds exactly.

    >>> a, b = block_hashes(range(1024), b"k"), block_hashes([*range(512), *range(600)], b"k")
    >>> a[0] == b[0], a[1] == b[1], len(b)
    (True, False, 3)
    """
    found, before = [], b""
    for start in range(0, len(tokens), block):
        part = b"".join(int(t).to_bytes(4, "little") for t in tokens[start : start + block])
        before = hashlib.blake2b(before + part, key=key, digest_size=16).digest()
        found.append(int.from_bytes(before[:8], "little") >> 11)
    return found


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
