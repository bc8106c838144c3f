"""Family `gpu`: chips side by side, by hand."""

from dataclasses import replace

import numpy as np
from gpu_runs import GEMM, hopper, run
from pytest import approx

from sartor.chip.presets import preset
from sartor.families.gpu.family import Existing
from sartor.families.gpu.tiles import fullest
from sartor.tables import draws
from sartor.tech.technology import Technology
from sartor.workload.gemm import Gemm
from sartor.workload.operators import Attention, Operators, Vector
from sartor.workload.step import Step


def test_chips_share_the_queries_of_a_latent_and_each_reads_it_whole() -> None:
    # 128 heads on one latent, 16 sequences: on eight chips 16 queries a pair instead of 128, and as much of the cache.
    op = Attention("latent", 128, 1, 576, 512, 1, 576)
    one, eight = (run(op, Step(16, 1, 4096), chips).operators[0] for chips in (1, 8))
    assert eight.memory_s == approx(one.memory_s) and eight.compute_s == approx(one.compute_s / 8)
    # 64 programs a pair, of which 33 are wanted. Partial sums are an eighth: 2 x 1024 programs x 128 x 514 x 4 bytes.
    near = hopper("vector_bytes_per_cycle") * 132 * 1.83e9
    assert one.vector_s - eight.vector_s == approx(7 / 8 * 2 * 1024 * 128 * 514 * 4 / near)


def test_a_matrix_that_is_not_split_is_read_by_every_chip() -> None:
    whole, split = (Gemm("gemm", k=8192, n=8192, count=1, tensor="attention", shard=s) for s in ("none", "column"))
    alone_s = run(whole, Step(1, 1, 0)).operators[0].memory_s
    assert run(whole, Step(1, 1, 0), 4).operators[0].memory_s == alone_s
    assert run(split, Step(1, 1, 0), 4).operators[0].memory_s == approx(alone_s / 4, rel=1e-3)


def test_a_sum_over_two_chips_by_hand() -> None:
    # Row-parallel over 2: of 16 KiB on each chip the other reads all, at 62 % of NVLink's 450 GB/s, after 3 us.
    row = replace(GEMM, shard="row")
    phase = run(row, Step(1, 1, 0), chips=2)
    assert phase.operators[0].network_s == approx(2 * (16_384 / (0.6161 * 450e9) + 2.988e-6))
    # The same bytes out of each of the two chips, at 4.5 pJ/bit.
    assert phase.energy_j["network"] == approx(2 * 2 * 16_384 * 36e-12)


def test_the_sum_over_experts_is_taken_once() -> None:
    # Every chip has all tokens and a quarter of each expert: what 8 tokens get, 16 kB, is summed once, of 3 others.
    down = Gemm("expert_down", k=64, n=1000, count=1, tensor="expert", shard="row", experts=8, active=2)
    phase = run(down, Step(8, 1, 0), chips=4)
    assert phase.operators[0].network_s == approx(3 * 16_000 / (0.6161 * 450e9) + 2.988e-6)
    assert phase.energy_j["network"] == approx(2 * 3 * 16_000 * 36e-12)
    # What goes in is everywhere, and what a shared expert adds is part of the same sum.
    up = replace(down, name="expert_gate_up", k=1000, n=64, shard="column")
    shared = Gemm("shared_down", k=64, n=1000, count=1, tensor="ffn", shard="row")
    assert all(run(op, Step(8, 1, 0), chips=4).operators[0].network_s == 0 for op in (up, shared))
    # Matrices of one head each stay where they are.
    heads = Gemm("q_absorb", 128, 512, 1, "attention", experts=128, active=128)
    assert run(heads, Step(8, 1, 0), chips=4).operators[0].network_s == 0


def spread(op: Gemm, step: Step, chips: int):
    replica = replace(Existing(preset("h100-sxm")).replica(chips, {}), spread=True, sent=True)
    return replica.phase(Operators("decode", (op,)), step, keep=True)


