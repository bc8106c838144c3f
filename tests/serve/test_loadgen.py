"""MLPerf's load generator on the simulated system, and the system by the clock."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from clusters import ROOM, kind
from plain_times import PlainTimes

from sartor.api import loadgen
from sartor.errors import InputError, UnknownName
from sartor.serve.loadgen import Load, summary
from sartor.serve.realtime import RealTime
from sartor.workload.traffic import Slo

SLO = Slo(2.0, 0.05, 99.0)


def test_tokens_come_out_when_they_are_due() -> None:
    # Steps of 20 ms: the prompt gives the first token after one, the fifth after five.
    told, done = [], threading.Event()

    def tell(number: int, token: int) -> None:
        told.append((number, token, time.monotonic() - began))
        if len(told) == 4:
            done.set()

    engines = RealTime(kind(PlainTimes(0.02), replace(ROOM, ahead=1)), 1, tell)
    engines.start()
    began = time.monotonic()
    engines.ask(7, 10, 5)
    engines.ask(8, 10, 5)
    assert done.wait(10)
    engines.stop()
    assert [(number, token) for number, token, _ in told] in (
        [(7, 1), (8, 1), (7, 5), (8, 5)], [(7, 1), (8, 1), (8, 5), (7, 5)]
    )  # fmt: skip
    assert told[0][2] >= 0.02 and told[-1][2] >= 0.1 and told[-1][2] < 5


@pytest.mark.slow
@pytest.mark.parametrize("scenario", ["server", "offline"])
def test_the_generator_keeps_its_log(tmp_path: Path, scenario: str) -> None:
    pytest.importorskip("mlperf_loadgen", reason="pip install mlcommons-loadgen")
    found = loadgen("h100-sxm", "llama-3.1-8b", "chat", tmp_path, scenario=scenario, rate_per_s=5.0, seconds=4.0)
    assert {Path(file).name for file in found["files"]} >= {"mlperf_log_summary.txt", "mlperf_log_detail.txt"}
    assert summary(tmp_path / "mlperf_log_summary.txt") == found["summary"]
    assert found["summary"]["Scenario"].lower() == scenario
    assert found["summary"]["Result is"] in ("VALID", "INVALID")
    assert bool(found["broken"]) != found["valid"]  # a run of seconds is too short, and it says so
    assert found["tokens_per_s"] > found["samples_per_s"] > 0
    if scenario == "server":
        # Alone, a prompt takes 25 ms and a token 6.9 ms; late threads only add to that.
        assert found["ttft_s"]["p50"] > 0.008 and 0.005 < found["tpot_s"]["p50"] < 0.1


def test_a_load_that_cannot_be() -> None:
    with pytest.raises(UnknownName, match="unknown scenario 'servr': did you mean 'server'"):
        Load("servr", 1.0, 1.0, SLO)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"seconds = 0\.0 must be above 0"):
        Load("server", 1.0, 0.0, SLO)


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    pytest.importorskip("mlperf_loadgen", reason="pip install mlcommons-loadgen")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        loadgen("h100-sxm", "llama-3.1-8b", "chat", tmp_path / "file" / "logs", seconds=1.0)
