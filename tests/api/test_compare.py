"""Chips beside a study's own, and the cloud beside a device."""

import dataclasses
import json
import math
import sys

import numpy as np
import pytest
from edge_chip import TENSOR
from typer.testing import CliRunner

from sartor import api
from sartor.api.design import rivals
from sartor.api.find import remember
from sartor.chip import toml
from sartor.cli import app
from sartor.errors import InputError
from sartor.report.data import plain
from sartor.search.problem import problem
from sartor.search.study import find_study
from sartor.workload.traffic import Traffic


@pytest.fixture
def designed(tmp_path, monkeypatch):
    """A cache in which the default study has a chip."""
    monkeypatch.setenv("SARTOR_CACHE", str(tmp_path))
    remember(dataclasses.replace(toml.loads(TENSOR), name="edge-smollm2"))


def test_a_study_among_the_chips_gives_the_work(designed):
    own, gpu = api.compare(["edge-smollm2", "h100-sxm"])
    assert own["name"] == "edge-smollm2"
    # The study serves one user; the default model in a data center would fill the GPU.
    assert gpu["batch"] * gpu["stages"] == 1
    assert api.compare(["h100-sxm"])[0]["batch"] > 8
    # A model that is named is the work, whatever the chips.
    assert api.compare(["edge-smollm2", "h100-sxm"], model="llama-3.2-1b")[1]["batch"] > 8


def test_the_cloud_stands_beside_a_device_and_not_beside_a_cloud():
    device, cloud = (rivals(problem(find_study(name))) for name in ("edge-smollm2", "cloud-llama70b"))
    assert [s.shared for s in device] == [False] * (len(device) - 1) + [True]
    alone = next(s for s in device if f"{s.chip.name} shared" == device[-1].chip.name)
    # Shared by many, the same chip serves more at once and a token costs less.
    assert device[-1].batch > alone.batch == 1
    assert device[-1].usd_per_mtoken["vendor"] < alone.usd_per_mtoken["vendor"]
    assert not any(s.shared for s in cloud)


def test_json_has_no_nan():
    told = plain({"a": [1.0, math.nan, {"b": (math.inf, "x")}], "c": None})
    assert told == {"a": [1.0, None, {"b": [None, "x"]}], "c": None}


module = sys.modules["sartor.api.compare"]  # the name is the function's too


def test_a_trace_asks_for_fleets(monkeypatch):
    """What a fleet is asked for: the study's work or the model's, its GPUs, and the trace."""
    asked = {}
    monkeypatch.setattr(module, "fleet", lambda *given, **how: asked.update(how, given=given))
    api.compare_fleets(["rngd", "l4"], "llama-3.1-8b", "code", 7.0, 1.5, 0.04, 99.0, batch=16)
    chips, model, trace, rate = asked["given"]
    assert ([c.name for c in chips], model.name, trace, rate) == (["rngd", "l4"], "llama-3.1-8b", "code", 7.0)
    assert asked["against"] == ["l4"] and asked["batch"] == 16
    assert (asked["slo"].ttft_s, asked["slo"].tpot_s, asked["slo"].percentile) == (1.5, 0.04, 99.0)
    api.compare_fleets(["rngd"], None, "chat")
    assert asked["against"] == api.GPUS and asked["given"][3] is None


def test_a_study_among_the_chips_gives_the_work_of_fleets(designed, monkeypatch):
    asked = {}
    monkeypatch.setattr(module, "fleet", lambda *given, **how: asked.update(how, given=given))
    api.compare_fleets(["edge-smollm2"], None, "code")
    ready = problem(find_study("edge-smollm2"))
    assert asked["given"][1].name == "smollm2-135m-q4_1" and asked["slo"] == ready.work.slo
    assert asked["economy"] == ready.economy and asked["batch"] == ready.budget.batch == 1
    # Its closed form too is that of the trace.
    assert api.compare(["edge-smollm2"], trace="code")[0]["ttft_s"] != api.compare(["edge-smollm2"])[0]["ttft_s"]


@pytest.mark.slow
def test_fleets_of_what_is_compared(monkeypatch):
    monkeypatch.setattr(module, "REQUESTS", 500)
    monkeypatch.setattr(module, "DAY_REQUESTS", 3000)
    asked = ["compare", "rngd", "hailo-10h", "h100-sxm", "--model", "llama-3.1-8b", "--trace", "chat", "--rate", "30"]
    found = json.loads(CliRunner().invoke(app, [*asked, "--json"], catch_exceptions=False).stdout)
    assert [row["name"] for row in found["chips"]] == ["rngd", "hailo-10h", "h100-sxm"]
    rows = {row["chip"]: row for row in found["fleet"]["fleets"]}
    assert set(rows) == {"rngd", "h100-sxm"} and found["fleet"]["best_gpu"] == "h100-sxm"
    assert [row["chip"] for row in found["fleet"]["refused"]] == ["hailo-10h"]  # no room for the model
    assert rows["rngd"]["chips"] > rows["h100-sxm"]["chips"] and found["fleet"]["peak_per_s"] == 30
    assert all(len(row["day"]["hours"]) == 24 and row["failure"]["per_year"] > 0 for row in rows.values())


def test_requests_at_once_are_at_least_one():
    with pytest.raises(InputError, match="batch = 0 must be at least 1"):
        api.compare(["h100-sxm"], "smollm2-135m", batch=0)


@pytest.mark.parametrize(("rate", "said"), [
    (None, "one: all requests arrive at one moment, so that it has no rate .give --rate"),
    (0.0, "rate = 0.0 must be above 0 and finite"),
])  # fmt: skip
def test_a_fleet_needs_a_rate(tmp_path, rate, said):
    trace = tmp_path / "one.csv"
    trace.write_text("arrived_at,num_prefill_tokens,num_decode_tokens\n0.0,5,7\n", encoding="utf-8")
    with pytest.raises(InputError, match=said):
        api.fleet(["l4"], "smollm2-135m", str(trace), rate_per_s=rate, against=[])


@pytest.mark.parametrize(("chip", "basis"), [("tpu-v6e", "rental"), ("h100-sxm", "vendor"), ("mi355x", "cost")])
def test_a_service_is_paid_for_as_its_chip_is_had(chip, basis):
    two = Traffic("two", np.array([0.0, 1.0]), np.array([64, 64]), np.array([8, 8]))
    found = api.simulate(chip, "smollm2-135m", two)
    assert found["basis"] == basis and found["usd_per_mtoken"][basis] > 0
