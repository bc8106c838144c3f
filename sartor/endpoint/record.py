"""Traffic as Mooncake JSONL: times, lengths and hashes of prompt blocks, never text.

Source of the format: Mooncake, FAST'25 (traces/formats.py).
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Sequence
from pathlib import Path

from ..errors import InputError
from .lines import Lines

BLOCK = 512  # tokens
SYNC_S = 1.0  # the disk itself has a line after so long


class Recorder:
    """Appends to `path`, which is rotated (Lines). Block hashes are keyed by chance: equal blocks are seen as equal,
    but their text cannot be guessed."""

    def __init__(self, path: str | Path, most_bytes: int = 64 * 2**20, keep: int = 16) -> None:
        self._lines = Lines(Path(path), "--record", most_bytes, keep)
        self._key, self._lock = os.urandom(32), threading.Lock()
        self._stop = threading.Event()
        self._dirty = False
        self._syncer = threading.Thread(target=self._sync, name="record", daemon=True)
        self._syncer.start()
        self.written, self.failed = 0, 0

    def add(
        self, arrived_s: float, prompt: Sequence[int], output_tokens: int, batch: float | None = None, name: str = ""
    ) -> None:  # fmt: skip
        """One request that arrived at `arrived_s` seconds since 1970; `batch`: sequences in a decode pass of it
        (OnChip.batch); `name`: its X-Request-Id. A disk that fails is counted, not raised."""
        line = json.dumps({
            "timestamp": round(arrived_s * 1e3, 3), "input_length": len(prompt), "output_length": output_tokens,
            "hash_ids": block_hashes(prompt, self._key), **({} if batch is None else {"batch": round(batch, 3)}),
            **({"request_id": name} if name else {}),
        }).encode() + b"\n"  # fmt: skip
        with self._lock:
            try:
                self._lines.append(line)
                self.written, self._dirty = self.written + 1, True
            except (OSError, InputError):
                self.failed += 1

    def close(self) -> None:
        self._stop.set()
        self._syncer.join()
        with self._lock:
            self._lines.close()

    def _sync(self) -> None:
        while not self._stop.wait(SYNC_S):
            with self._lock:
                if not self._dirty:
                    continue
                file, self._dirty = self._lines.duplicate(), False
            try:
                os.fsync(file)
            finally:
                os.close(file)


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