def test_vectors_go_to_the_chips_of_their_experts_and_back_by_hand() -> None:
    # 8 vectors of 2000 bytes, 2 a chip. Each needs 2 of 16 experts, on 4 chips: 1 - (3/4)^2 of the 3 others, 1.3125.
    # 5250 bytes out of a chip at 0.62 x 450 GB/s, and 3 us; there and back.
    down = Gemm("down", k=500, n=1000, count=1, tensor="expert", shard="row", experts=16, active=2)
    phase = spread(down, Step(8, 1, 0), chips=4)
    assert phase.operators[0].network_s == approx(2 * (5250 / (0.6161 * 450e9) + 2.988e-6))
    assert phase.energy_j["network"] == approx(2 * 4 * 5250 * 36e-12)
    # One chip has them all.
    assert spread(down, Step(8, 1, 0), chips=1).operators[0].network_s == 0


def test_experts_lie_whole_on_their_chips() -> None:
    # A chip has 64 of 512 experts, or 64 columns of each: as many bytes of weights, but half of a tile's 128 columns
    # is empty: 512 tiles on 132 cores are four waves, 64 x 4 are two. 512 tokens touch all of them.
    up = Gemm("up", k=4096, n=512, count=1, tensor="expert", experts=512, active=64)
    whole, parts = spread(up, Step(512, 1, 0), 8).operators[0], run(up, Step(512, 1, 0), 8).operators[0]
    assert whole.macs == parts.macs and whole.compute_s == approx(parts.compute_s / 2)
    # 64 rows of 4096 and 512 for each of its 64 experts; or of 4096 and 64 for each of all 512.
    assert parts.dram_bytes - whole.dram_bytes == approx(2 * 64 * (512 * (4096 + 64) - 64 * (4096 + 512)))


def test_the_fullest_chip_sets_the_pace() -> None:
    # One token, 8 of 256 experts on 8 chips: one each in the mean, and on the fullest 1 + 1.43 x 0.98 of them; each
    # reads 4096 x 512 x 2 bytes. Of 8 chips with a part of all, each reads an eighth of eight.
    up = Gemm("up", k=4096, n=512, count=1, tensor="expert", experts=256, active=8)
    replica = Existing(preset("h100-sxm")).replica(8, {})
    whole, parts = (
        replace(replica, spread=how).phase(Operators("decode", (up,)), Step(1, 1, 0), keep=True).operators[0]
        for how in (True, False)
    )
    assert whole.memory_s / parts.memory_s == approx(2.4, rel=0.01)
    assert whole.dram_bytes == approx(parts.dram_bytes, rel=0.02)  # and what goes in
    drawn = np.random.default_rng(1).random((4000, 256)).argsort(axis=1)[:, :8] // 32  # the chip of each expert
    most = np.mean([np.bincount(row).max() for row in drawn])
    assert whole.memory_s / parts.memory_s == approx(most, rel=0.1)
    # Where every expert is touched, all chips have as much.
    assert float(fullest(32.0, 32.0, 8)) == 1.0


def test_norms_over_heads_of_several_chips_are_summed_by_hand() -> None:
    # Queries and keys in two layers: a second pass, and a sum of 8 x 4 bytes that both chips read from the other.
    norm = Vector("qk_norm", 3 * 1024, 2, parts=2, over_heads=True)
    one, two, apart = (
        run(replace(norm, over_heads=wide), Step(8, 1, 0), chips=chips).latency_s
        for wide, chips in ((True, 1), (True, 2), (False, 2))
    )
    sum_s = 32 / (0.6161 * 450e9) + 2.988e-6
    assert two - apart == approx(4 * (hopper("vector_overhead") + sum_s))
    assert one == approx(run(replace(norm, over_heads=False), Step(8, 1, 0)).latency_s)


def test_the_waiting_of_links_has_a_range() -> None:
    chip = Existing(preset("h100-sxm"), tech=Technology(draws(50, 3)))
    phase = chip.replica(8, {}).phase(
        Operators("decode", (replace(GEMM, shard="row"),)), Step(1, 1, 0), keep=True
    )
    assert np.std(phase.operators[0].network_s) > 0
