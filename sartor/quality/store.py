"""What is kept, by content: results, the reference's last states, and how far an interrupted run came."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from ..errors import InputError
from ..search.store import whole
from ..version import code
from ..workload.cache import used
from ..workload.fetch import cache_folder

# Another program may find other numbers.
CODE = (
    "quality", "formats", "compiler", "workload/readers", "data/formats.csv", "data/gguf_types.csv",
    *(f"families/tensor/{name}.py" for name in ("cache_numerics", "numerics", "float32", "network")),
)  # fmt: skip


def named(windows: np.ndarray) -> str:
    """Token numbers by content."""
    return hashlib.sha256(repr((windows.shape, windows.tolist())).encode()).hexdigest()


class Store:
    """Files of one run: `parts` name model, text and recipe by content."""

    def __init__(self, parts: Sequence[str], folder: Path | None = None) -> None:
        key = hashlib.sha256(repr((code(CODE), *parts)).encode()).hexdigest()[:32]
        self._path = (folder or cache_folder()) / "quality" / key

    def result(self) -> dict[str, Any] | None:
        """What was found before."""
        try:
            found = json.loads(self._file("json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        used(self._file("json"))
        return found if isinstance(found, dict) else None

    def keep(self, result: dict[str, Any]) -> None:
        self._write("json", lambda path: path.write_text(json.dumps(result), encoding="utf-8"))

    def state(self) -> tuple[int, np.ndarray] | None:
        """Finished layers, and the residual stream after them."""
        try:
            with self._file("npz").open("rb") as file, np.load(file, allow_pickle=False) as found:
                return int(found["layers"]), found["x"]
        except (OSError, ValueError, KeyError, EOFError, BadZipFile):
            return None

    def finished(self, layers: int, x: np.ndarray) -> None:
        """Remember `layers` finished layers: a run that dies goes on from there."""

        def save(path: Path) -> None:
            with path.open("wb") as file:
                np.savez(file, layers=np.int64(layers), x=x)

        self._write("npz", save)

    def forget(self) -> None:
        """The state of a run that is over."""
        self._file("npz").unlink(missing_ok=True)

    def _file(self, kind: str) -> Path:
        return self._path.with_suffix(f".{kind}")

    def _write(self, kind: str, write: Any) -> None:
        try:
            with whole(self._file(kind)) as path:
                write(path)
        except (OSError, InputError) as error:
            raise InputError(f"{self._path.parent}: {error} (set SARTOR_CACHE to a folder to write to)") from None
