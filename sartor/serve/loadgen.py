"""MLPerf's load generator drives the simulated system, by the clock on the wall; its own log is kept.

Source: MLCommons LoadGen 6 (mlcommons-loadgen), scenarios Server and Offline, token latencies.
"""

from __future__ import annotations

import re
from array import array
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from ..errors import InputError, UnknownName
from ..workload.traffic import Slo, Traffic
from .deploy import Deployed
from .realtime import RealTime

Scenario = Literal["server", "offline"]
SCENARIOS = get_args(Scenario)
SUMMARY = "mlperf_log_summary.txt"
_NS = 1e9
_SAMPLES = 8192  # rows of the trace that the generator draws from
_NUMBER = re.compile(r"^(?P<name>[A-Za-z0-9 .%/()_-]+?)\s*:\s*(?P<value>.+?)\s*$")


@dataclass(frozen=True)
class Load:
    """What the generator is told. `rate_per_s`: of scenario server, Poisson; of offline, what is expected."""

    scenario: Scenario
    rate_per_s: float
    seconds: float
    slo: Slo

    def __post_init__(self) -> None:
        if self.scenario not in SCENARIOS:
            raise UnknownName("scenario", self.scenario, SCENARIOS)
        for name in ("rate_per_s", "seconds"):
            if not 0 < getattr(self, name) < 1e6:
                raise InputError(f"loadgen: {name} = {getattr(self, name)} must be above 0 and below 1,000,000")


def loadgen() -> Any:
    """The package, or how to get it."""
    try:
        import mlperf_loadgen  # type: ignore[import-not-found]
    except ImportError:
        raise InputError("MLPerf's load generator is not here (try: pip install mlcommons-loadgen)") from None
    return mlperf_loadgen


def run_loadgen(deployed: Deployed, replicas: int, traffic: Traffic, load: Load, folder: Path) -> dict[str, str]:
    """Its summary by name; mlperf_log_*.txt lie in `folder`. It takes as long as the load says."""
    lg = loadgen()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be written: {error.strerror} (try another --out)") from None
    system = _System(lg, deployed, replicas, traffic)
    log = lg.LogSettings()
    log.log_output.outdir = str(folder)
    log.enable_trace = False
    sut = lg.ConstructSUT(system.issue, lambda: None)
    samples = min(len(traffic), _SAMPLES)
    library = lg.ConstructQSL(samples, samples, lambda _: None, lambda _: None)
    system.engines.start()
    try:
        lg.StartTestWithLogSettings(sut, library, _settings(lg, load), log)
    finally:
        system.engines.stop()
        lg.DestroyQSL(library)
        lg.DestroySUT(sut)
    return summary(folder / SUMMARY)


def _settings(lg: Any, load: Load) -> Any:
    made = lg.TestSettings()
    made.scenario = lg.TestScenario.Server if load.scenario == "server" else lg.TestScenario.Offline
    made.mode = lg.TestMode.PerformanceOnly
    made.min_duration_ms = int(load.seconds * 1e3)
    made.min_query_count = 1
    made.use_token_latencies = True
    made.ttft_latency, made.tpot_latency = (int(s * _NS) for s in (load.slo.ttft_s, load.slo.tpot_s))
    made.server_target_qps = made.offline_expected_qps = load.rate_per_s
    made.server_target_latency_ns = int(load.slo.ttft_s * _NS)
    made.server_target_latency_percentile = load.slo.percentile / 100
    return made


class _System:
    """The system under test. A query's answer is as many tokens as its row of the trace says."""

    def __init__(self, lg: Any, deployed: Deployed, replicas: int, traffic: Traffic) -> None:
        self._lg = lg
        rows = slice(0, _SAMPLES)
        self._prompt, self._output = (a[rows].tolist() for a in (traffic.prompt_tokens, traffic.output_tokens))
        self._open: list[tuple[int, int]] = []  # each request's query, and its tokens
        self._answer = array("B", b"sartor")
        self.engines = RealTime(deployed, replicas, self._told)

    def issue(self, queries: Any) -> None:
        """The generator asks; in scenario offline, everything at once."""
        for query in queries:
            output = self._output[query.index]
            self._open.append((query.id, output))
            self.engines.ask(len(self._open) - 1, self._prompt[query.index], output)

    def _told(self, number: int, token: int) -> None:
        query, output = self._open[number]
        address, length = self._answer.buffer_info()
        if token == 1:
            self._lg.FirstTokenComplete([self._lg.QuerySampleResponse(query, address, length, 1)])
        if token == output:
            self._lg.QuerySamplesComplete([self._lg.QuerySampleResponse(query, address, length, output)])


def summary(path: Path) -> dict[str, str]:
    """Names and values of the generator's own summary."""
    lines = path.read_text(encoding="utf-8").splitlines()
    found = (_NUMBER.match(line) for line in lines)
    return {m["name"].strip(): m["value"] for m in found if m}
