"""A chip at work: limits, energy and money, by hand and by law."""

import dataclasses

import pytest
from edge_chip import TENSOR

from sartor.chip import toml
from sartor.chip.presets import preset
from sartor.errors import InputError
from sartor.families import priced
from sartor.families.tensor.datapath import clock_hz, datapath_of
from sartor.search.economy import Economy
from sartor.search.evaluate import evaluate
from sartor.search.result import Budget, Deployment
from sartor.tech import logic
from sartor.tech.technology import NOMINAL
from sartor.workload.find import find_model
from sartor.workload.profiles import demand
from sartor.workload.traffic import Slo
from sartor.workload.workload import workload

SLO = Slo(2.0, 0.05)
WORK = workload(find_model("llama-3.1-8b"), demand("chat"), SLO)
HOW = Deployment(1, 1, 32, 0.6)
ECONOMY = Economy("datacenter", 100_000)
BUDGET = Budget(power_w=700, die_mm2=858, unit_usd=4000, chips=8, system_power_w=5600, batch=64)
H100 = priced(preset("h100-sxm"), "fp8-e4m3", "fp8-e4m3")


def at(how=HOW, work=WORK, budget=BUDGET, chips=H100, **more):
    return evaluate(chips, work, how, ECONOMY, budget, **more)


def test_every_limit_is_value_over_limit():
    tight = Budget(*(None if v is None else v / 2 for v in dataclasses.astuple(BUDGET)))
    assert tight.margin == 0
    hurried = dataclasses.replace(WORK, slo=Slo(SLO.ttft_s / 2, SLO.tpot_s / 2))
    loose, twice = at().violations, at(work=hurried, budget=tight).violations
    # A shorter TPOT makes smaller chunks, and so longer waits: TTFT for itself.
    sooner = dataclasses.replace(WORK, slo=Slo(SLO.ttft_s / 2, SLO.tpot_s))
    twice["ttft"] = at(work=sooner, budget=tight).violations["ttft"]
    assert set(loose) == {
        "memory capacity",
        "ttft",
        "tpot",
        "power",
        "system power",
        "die area",
        "unit cost",
        "chips",
        "batch",
        "scratchpad",
    }
    for name, ratio in loose.items():
        expected = 1 if name in ("memory capacity", "scratchpad") else 2
        assert float(twice[name]) == pytest.approx(expected * float(ratio)), name
    r = at()
    assert float(loose["ttft"]) == pytest.approx(float(r.ttft_s) / 2.0)
    assert float(loose["tpot"]) == pytest.approx(float(r.tpot_s) / 0.05)
    assert float(loose["die area"]) == pytest.approx(814 / 858)


def test_idle_power_is_paid_by_the_tokens():
    # What load adds to each token's energy is the static power over the tokens served in a day's mean second.
    busy, quiet = at(), at(dataclasses.replace(HOW, load=0.3))
    duty, out = 0.6, WORK.demand.output_mean
    watts = float(H100.static_w)
    expected = watts / duty / out * (1 / float(quiet.requests_per_s) - 1 / float(busy.requests_per_s))
    assert float(quiet.j_per_token) - float(busy.j_per_token) == pytest.approx(expected)


def test_tokens_a_second_by_hand():
    r = at()
    d = WORK.demand
    request_s = float(r.prefill_s) + d.output_mean * float(r.decode_s) / 32
    assert float(r.requests_per_s) == pytest.approx(0.6 / request_s)
    assert float(r.tokens_per_s) == pytest.approx(0.6 / request_s * d.output_mean)
    # Owning is paid all day, tokens come at the day's mean.
    assert float(r.usd_per_mtoken) == pytest.approx(float(r.usd_per_s) / (float(r.tokens_per_s) * 0.6) * 1e6)


def test_two_stages_double_the_rate_and_keep_the_latency_of_a_step():
    one, two = at(), at(dataclasses.replace(HOW, stages=2))
    assert float(two.tokens_per_s) == pytest.approx(2 * float(one.tokens_per_s), rel=1e-3)
    # One hop: 32 tokens x 4096 elements x 2 bytes over 450 GB/s and 1.5 us.
    assert float(two.decode_s) - float(one.decode_s) == pytest.approx(32 * 4096 * 2 / 450e9 + 1.5e-6)
    assert float(two.weight_bytes) == pytest.approx(float(one.weight_bytes) / 2)


def test_weights_and_cache_by_hand():
    r = at()
    # 8.03e9 parameters, all but embedding (0.525e9, bf16) and norms at 8 bits and a sixteenth of a hundred.
    assert float(r.weight_bytes) == pytest.approx(7.504e9 * 8.0039 / 8 + 0.5253e9 * 2, rel=2e-3)
    d = WORK.demand
    tokens = max(32 * (d.prompt_mean + d.output_mean), d.context_max)
    assert float(r.cache_bytes) == pytest.approx(tokens * 65_536 * 8.0039 / 8, rel=1e-3)


def test_a_longer_wait_at_higher_load():
    loads = [0.3, 0.5, 0.7, 0.9]
    waits = [float(at(dataclasses.replace(HOW, load=u)).ttft_s) for u in loads]
    assert waits == sorted(waits)


def test_a_margin_is_kept_by_what_is_estimated_and_not_by_what_is_counted():
    plain, careful = at().violations, at(budget=dataclasses.replace(BUDGET, margin=0.2)).violations
    for name, ratio in plain.items():
        expected = 1 if name in ("memory capacity", "chips", "batch") else 1 / 0.8
        # Where users bear a shorter TPOT, prompts are cut smaller and wait a little longer.
        rel = 1e-3 if name == "ttft" else 1e-6
        assert float(careful[name]) == pytest.approx(expected * float(ratio), rel=rel), name
    assert dataclasses.replace(BUDGET, margin=0.2).exact == BUDGET


def test_a_clock_may_ask_for_no_more_than_the_highest_voltage():
    own = priced(toml.loads(TENSOR))
    # V / Vnom = 1 + 0.8 (f / fnom - 1), at most 1.1: the clock may be an eighth above nominal.
    nominal_hz = float(logic.clock_hz(NOMINAL, own.designs.node, clock_hz(NOMINAL, datapath_of(own.designs))))
    for ratio, expected in ((1.125, 1.0), (1.25, 1.2 / 1.1)):
        fast = dataclasses.replace(own, designs=dataclasses.replace(own.designs, clock_hz=ratio * nominal_hz))
        assert float(at(chips=fast).violations["clock"]) == pytest.approx(expected)
    with pytest.raises(InputError, match="the slowest is the"):
        priced(dataclasses.replace(toml.loads(TENSOR), clock_hz=1.25 * nominal_hz))
    assert "clock" not in at().violations  # a bought chip's clock is not ours to choose
