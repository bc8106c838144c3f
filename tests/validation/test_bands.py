"""The band that an estimate states: whose errors it is made of, and that it says so."""

import math
from dataclasses import replace

import pytest

from sartor import cost, estimate
from sartor.chip.presets import preset
from sartor.chip.spec import Chip, Memory, Tile
from sartor.validation.bands import OWN_CYCLES, UNSEEN, step_error
from sartor.validation.record import on_record

CHIP = Chip(
    "core", "tensor", "N7", 500e6, Memory("lpddr4x", 1, 2e9, 34e9), tile=Tile(8, 32, 8, 32, "q4_1", kv="int8-g32")
)


def recorded(*key: str) -> float:
    return math.expm1(on_record()[key].band)


@pytest.mark.parametrize("phase", ["decode", "prefill"])
def test_a_measured_chip_has_the_errors_of_models_left_out(phase):
    error = estimate("h100-sxm", "llama-3.1-8b", phase)["error"]
    assert error["latency"] == recorded("gpu", "held_out", f"{phase} bf16")
    assert error["energy"] == recorded("gpu", "held_out", f"{phase} bf16 energy")
    assert (error["on"], error["scope"]) == ("h100-sxm", "models that were left out")


def test_a_chip_that_was_never_measured_is_less_sure_and_says_so():
    ours, theirs = (estimate(chip, "llama-3.1-8b")["error"] for chip in ("h100-sxm", "h200-sxm"))
    assert theirs["latency"] > ours["latency"] and theirs["energy"] > ours["energy"]
    assert theirs["scope"] == "h200-sxm was never measured: predicted from its data sheet"
    # A GH200, whose steps nothing was fitted to either, was found 4 % off, and its watts 8 %.
    steps, watts = (on_record()["gpu", "unseen", f"{what} gh200 bf16{model}"].band
                    for what, model in (("batches", " llama-2-7b"), ("watts", "")))  # fmt: skip
    assert theirs["latency"] > math.expm1(steps) and theirs["energy"] > math.expm1(math.hypot(steps, watts))


def test_a_spread_is_added_as_independent_errors_are():
    plain, wider = (step_error(preset("h200-sxm"), "decode", "bf16", spread=(s, 0.0)) for s in (0.0, 0.1))
    assert math.log1p(wider.latency) == pytest.approx(math.hypot(math.log1p(plain.latency), 0.1))
    assert wider.energy == plain.energy


@pytest.mark.parametrize(
    ("chip", "together", "key", "on"),
    [
        ("b200-sxm", 1, ("serving", "held_out", "tpot b200-sxm"), "services on b200-sxm"),
        ("b300-sxm", 1, ("serving", "unseen", "tpot b300-sxm"), "services on b300-sxm"),
        ("gb200", 1, UNSEEN, "services on GPUs that no figure was fitted to"),  # twenty rows make no band
        ("mi300x", 1, UNSEEN, "services on GPUs that no figure was fitted to"),
        ("h100-sxm", 4, ("serving", "held_out", "tpot h100-sxm"), "services on h100-sxm"),
    ],
)
def test_a_chip_or_setting_without_measured_steps_takes_that_of_services(chip, together, key, on):
    error = step_error(preset(chip), "decode", "bf16", together)
    joules = ("serving", "unseen", f"service energy {chip} dense bf16")  # of B200 and several H100 in 16 bits alone
    expected = recorded(*joules) if chip in ("b200-sxm", "h100-sxm") else None
    assert (error.latency, error.energy, error.on) == (recorded(*key), expected, on)
    assert step_error(preset(chip), "decode", "fp8-e4m3", 4).energy is None  # of that nothing was read


def test_a_generated_chip_has_the_record_of_its_rtl():
    error = estimate(CHIP, "smollm2-135m-q4_1", context=512)["error"]
    assert error["latency"] == recorded("rtl", "fitted", "decode") and error["energy"] is None
    assert "RTL" in error["on"] and "clock" in error["scope"]


def test_of_several_cores_nothing_was_simulated():
    many = replace(CHIP, cores=4)
    assert step_error(many, "decode", "q4_1").latency == math.expm1(OWN_CYCLES)
    assert "several cores" in step_error(many, "decode", "q4_1").scope


def test_area_and_power_of_a_generated_chip_have_the_errors_of_public_dies():
    ours, theirs = cost(CHIP)["error"], cost("h100-sxm")["error"]
    assert ours["die_mm2"] == recorded("area", "unseen", "die parts")
    assert ours["power_w"] == recorded("area", "unseen", "die parts power")
    assert theirs["die_mm2"] is None and theirs["power_w"] is None  # those are published
    assert ours["unit_usd"] == theirs["unit_usd"] == recorded("cost", "unseen", "bill")
