"""Planted bugs: the RTL with one of them, and the project's own tests that must fail on it.

A mutant is a copy of package and tests with one text replaced. The tests of its suite run on it in a process of
their own. It is caught where an assertion fails, or the core hangs or differs; a mutant that cannot be
built is no mutant, and an error.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sartor.sim import tools

ROOT = Path(__file__).parents[2]
BUGS = Path(__file__).with_name("bugs.toml")
COPIED = ("sartor", "tests", "pyproject.toml")
LIMIT_S = 900.0  # of one suite; a mutant that hangs ends by the cycle limits of its tests, long before

_RTL = "tests/families/rtl_control"
# The cheapest tests that know a block; -k leaves out what is random, or builds a second simulator.
SUITES: dict[str, tuple[str, ...]] = {
    "float": ("tests/rtl/test_float.py", "-k", "not any_numbers"),
    "fifo": ("tests/rtl/test_fifo.py",),
    "functions": ("tests/families/rtl_vector/test_functions.py",),
    "memory": (f"{_RTL}/test_memory.py",),
    "host": (f"{_RTL}/test_host.py",),
    "sequencer": (f"{_RTL}/test_sequencer.py",),
    "matrix": ("tests/mutation/test_small_matrix.py",),
    "csa": ("tests/rtl/test_dot.py", "-k", "levels or plan"),
    "fp8": ("tests/rtl/test_fp8.py",),
    "lut": ("tests/rtl/test_lut.py",),
    "look up": ("tests/rtl/test_look_up.py",),
    "tables": ("tests/families/rtl_matrix/test_tables.py", "-k", "every_element", "-m", "not slow"),
    "elements": ("tests/mutation/test_small_elements.py",),
    "vector": ("tests/families/rtl_vector/test_vector.py", "-k", "16", "-m", "not slow"),
    "short cache": ("tests/families/rtl_matrix/test_matrix.py", "-k", "cache and test_results", "-m", "not slow"),
    "short cache writes": (
        "tests/families/rtl_vector/test_vector.py", "-k", "cache and 4 and keys_and_values", "-m", "not slow",
    ),
    "wide keys": ("tests/families/rtl_vector/test_vector.py", "-k", "32 and keys_and_values", "-m", "not long"),
    "quantizer": ("tests/formal/test_quantizer.py", "-k", "all_numbers"),
    "found": ("tests/mutation/test_found.py",),
    "found vector": ("tests/mutation/test_found_vector.py",),
    "core": (f"{_RTL}/test_top.py", "-k", "stalls3"),
    "found core": ("tests/mutation/test_found_core.py",),
}  # fmt: skip

# What a test says that found something; anything else, as a TypeError, is a mutant that cannot be built.
_FAILED = re.compile(r"^FAILED (\S+?)(?:\[.*\])? - (.*)$", re.MULTILINE)
_FOUND = ("assert ", "AssertionError", "sartor.errors.CheckFailed", "sartor.proof.lockstep.Mismatch")


@dataclass(frozen=True)
class Bug:
    """`old`, once in `file`, becomes `new`; `what` is wrong then, and `suite` notices."""

    name: str
    block: str
    what: str
    file: str
    old: str
    new: str
    suite: str
    sample: bool = False  # one of those that the slow test tries

    def planted(self, text: str) -> str:
        count = text.count(self.old)
        assert count == 1, f"{self.name}: {self.old!r} is {count} times in {self.file}: choose another text"
        return text.replace(self.old, self.new)


@dataclass(frozen=True)
class Verdict:
    """`caught` by the test `by`, which said `why`; or neither, and `why` is the end of the log."""

    caught: bool
    by: str
    why: str
    seconds: float


def bugs() -> list[Bug]:
    return [Bug(**entry) for entry in tomllib.loads(BUGS.read_text(encoding="utf-8"))["bug"]]


class Workshop:
    """A folder with a copy of the project as it is now: what others edit meanwhile changes no mutant."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.original = folder, folder / "original"
        self._copy(ROOT, self.original)
        self._cxx = folder / "cxx"
        # A mutant runs once: what -O3 takes to compile is never won back.
        compiler = " ".join(tools.compiler().command)
        self._cxx.write_text(f'#!/bin/sh\nexec {compiler} "$@" -O0\n', encoding="utf-8")
        self._cxx.chmod(0o755)

    def run_original(self, suite: str) -> Verdict:
        """The suite without a bug: `caught` must be false, and `by` empty."""
        return self._run(self.original, suite)

    def run(self, bug: Bug) -> Verdict:
        place = self.folder / bug.name
        self._copy(self.original, place)
        file = place / bug.file
        file.write_text(bug.planted(file.read_text(encoding="utf-8")), encoding="utf-8")
        try:
            return self._run(place, bug.suite)
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def _copy(self, source: Path, target: Path) -> None:
        target.mkdir()
        for name in COPIED:
            if (source / name).is_dir():
                shutil.copytree(source / name, target / name, ignore=shutil.ignore_patterns(".pytest_cache"))
            else:
                shutil.copy2(source / name, target / name)

    def _run(self, place: Path, suite: str) -> Verdict:
        options = ["-x", "-rf", "--tb=no", "-p", "no:cacheprovider"]
        command = [sys.executable, "-m", "pytest", *options, *SUITES[suite]]
        environment = {
            **os.environ, "PYTHONPATH": str(place), "SARTOR_CACHE": str(self.folder / "cache"),
            "SARTOR_CXX": str(self._cxx), "COLUMNS": "400",
        }  # fmt: skip
        begin = time.monotonic()
        done = subprocess.run(
            command, cwd=place, env=environment, capture_output=True, text=True, timeout=LIMIT_S
        )
        return verdict(done.returncode, done.stdout + done.stderr, time.monotonic() - begin)


def verdict(returncode: int, log: str, seconds: float) -> Verdict:
    """What pytest's exit code and summary say."""
    if returncode == 0:
        return Verdict(False, "", "", seconds)
    failed = _FAILED.search(log)
    if returncode != 1 or not failed or not failed[2].startswith(_FOUND):
        return Verdict(False, "", f"no check failed, the run broke:\n{log[-1500:]}", seconds)
    return Verdict(True, failed[1].partition("::")[2], failed[2][:120], seconds)


@contextmanager
def workshop() -> Iterator[Workshop]:
    with tempfile.TemporaryDirectory(prefix="sartor-mutants-") as folder:
        yield Workshop(Path(folder))
