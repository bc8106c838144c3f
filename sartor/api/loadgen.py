"""MLPerf's load generator on the simulated system."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..chip.spec import Chip
from ..serve.deploy import How
from ..serve.loadgen import Load, Scenario, run_loadgen
from ..serve.loadgen import loadgen as package
from ..workload.model import Model
from ..workload.profiles import find_traffic
from ..workload.traffic import Slo, Traffic, rate_of
from .simulate import deployed

_NS = 1e9


def loadgen(
    chip: str | Chip,
    model: str | Model,
    trace: str | Traffic,
    out: Path,
    *,
    scenario: Scenario = "server",
    rate_per_s: float | None = None,
    seconds: float = 60.0,
    replicas: int = 1,
    how: How | None = None,
    slo: Slo | None = None,
) -> dict[str, Any]:
    """Run MLPerf LoadGen for `seconds` on the clock against `replicas` of `chip`; prompts and answers are as long as
    rows of `trace`. Its logs lie in `out`.

    Returns whether it calls the run valid, which of its rules are broken, rates, percentiles of TTFT and TPOT in
    seconds, and its `summary` as it is.
    """
    package()
    traffic = find_traffic(trace) if isinstance(trace, str) else trace
    slo = slo or Slo(2.0, 0.05, 99.0)
    ready = deployed(chip, model, traffic, slo, how or How())
    rate = rate_of(traffic.demand(slo.percentile), rate_per_s)
    ready.times  # noqa: B018  the table is made before the clock runs
    said = run_loadgen(ready, replicas, traffic, Load(scenario, rate, seconds, slo), out)
    return {
        "chip": ready.chip.name, "model": ready.work.model.name, "trace": traffic.name, "scenario": scenario,
        "replicas": replicas, "rate_per_s": rate, "valid": said.get("Result is") == "VALID",
        "broken": [rule for rule, kept in said.items() if rule.endswith("satisfied") and kept.lower() != "yes"],
        "samples_per_s": _number(said, "Completed samples per second", "Samples per second"),
        "tokens_per_s": _number(said, "Completed tokens per second", "Tokens per second"),
        "ttft_s": _percentiles(said, "first token latency"), "tpot_s": _percentiles(said, "time to output token"),
        "files": sorted(str(path) for path in out.glob("mlperf_log_*")), "summary": said,
    }  # fmt: skip


def _number(said: dict[str, str], *names: str) -> float | None:
    return next((float(said[name]) for name in names if name in said), None)


def _percentiles(said: dict[str, str], what: str) -> dict[str, float | None]:
    """In seconds; the generator gives none in scenario offline."""
    found = {f"p{p}": said.get(f"{p}.00 percentile {what} (ns)") for p in (50, 90, 99)}
    return {name: None if ns is None else float(ns) / _NS for name, ns in found.items()}
