"""Measure point by point into a file that is whole after every line: an interrupted run goes on where it stopped."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ..errors import BrokenFile, InputError
from .plan import Point, key

Progress = Callable[[str, int, int], None]


class Device(Protocol):
    """What measures."""

    @property
    def name(self) -> str:
        """As NVML calls it, with underscores."""
        ...

    def measure(self, point: Point) -> dict[str, Any] | None:
        """What was measured at `point`; None where it does not fit the memory."""
        ...


@dataclass
class Done:
    """How a run went."""

    file: Path
    gpu: str
    measured: int = 0
    known: int = 0  # in the file already
    skipped: int = 0  # larger than the memory
    failed: int = 0
    left: int = 0
    interrupted: bool = False


def run(device: Device, points: Iterable[Point], file: Path, budget_s: float | None, progress: Progress) -> Done:
    """Measure what `file` does not hold yet, for at most `budget_s` (None: all of it)."""
    wanted = list(points)
    have = already(file, device.name)
    done, end = Done(file, device.name, left=len(wanted)), time.monotonic() + (budget_s or float("inf"))
    with file.open("a", encoding="utf-8") as log:
        try:
            for number, point in enumerate(wanted):
                if time.monotonic() >= end:
                    break
                progress(" ".join(str(v) for _, v in key(point)), number, len(wanted))
                _one(device, point, log, done, key(point) in have)
                done.left -= 1
        except KeyboardInterrupt:
            done.interrupted = True
    return done


def _one(device: Device, point: Point, log: Any, done: Done, known: bool) -> None:
    if known:
        done.known += 1
        return
    try:
        found = device.measure(point)
    except Exception as error:  # one kernel that fails must not cost the others
        found = {"err": str(error).splitlines()[0][:120] if str(error) else type(error).__name__}
        done.failed += 1
    if found is None:
        done.skipped += 1
        return
    done.measured += "err" not in found
    # One write a line: what is cut off is at most the last one.
    log.write(json.dumps({**point, **found, "gpu": device.name}) + "\n")
    log.flush()
    os.fsync(log.fileno())


def already(file: Path, gpu: str) -> set[tuple[tuple[str, Any], ...]]:
    """The points that `file` holds; a last line that was cut off is taken away."""
    if not file.exists():
        _writable(file)
        return set()
    lines = file.read_bytes().splitlines(keepends=True)
    if lines and not lines[-1].endswith(b"\n"):
        file.write_bytes(b"".join(lines[:-1]))
        lines.pop()
    rows = [_row(file, number, line) for number, line in enumerate(lines, start=1)]
    others = {row.get("gpu") for row in rows} - {gpu}
    if others:
        whose = ", ".join(sorted(map(str, others)))
        raise InputError(f"{file}: holds measurements of {whose}, not of {gpu} (try --out)")
    return {key(row) for row in rows}


def _row(file: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise BrokenFile(f"{file} line {number}: not a JSON object: not a file of `sartor measure`")
    return found


def _writable(file: Path) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    except OSError as error:
        raise InputError(f"{file}: cannot be written: {error.strerror}") from None
