"""Family `gpu`: kernels of one chip, by hand."""

from dataclasses import replace

import numpy as np
from gpu_runs import GEMM, hopper, run
from pytest import approx

from sartor.chip.presets import preset
from sartor.families import priced
from sartor.families.gpu.estimate import Replica
from sartor.families.gpu.family import Existing
from sartor.families.gpu.machine import BLOCKS, DYNAMIC, GROUPS, Machine
from sartor.families.gpu.passes import Setting
from sartor.families.gpu.tiles import INTEGERS, LARGE, TILES, UNSPLIT, Tiling, gemm_s, operand_bytes
from sartor.formats.spec import format_named
from sartor.tech.technology import Technology
from sartor.workload.gemm import Gemm
from sartor.workload.operators import Attention, Operators, Vector
from sartor.workload.step import Step

FP8, BF16 = format_named("fp8-e4m3"), format_named("bf16")
ON = Tiling(cores=132, edge=64, near_bytes_per_s=1e30)


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
    cores = 132 * 1.83e9 / 3350e9  # bytes a cycle of each, as times the memory's rate
    cut = blocks.tiling(FP8, False, True)
    draw = hopper("block_core_draw_8") * cores / hopper("block_stream_efficiency_8")
    assert (cut.shapes, cut.draw) == (LARGE, approx(draw))
    cut = rows.tiling(FP8, False, True)
    draw = hopper("dynamic_core_draw_8") * cores / hopper("dynamic_stream_efficiency_8")
    assert (cut.shapes, cut.draw) == (UNSPLIT, approx(draw))
    groups = Machine(preset("b200-sxm"), Technology(), GROUPS)
    assert groups.tiling(format_named("nvfp4"), False, True).shapes == UNSPLIT
    cut = plain.tiling(FP8, False, True)
    assert cut.shapes == TILES and cut.draw == np.inf  # nothing was measured
    draw = plain.tiling(BF16, False, True).draw
    assert draw == approx(hopper("core_draw_16") * cores / hopper("stream_efficiency_16"))
    # Behind faster memory the same core draws no faster: fewer times its share.
    h200 = Machine(preset("h200-sxm"), Technology()).tiling(BF16, False, True).draw
    assert h200 == approx(draw * 3350 / 4800)


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
    # Integers: tiles of 128 x 128, and of 128 x 64 where those are few.
    cut = integers.tiling(format_named("int8"), False, True)
    assert (cut.shapes, cut.wave_s) == (INTEGERS, hopper("tile_wave_int8"))
    # 4096 columns are 32 tiles of 128, no more than a quarter of 132 cores: 64 of half of it. 4352 are 34.
    free, large = replace(cut, wave_s=0.0), replace(ON, shapes=LARGE)
    one, half, more = (float(gemm_s(128, 8192, n, 1, 0.0, 1e15, on)[0]) for n, on in
                       ((4096, large), (4096, free), (4352, free)))  # fmt: skip
    assert half == approx(one / 2) and more == approx(one)
    # And they are 128 rows long, whatever is in them: of 16 rows 64 cores read faster than 32.
    assert float(gemm_s(16, 8192, 4096, 1, 10e-6, 1e15, replace(free, draw=1.0))[2]) == approx(half)


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
    # 4096 elements, 8 tokens, two norms: twice 2.3 us to start, 5.6 us for a row, 459 kB: 14 bytes an element.
    norm = Vector("norm", 2 * 3 * 4096, 1, parts=2)
    near = hopper("vector_bytes_per_cycle") * 132 * 1.83e9
    one_s = hopper("vector_overhead") + 4096 * hopper("row_element")
    assert run(norm, Step(8, 1, 512)).latency_s == approx(2 * (one_s + 8 * 4096 * 14 / near))
    # A single token has kernels of its own.
    single = run(norm, Step(1, 1, 512)).latency_s
    assert single == approx(2 * (one_s * hopper("single_token") + 4096 * 14 / near))


def test_rope_counts_what_its_kernel_loads_by_hand() -> None:
    # 40 heads of 128, 8 tokens: of each element 2 bytes of it, 2 of its partner, 4 of a cosine, 4 of a sine, 2 written;
    # two kernels, and in decode two more that put keys and values into the cache.
    rope = Vector("rope", 2 * 40 * 128, 1, parts=2)
    near = hopper("vector_bytes_per_cycle") * 132 * 1.83e9
    moved_s = 8 * 40 * 128 * 14 / near
    assert run(rope, Step(8, 1, 512)).latency_s == approx(4 * hopper("vector_overhead") + moved_s)
    prefill = Existing(preset("h100-sxm")).replica(1, {}).phase(Operators("prefill", (rope,)), Step(1, 8, 0))
    assert prefill.latency_s == approx(2 * hopper("vector_overhead") + moved_s)


def test_a_multiplication_of_integers_has_its_own_energy() -> None:
    h100, a100 = (Machine(preset(name), Technology()) for name in ("h100-sxm", "a100-sxm-80gb"))
    int8, wide = format_named("int8"), hopper("j_per_op")
    assert h100.j_per_op(int8, 8) == hopper("j_per_op_int8") and h100.j_per_op(BF16, 16) == wide
    # Of other formats, and of generations whose integers were not measured, it goes by the width.
    assert h100.j_per_op(FP8, 8) / wide == approx(0.5**1.25) != approx(h100.j_per_op(int8, 8) / wide)
    assert a100.j_per_op(int8, 8) / a100.j_per_op(BF16, 16) == approx(0.5**1.25)


def test_decode_attention_by_hand() -> None:
    # 16 sequences of 8 KV heads, 4096 positions, 268 MB: 528 programs are wanted, 4 a pair: 512 start at once.
    op = Attention("attention", 32, 8, 128, 128, 1, 2048)
    rate = hopper("attention_efficiency") * hopper("attention_one_wave") * 3.35e12
    partial_s = 2 * 512 * 16 * 130 * 4 / (hopper("vector_bytes_per_cycle") * 132 * 1.83e9)
    start_s = hopper("attention_overhead") + 2 * hopper("attention_wave")
    expected = 16 * 4098 * 2048 * 2 / rate + partial_s + start_s
    assert run(op, Step(16, 1, 4096)).latency_s == approx(expected, rel=1e-3)


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
