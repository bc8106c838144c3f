"""Chips side by side: each in its best configuration, on the price bases that are known."""

import dataclasses

import numpy as np
import pytest
from pytest import approx

from sartor.chip.presets import preset
from sartor.families import priced
from sartor.search.compare import deployments, formats_for, stand
from sartor.search.economy import Economy
from sartor.search.evaluate import evaluate
from sartor.search.parts import ComparePart
from sartor.search.result import Budget, Deployment
from sartor.workload.find import find_model
from sartor.workload.profiles import demand
from sartor.workload.traffic import Slo
from sartor.workload.workload import workload

WORK = workload(find_model("llama-3.1-8b"), demand("chat"), Slo(2.0, 0.05))
ECONOMY, FORMATS = Economy("datacenter", 100_000), ComparePart()


def _phases(name):
    other = workload(find_model(name), WORK.demand, WORK.slo)
    return {f: getattr(other, f) for f in ("model", "prefill", "decode")}


def standing(name, **limits):
    return stand(preset(name), WORK, ECONOMY, Budget(chips=8, **limits), FORMATS.weights, FORMATS.cache)


@pytest.mark.parametrize("name", ["h100-sxm", "b200-sxm"])
def test_no_other_configuration_is_cheaper(name):
    best = standing(name)
    rng = np.random.default_rng(0)
    how = deployments(8)
    chip = preset(name)
    for weights in formats_for(chip, FORMATS.weights):
        chips = priced(chip, weights, "fp8-e4m3")
        for row in rng.integers(0, len(how.load), 40):
            one = Deployment(
                *(float(getattr(how, f)[row]) for f in ("tensor_parallel", "stages", "batch", "load"))
            )
            result = evaluate(chips, WORK, one, ECONOMY, Budget(), basis="vendor")
            if float(result.worst_violation) <= 1:
                assert float(result.usd_per_mtoken) >= best.usd_per_mtoken["vendor"] * (1 - 1e-9)


@pytest.mark.parametrize("name", ["tpu-v6e", "tpu-v5e", "h100-sxm"])
def test_a_chip_that_is_only_rented_is_deployed_for_the_least_rent(name):
    # It was deployed for the least energy, which says nothing of its load: at the lowest of all.
    chip = preset(name)
    chip = dataclasses.replace(chip, price=dataclasses.replace(chip.price, purchase_usd=None))
    best = stand(chip, WORK, ECONOMY, Budget(), ["int8"], ["fp8-e4m3"])
    how = deployments(8)
    result = evaluate(priced(chip, "int8", "fp8-e4m3"), WORK, how, ECONOMY, Budget())
    kept = np.asarray(result.worst_violation) <= 1
    assert best.figures["tokens_per_s_per_chip"] == approx((result.tokens_per_s / how.chips)[kept].max())


def test_energy_without_a_published_power_is_not_known():
    # What its idle hours and clocks draw is missing: a token of it would look cheaper than it is.
    tpu, gpu = standing("tpu-v6e"), standing("h100-sxm")
    assert tpu.figures["j_per_token"] is None and tpu.figures["power_w"] is None
    assert gpu.figures["j_per_token"] > 0 and gpu.figures["power_w"] > 0


def test_the_gpu_may_use_its_fewest_bits():
    assert standing("h100-sxm").weights == "fp8-e4m3"  # Hopper computes in 8 bits ...
    assert standing("b200-sxm").weights in ("nvfp4", "mxfp4")  # ... Blackwell in 4


def test_bases_that_are_not_known_are_not_invented():
    rngd, mi355x = standing("rngd"), standing("mi355x")
    assert rngd.usd_per_mtoken["rental"] is None
    assert mi355x.usd_per_mtoken["vendor"] is None and mi355x.usd_per_mtoken["cost"] > 0


def test_renting_by_hand():
    large = dataclasses.replace(WORK, **_phases("llama-3.1-70b"))
    s = stand(preset("h100-sxm"), large, ECONOMY, Budget(chips=8), FORMATS.weights, FORMATS.cache)
    assert s.figures["chips"] >= 2
    # Dollars an hour x chips over the tokens of an hour at the day's mean.
    hourly = preset("h100-sxm").price.rental_usd_per_s * 3600 * s.figures["chips"]
    tokens = s.figures["tokens_per_s"] * 3600 * 0.6
    assert s.usd_per_mtoken["rental"] == pytest.approx(hourly / tokens * 1e6)


def test_one_user_means_one_request_at_once():
    s = standing("l4", batch=1)
    assert s.batch * s.stages == 1


def test_an_sram_only_chip_takes_as_many_as_hold_the_weights():
    s = standing("groq-lpu1")
    held = s.figures["chips"] * preset("groq-lpu1").sram_bytes
    assert held > 8.03e9  # eight bits a weight
    assert s.figures["chips"] > 30
