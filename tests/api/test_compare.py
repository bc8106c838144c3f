"""Chips beside a study's own, and the cloud beside a device."""

import dataclasses
import math

import pytest
from edge_chip import TENSOR

from sartor import api
from sartor.api.design import rivals
from sartor.api.find import remember
from sartor.chip import toml
from sartor.report.data import plain
from sartor.search.problem import problem
from sartor.search.study import find_study


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
