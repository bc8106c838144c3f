"""Families `gpu` and `npu`: by hand, and laws over every chip that exists."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest import approx

from sartor.chip.presets import names, preset
from sartor.chip.spec import Link
from sartor.errors import Unsupported
from sartor.families import priced
from sartor.families.gpu.estimate import Replica
from sartor.families.gpu.family import Existing
from sartor.families.gpu.machine import BLOCKS, DYNAMIC, GROUPS, Machine
from sartor.families.gpu.passes import Setting
from sartor.families.gpu.power import SLOWEST, clock
from sartor.families.gpu.tiles import LARGE, TILES, UNSPLIT, Tiling, fullest, gemm_s, operand_bytes
from sartor.formats.spec import format_named
from sartor.tables import draws, table
from sartor.tech.technology import Technology
from sartor.workload.derive import operators
from sartor.workload.find import bundled
from sartor.workload.gemm import Gemm
from sartor.workload.operators import Attention, Operators, Vector
from sartor.workload.step import Step

DECODE, PREFILL = Step(8, 1, 1024), Step(2, 777, 0)
GEMM = Gemm("gemm", k=8192, n=8192, count=2, tensor="ffn")
FP8, BF16 = format_named("fp8-e4m3"), format_named("bf16")
ON = Tiling(cores=132, edge=64, near_bytes_per_s=1e30)
every_chip = pytest.mark.parametrize("name", names())


def hopper(quantity: str) -> float:
    return table("gpu").fact("hopper", quantity).value


def run(op, step: Step, chips: int = 1, weights: str = "bf16", chip=None):
    existing = Existing(chip or preset("h100-sxm"), weights, "bf16")
    return existing.replica(chips, {}).phase(Operators("decode", (op,)), step, keep=True)


def test_a_gemv_by_hand() -> None:
    # 8192 x 8192 of 2 bytes, and a vector of 2 x 16 KiB: 134.25 MB at 0.83 x 3.35 TB/s = 48.0 us, 2.1 us to start and
    # 0.5 for one wave of tiles. Meanwhile 64 tiles of 16 x 128 outputs on 132 cores: 6 us.
    n_bytes = 8192 * 8192 * 2 + 2 * 8192 * 2
    memory_s = n_bytes / (hopper("stream_efficiency_16") * 3.35e12)
    phase = run(GEMM, Step(1, 1, 0))
    assert phase.dram_bytes == approx(2 * n_bytes)
    assert phase.latency_s == approx(2 * (memory_s + hopper("op_overhead") + hopper("tile_wave")), rel=1e-4)
    assert phase.operators[0].bound == "memory"


def test_a_large_gemm_is_bound_by_compute_by_hand() -> None:
    # 8192 tokens: 128 x 64 tiles of 64 x 128 on 132 cores: 63 waves for 62.06, 1.5 % lost in the last one.
    tile_s = 2 * 64 * 128 * 8192 / (hopper("compute_efficiency_16") * 989e12 / 132)
    op = run(GEMM, Step(8192, 1, 0)).operators[0]
    assert op.compute_s == approx(2 * 63 * tile_s)
    perfect_s = 2 * 2 * 8192**3 / (hopper("compute_efficiency_16") * 989e12)
    assert perfect_s == approx(op.compute_s * 128 * 64 / 132 / 63)


def test_waves_of_tiles_are_seen() -> None:
    # 132 x 128 columns are one wave of 64 rows; 133 x 128 begin a second one, or, cut in four, a fifth quarter.
    def seconds(tiles: int) -> float:
        return float(gemm_s(64, 16384, 128 * tiles, 1, 0.0, 1e15, ON)[0])

    assert seconds(131) == approx(seconds(132)) and seconds(133) == approx(1.25 * seconds(132))


def test_sums_that_stay_in_a_core_read_slowly_where_tiles_are_few() -> None:
    # 2048 columns are 16 tiles of 128 on 132 cores: each draws 4 times its share, all together 64 of 132 of the rate.
    # Split in four they are 64 cores' work, of which each needs but 2.1 times its share.
    asked = (16, 8192, 2048, 1, 10e-6, 1e15)
    on = (replace(ON, shapes=shapes, draw=4.0) for shapes in (UNSPLIT, TILES))
    slow, split = (float(gemm_s(*asked, one)[1]) for one in on)
    assert slow == approx(10e-6 * 132 / 64) and split == approx(10e-6)
    blocks, rows, plain = (Machine(preset("h100-sxm"), Technology(), scaling) for scaling in (BLOCKS, DYNAMIC, ""))
    cut = blocks.tiling(FP8, False, True)
    assert (cut.shapes, cut.draw) == (LARGE, hopper("block_core_draw_8"))
    cut = rows.tiling(FP8, False, True)
    assert (cut.shapes, cut.draw) == (UNSPLIT, hopper("dynamic_core_draw_8"))
    groups = Machine(preset("b200-sxm"), Technology(), GROUPS)
    assert groups.tiling(format_named("nvfp4"), False, True).shapes == UNSPLIT
    cut = plain.tiling(FP8, False, True)
    assert cut.shapes == TILES and cut.draw == np.inf  # nothing was measured
    assert plain.tiling(BF16, False, True).draw == hopper("core_draw_16")


def test_a_wave_fills_and_drains_and_cores_that_share_a_tile_wait() -> None:
    # 133 x 128 columns of 64 rows: two waves, or, cut in two, three of half the time: where a wave costs
    # more than it saves, two.
    def cut(**costs: float) -> tuple[float, ...]:
        return tuple(float(one) for one in gemm_s(64, 16384, 133 * 128, 1, 0.0, 1e15, replace(ON, **costs)))

    free, *_ = cut()
    slow, _, arithmetic, beside = cut(wave_s=100e-6)
    assert (arithmetic, beside) == (approx(2 * 64 * 128 * 2 * 16384 * 132 / 1e15), approx(200e-6)) and slow > free
    _, _, arithmetic, beside = cut(split_s=1e-9)  # in four: five quarters of a wave, and a nanosecond
    assert (arithmetic, beside) == (approx(1.25 * 64 * 128 * 2 * 16384 * 132 / 1e15), approx(1e-9))


def test_beyond_some_rows_all_tiles_are_high() -> None:
    # 192 rows, 4096 columns: 96 tiles of 64 rows are a wave, and 64 of 128 rows: twice the time.
    on = replace(ON, shapes=UNSPLIT)
    low, high = (float(gemm_s(192, 8192, 4096, 1, 0.0, 1e15, replace(on, high=rows))[0]) for rows in (192, 128))
    assert high == approx(2 * low)
    dynamic, integers = Machine(preset("h100-sxm"), Technology(), DYNAMIC), Machine(preset("h100-sxm"), Technology())
    assert dynamic.tiling(FP8, False, True).high == 128 and integers.tiling(FP8, False, True).high == np.inf
    # Integers: tiles of 128 x 128.
    cut = integers.tiling(format_named("int8"), False, True)
    assert (cut.shapes, cut.wave_s) == (LARGE, hopper("tile_wave_int8"))


def test_cores_that_share_a_tile_wait_where_a_kernel_is_alone() -> None:
    alone, within = (Machine(preset("h100-sxm"), Technology()).tiling(BF16, False, how) for how in (True, False))
    assert (alone.split_s, within.split_s) == (hopper("split_overhead"), 0.0)
    # Kernels of many experts stay on their cores.
    assert Machine(preset("h100-sxm"), Technology()).tiling(BF16, True, False).wave_s == 0.0 < within.wave_s


def test_few_tiles_are_split_along_k() -> None:
    # 512 columns: 4 tiles of 128, 16 with four cores each. A fourth of the time, but the parts must be added.
    gemm = Gemm("gemm", k=65536, n=512, count=1, tensor="ffn")
    op = run(gemm, Step(64, 1, 0)).operators[0]
    assert op.compute_s == approx(64 * 128 / 4 * 2 * 65536 * 132 / (hopper("compute_efficiency_16") * 989e12))
    parts_s = 2 * 4 * 3 * 64 * 512 / (hopper("vector_bytes_per_cycle") * 132 * 1.83e9)
    assert op.vector_s == approx(parts_s + hopper("op_overhead") + hopper("tile_wave"))


def test_activations_are_cast_and_padded_to_narrow_operands() -> None:
    # 16 rows: one pass more, 3 bytes an element; 17 rows: another one to pad them.
    kernel_s, near = hopper("vector_overhead"), hopper("vector_bytes_per_cycle") * 132 * 1.83e9
    wide, even, ragged = (
        run(GEMM, Step(rows, 1, 0), weights=w).operators[0].vector_s
        for rows, w in ((16, "bf16"), (16, "fp8-e4m3"), (17, "fp8-e4m3"))
    )
    assert even - wide == approx(2 * (kernel_s + 16 * 8192 * 3 / near))
    assert ragged - wide == approx(2 * (2 * kernel_s + 17 * 8192 * (3 + 2) / near))


def test_a_norm_takes_a_start_and_its_row_by_hand() -> None:
    # 4096 elements, 8 tokens, two norms: twice 2.3 us to start, 5.6 us for a row, 262 kB.
    norm = Vector("norm", 2 * 3 * 4096, 1, parts=2)
    near = hopper("vector_bytes_per_cycle") * 132 * 1.83e9
    one_s = hopper("vector_overhead") + 4096 * hopper("row_element")
    assert run(norm, Step(8, 1, 512)).latency_s == approx(2 * (one_s + 8 * 4096 * 8 / near))
    # A single token has kernels of its own.
    single = run(norm, Step(1, 1, 512)).latency_s
    assert single == approx(2 * (one_s * hopper("single_token") + 4096 * 8 / near))


def test_decode_attention_by_hand() -> None:
    # 16 sequences of 8 KV heads, 4096 positions, 268 MB: 528 programs are wanted, 4 a pair: 512 start at once.
    op = Attention("attention", 32, 8, 128, 128, 1, 2048)
    rate = hopper("attention_efficiency") * hopper("attention_one_wave") * 3.35e12
    partial_s = 2 * 512 * 16 * 130 * 4 / (hopper("vector_bytes_per_cycle") * 132 * 1.83e9)
    start_s = hopper("attention_overhead") + 2 * hopper("attention_wave")
    expected = 16 * 4098 * 2048 * 2 / rate + partial_s + start_s
    assert run(op, Step(16, 1, 4096)).latency_s == approx(expected, rel=1e-3)


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


def test_flash_attention_reads_the_cache_once_by_hand() -> None:
    # 8 KV heads of 128 in BF16, 2048 positions, 64 sequences: 268 MB; one position each is written and read.
    op = Attention("attention", 32, 8, 128, 128, 1, 2048)
    phase = run(op, Step(64, 1, 2048))
    assert phase.dram_bytes == approx((64 * 2048 + 2 * 64) * 2048 * 2)


def test_weights_only_formats_compute_in_sixteen_bits() -> None:
    # INT4 weights: a quarter of the bytes, and scales; no tensor core of their own on an H100.
    wide, narrow = (run(GEMM, Step(1, 1, 0), weights=w).operators[0] for w in ("bf16", "int4-g128"))
    assert narrow.dram_bytes / wide.dram_bytes == approx(format_named("int4-g128").bits() / 16, rel=1e-3)
    wide, narrow = (run(GEMM, Step(8192, 1, 0), weights=w).operators[0] for w in ("bf16", "int4-g128"))
    assert narrow.vector_s == wide.vector_s  # nothing is cast
    assert narrow.compute_s == approx(
        wide.compute_s * hopper("compute_efficiency_16") / hopper("weight_only_efficiency")
    )


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


def test_operands_are_read_again_for_each_tile_of_columns_by_hand() -> None:
    # 128 x 1000 of 2 bytes, 256 kB. 132 x 128 columns: a tile of 128 a core, read 132 times. Half as many columns:
    # tiles of 64, as often. 264 rows are three tiles of 128: 396 of them, so tiles are of 256 columns, and 66 read.
    def times(m: int, n: int) -> float:
        return float(operand_bytes(m, 1000, n, 2.0, 132, 64)) / (m * 1000 * 2)

    assert (times(128, 132 * 128), times(128, 66 * 128), times(264, 132 * 128)) == (132, 132, 66)
    # Never narrower than 32 columns, nor wider than 256.
    assert (times(16, 320), times(8192, 2**20)) == (10, 4096)


def test_a_gemm_pays_for_what_is_read_again() -> None:
    free = Technology(lambda fact: 0.0 if fact.quantity == "j_per_operand_byte" else fact.value)
    step, rows = Step(64, 1, 0), 64
    paid, unpaid = (
        Replica(Machine(preset("h100-sxm"), tech), 1, "bf16", "bf16", {}, Setting(sustained=False)).phase(
            Operators("decode", (GEMM,)), step
        )
        for tech in (Technology(), free)
    )
    again = 2 * float(operand_bytes(rows, 8192, 8192, 2.0, 132, 64)) * hopper("j_per_operand_byte")
    assert float(paid.dynamic_j) - float(unpaid.dynamic_j) == approx(again)
    assert again > 0


@given(st.floats(0.1, 20), st.floats(0.0, 0.9), st.floats(0.01, 2), st.floats(0.0, 2))
def test_the_clock_keeps_the_power(core_j: float, memory_j: float, core_s: float, other_s: float) -> None:
    share = float(clock(core_j, memory_j, core_s, other_s, 1.0))
    drawn_w = (core_j * share + memory_j) / (core_s / share + other_s)
    assert SLOWEST <= share <= 1
    assert drawn_w <= 1 + 1e-6 or share == SLOWEST
    assert drawn_w == approx(1.0) or share in (SLOWEST, 1.0)


def test_kernels_alone_are_short_and_their_operands_ready() -> None:
    replica = priced(preset("h100-sxm"), "fp8-e4m3").replica(1, {})
    alone = replace(replica, setting=Setting(sustained=False, casts=False))
    work = Operators("prefill", (GEMM,))
    assert alone.phase(work, Step(8192, 1, 0)).latency_s < replica.phase(work, Step(8192, 1, 0)).latency_s


def test_kernels_of_many_experts_are_slower_and_have_lower_tiles() -> None:
    # 1024 tokens for one expert of 132 x 128 columns: full tiles on every core, at the experts' share of the rate.
    expert = Gemm("expert_down", k=4096, n=132 * 128, count=1, tensor="expert", experts=1, active=1)
    slow, fast = (run(op, Step(1024, 1, 0)).operators[0] for op in (expert, replace(expert, tensor="ffn")))
    assert slow.compute_s == approx(fast.compute_s / hopper("expert_efficiency"))
    # One token takes a tile of 32 rows there, and one of 16, the least of a tensor core, elsewhere.
    slow, fast = (run(op, Step(1, 1, 0)).operators[0] for op in (expert, replace(expert, tensor="ffn")))
    assert slow.compute_s == approx(2 * fast.compute_s / hopper("expert_efficiency"))
