"""Families `gpu` and `npu`: power and price by hand, and laws over every chip that exists."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from gpu_runs import GEMM, hopper, run
from hypothesis import given
from hypothesis import strategies as st
from pytest import approx

from sartor.chip.presets import names, preset
from sartor.chip.spec import Link
from sartor.errors import Unsupported
from sartor.families import priced
from sartor.families.gpu.family import Existing
from sartor.families.gpu.machine import Machine
from sartor.families.gpu.matrices import gemm
from sartor.families.gpu.power import SLOWEST, clock
from sartor.families.gpu.run import Run
from sartor.tables import draws, table
from sartor.tech.technology import Technology
from sartor.workload.derive import operators
from sartor.workload.find import bundled
from sartor.workload.gemm import Gemm
from sartor.workload.step import Step

DECODE, PREFILL = Step(8, 1, 1024), Step(2, 777, 0)
every_chip = pytest.mark.parametrize("name", names())


@every_chip
def test_every_chip_prices_both_phases(name: str) -> None:
    for model in ("llama-3.1-8b", "mixtral-8x7b", "deepseek-v3", "nemotron-h-8b"):
        for phase, step in (("decode", DECODE), ("prefill", PREFILL)):
            chip = priced(preset(name), "int8", "int8")
            found = chip.replica(8, {}).phase(operators(bundled(model), phase), step)
            assert np.isfinite(found.latency_s) and found.latency_s > 0
            assert all(np.isfinite(j) and j >= 0 for j in found.energy_j.values()) and found.dynamic_j > 0
            assert chip.static_w >= 0 and chip.capacity_bytes > 0


@every_chip
def test_fewer_bits_and_faster_links_never_slow(name: str) -> None:
    chip, ops = preset(name), operators(bundled("llama-3.1-70b"), "decode")

    def seconds(weights: str, c=chip) -> float:
        return float(Existing(c, weights, "bf16").replica(4, {}).phase(ops, Step(1, 1, 1024)).latency_s)

    # At batch 1 the bytes of a large model rule: 16, 8 and 4 bits (short of what casts and unpacking add).
    widths = [seconds(w) for w in ("bf16", "int8", "int4-g128") if w != "bf16" or "bf16" in chip.peaks]
    assert all(narrow <= wide for wide, narrow in pairwise(widths))
    faster = replace(chip, link=Link(chip.link.kind, 2 * chip.link.bandwidth_bytes_per_s + 1e9))
    assert seconds("int8", faster) <= seconds("int8")


@every_chip
def test_two_chips_share_a_model(name: str) -> None:
    chip = replace(preset(name), link=Link("none", 1e30))  # a link that costs no time
    ops = operators(bundled("llama-3.1-8b"), "decode")
    one, two = (Existing(chip, "int8", "int8").replica(n, {}).phase(ops, DECODE) for n in (1, 2))
    assert one.latency_s / 2 * (1 - 1e-9) <= two.latency_s <= one.latency_s
    # Together they read what one reads: each its half.
    assert two.dram_bytes == approx(one.dram_bytes, rel=0.01)


def test_draws_reach_seconds_joules_and_dollars() -> None:
    chip = Existing(preset("b200-sxm"), "fp8-e4m3", "fp8-e4m3", Technology(draws(100, 1)))
    phase = chip.replica(1, {}).phase(operators(bundled("llama-3.1-8b"), "decode"), DECODE)
    for values in (phase.latency_s, phase.dynamic_j, chip.unit_usd, chip.static_w):
        assert np.shape(values) == (100,) and np.std(values) > 0


def test_a_makers_own_parts_have_their_energy() -> None:
    # 3 pJ a bit are 24 a byte, as sure as HBM3E's; other chips have the kind's.
    chip = preset("h200-sxm")
    assert Machine(chip, Technology()).device_j_per_byte == approx(24e-12)
    kind = replace(chip, memory=replace(chip.memory, energy_j_per_byte=None))
    assert Machine(kind, Technology()).device_j_per_byte == table("memories").fact("hbm3e", "energy").value
    drawn = [Machine(c, Technology(draws(200, 1))).device_j_per_byte for c in (chip, kind)]
    assert np.std(np.log(drawn[0])) == approx(np.std(np.log(drawn[1])))


def test_a_chip_that_cannot_unpack_is_refused_by_name() -> None:
    odd = replace(preset("h100-sxm"), peaks={"mxfp6-e2m3": 1e15})
    with pytest.raises(
        Unsupported, match=r"h100-sxm: none of its peaks \['mxfp6-e2m3'\] computes with unpacked weights"
    ):
        run(GEMM, Step(1, 1, 0), weights="int4-g128", chip=odd)


def test_what_is_not_published_has_no_price() -> None:
    assert np.isnan(priced(preset("gaudi3")).limits["unit_usd"])
    assert priced(preset("h100-sxm")).chip_usd(1e5, {}) == priced(preset("h100-sxm")).limits["unit_usd"]


def test_a_chip_draws_no_more_than_its_power_limit() -> None:
    # An H100 in prefill would draw more than its 700 W; its clock falls until it draws what it may.
    replica = priced(preset("h100-sxm")).replica(1, {})
    done = replica.phase(operators(bundled("llama-3.1-8b"), "prefill"), Step(1, 2048, 0), keep=True)
    drawn_w = float(done.dynamic_j) / float(done.latency_s) + 700 * hopper("idle_fraction")
    assert drawn_w == approx(700 * hopper("power_limit"), rel=0.01)
    assert sum(float(op.latency_s) for op in done.operators) == approx(float(done.latency_s))
    assert done.operators[-1].name == "power limit" and done.operators[-1].latency_s > 0


@given(st.floats(0.1, 20), st.floats(0.0, 0.9), st.floats(0.01, 2), st.floats(0.0, 2))
def test_the_clock_keeps_the_power(core_j: float, memory_j: float, core_s: float, other_s: float) -> None:
    share = float(clock(core_j, memory_j, core_s, other_s, 1.0))
    drawn_w = (core_j * share + memory_j) / (core_s / share + other_s)
    assert SLOWEST <= share <= 1
    assert drawn_w <= 1 + 1e-6 or share == SLOWEST
    assert drawn_w == approx(1.0) or share in (SLOWEST, 1.0)


def test_an_expert_with_one_token_multiplies_sixteen_rows() -> None:
    # One token, 8 of 128 experts of 2048 x 768: 12.6 M multiply-adds, on sixteen rows: 16 x 25.2 Mop of 0.86 pJ are
    # 0.35 mJ, beside 25 MB of weights. 16 tokens an expert are half a tile more than they are.
    expert = Gemm("expert_up", k=2048, n=768, count=1, tensor="expert", experts=128, active=8)
    served = Existing(preset("h100-sxm"), "bf16", "bf16").replica(1, {})
    one, many = (gemm(Run(served, Step(n, 1, 0), True), expert) for n in (1, 256))
    operands = 2 * 1 * 2048 * (768 / 32) * 8  # bytes of the row that cores read again, eight times
    asked = 2 * 8 * 2048 * 768 * hopper("j_per_op")
    assert one.compute_j == approx(16 * asked + operands * hopper("j_per_operand_byte"), rel=0.02)
    assert many.compute_j > 1.4 * 256 * asked
