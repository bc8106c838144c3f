"""Yosys (the package pyosys) in a process of its own: a crash, a hang or its memory stays there."""

from __future__ import annotations

import contextlib
import gc
import importlib.util
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from amaranth.back import rtlil as _rtlil

from ..errors import InputError, Unsupported

Progress = Callable[[str], None]  # gets the name of each pass that begins

# Only its own address space: the caller's is not touched.
_CHILD = """
import resource, sys
limit = int(sys.argv[2])
if limit:
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
from pyosys import libyosys as ys
ys.run_pass("script " + sys.argv[1], ys.Design())
"""
_SCRIPT = "script.ys"
_LOG_LINES = 12
_MANY_OBJECTS = 500_000  # that are made from one look for garbage to the next

# Recipe of research: without it Amaranth's RTLIL simulates 6 times slower in Verilator.
CLEAN = (
    "proc; flatten; opt -full; wreduce; peepopt; opt_dff; opt -full; "
    "techmap -map +/techmap.v t:$fa; opt_clean; clean -purge"
)


@dataclass(frozen=True)
class Run:
    """What one run of Yosys left: its log, and the text files it wrote, by name."""

    log: str
    files: Mapping[str, str]


def version() -> str:
    """The version of pyosys, for messages and for keys of a cache.

    >>> version()[0].isdigit()
    True
    """
    _require()
    return metadata.version("pyosys")


def run_script(
    script: str,
    files: Mapping[str, str],
    *,
    progress: Progress | None = None,
    timeout_s: float = 3600.0,
    memory_bytes: int = 0,
) -> Run:
    """Run a Yosys script beside `files` (name to text); what it writes there comes back.

    `memory_bytes` limits the address space of the process; 0 is no limit.
    """
    _require()
    with tempfile.TemporaryDirectory(prefix="sartor-yosys-") as temporary:
        folder = Path(temporary)
        for name, text in {**files, _SCRIPT: script}.items():
            (folder / name).write_text(text, encoding="utf-8")
        log = _run(folder, progress, timeout_s, memory_bytes)
        written = sorted(p for p in folder.iterdir() if p.is_file() and p.name not in {*files, _SCRIPT})
        return Run(log, {p.name: p.read_text(encoding="utf-8", errors="replace") for p in written})


def to_rtlil(elaboratable: Any, name: str = "top", ports: Any = None, platform: Any = None) -> str:
    """RTLIL of an Amaranth design, without paths of this machine.

    `ports` may be left out for an `amaranth.lib.wiring.Component`. An `Instance` whose type begins with $
    (as `$fa`) becomes Yosys' own cell.
    """
    with _seldom_looks_for_garbage():
        text = _rtlil.convert(elaboratable, name=name, platform=platform, ports=ports, emit_src=False)
    return text.replace("cell \\$", "cell $")


@contextlib.contextmanager
def _seldom_looks_for_garbage() -> Iterator[None]:
    """Amaranth makes millions of objects and needs nearly all to the end: looking for others takes two fifths of its
    time, and never looking half as much memory again."""
    was = gc.get_threshold()
    if not 0 < was[0] < _MANY_OBJECTS:  # somebody's choice, or within such a call
        yield
        return
    gc.set_threshold(_MANY_OBJECTS, *was[1:])
    try:
        yield
    finally:
        gc.set_threshold(*was)


def clean_verilog(rtlil: str, top: str, clean: str = CLEAN, *, progress: Progress | None = None) -> str:
    """Flat, optimized Verilog of one RTLIL design, without attributes: what the simulator is built of. `clean`: the
    passes."""
    script = f"read_rtlil in.il; hierarchy -check -top {top}; {clean}; write_verilog -noattr out.v"
    return run_script(script, {"in.il": rtlil}, progress=progress).files["out.v"]


def _require() -> None:
    if importlib.util.find_spec("pyosys") is None:
        raise Unsupported("synthesis: Yosys is not installed (try: pip install pyosys)")


def _run(folder: Path, progress: Progress | None, timeout_s: float, memory_bytes: int) -> str:
    """The log of one run; an error of Yosys is raised with the end of its log."""
    command = [sys.executable, "-c", _CHILD, _SCRIPT, str(memory_bytes)]
    lines: list[str] = []
    expired = threading.Event()
    process = subprocess.Popen(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace",
    )  # fmt: skip
    with process, _deadline(process, timeout_s, expired):
        for line in process.stdout or ():
            lines.append(line)
            # The passes are numbered: "7.1. Executing OPT_EXPR pass (perform const folding)."
            if progress and line[:1].isdigit() and ". Executing " in line:
                progress(line.partition("Executing ")[2].split(" (")[0].split(" pass")[0].strip(" .\n"))
    log = "".join(lines)
    if process.returncode or expired.is_set():
        raise InputError(_complaint(log, process.returncode, timeout_s if expired.is_set() else None))
    return log


@contextlib.contextmanager
def _deadline(process: subprocess.Popen[str], timeout_s: float, expired: threading.Event) -> Any:
    """End the process after `timeout_s`, or when the caller is interrupted."""

    def stop() -> None:
        expired.set()
        process.kill()

    timer = threading.Timer(timeout_s, stop)
    timer.start()
    try:
        yield
    except BaseException:
        process.kill()
        raise
    finally:
        timer.cancel()


def _complaint(log: str, returncode: int, expired_s: float | None) -> str:
    if expired_s is not None:
        return f"yosys: not finished after {expired_s:g} s (a smaller part, or a larger timeout_s)"
    errors = [line.strip() for line in log.splitlines() if line.startswith("ERROR")]
    what = errors[-1] if errors else "\n".join(log.splitlines()[-_LOG_LINES:]) or "no output"
    died = f"ended by signal {-returncode}: " if returncode < 0 else ""
    return f"yosys: {died}{what} (check the RTLIL or the liberty file that it reads)"
