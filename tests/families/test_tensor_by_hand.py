"""Family `tensor` on designs so small that a reader can follow every number."""

from dataclasses import replace

import numpy as np
from pytest import approx

from sartor.families.tensor.design import FORMATS, Designs
from sartor.families.tensor.family import Tensor
from sartor.families.tensor.physical import area_mm2
from sartor.families.tensor.placement import crossing_bytes
from sartor.tables import table
from sartor.tech.technology import NOMINAL
from sartor.workload.operators import Attention, Gemm, Operators, Step, Vector

# One core of 2 rows x 4 lanes x 1 column at N7 and 1 GHz, one LPDDR5X channel of 10 GB/s, 9.2 GB/s of which
# stream.
TINY = Designs(
    node=table("nodes").index("N7"), clock_hz=1e9, cores=1, dies=1, rows=2, lanes=4, columns=1,
    vector_lanes=4,
    scratchpad_bytes=65_536, fifo_bytes=4096, weights=FORMATS.index("int8"), cache=FORMATS.index("int8"),
    memory=table("memories").index("lpddr5x"), units=1, capacity_bytes=1e9, bandwidth_bytes_per_s=10e9,
    link=table("links").index("serdes-112g"), link_bytes_per_s=100e9,
)  # fmt: skip
STREAM = 9.2e9
STARTUP = (24 + 32 + 48) * 1e-9  # pipeline fill, barrier, one reduction of the vector unit
INT8_BITS = 8 + 16 / 4096  # a scale of 16 bits a row, counted on rows of 4096
GEMV = Gemm("gemv", k=9, n=5, count=3, tensor="ffn")


def run(designs: Designs, ops: tuple, step: Step, chips: int = 1):
    return Tensor(designs).replica(chips, {}).phase(Operators("decode", ops), step, keep=True)


def test_gemv_cycle_by_cycle() -> None:
    # 5 features in rows of 2 and 9 of K in lanes of 4: 3 x 3 folds, of which 0.85 a cycle are achieved: 10.6
    # ns. 45 weights of 8 bits: 4.9 ns at 9.2 GB/s. The FIFO holds 445 ns of stream: startup hides the memory.
    phase = run(TINY, (GEMV,), Step(1, 1, 0))
    (op,) = phase.operators
    assert op.compute_s == approx(3 * 9 / 0.85e9)
    assert op.memory_s == approx(3 * 45 * INT8_BITS / 8 / STREAM)
    assert phase.latency_s == approx(3 * (9 / 0.85e9 + STARTUP))
    assert phase.dram_bytes == approx(3 * 45 * INT8_BITS / 8)
    assert (op.macs, op.bound) == (3 * 45, "compute")


def test_a_second_column_halves_the_folds_of_two_tokens() -> None:
    two_tokens = Step(2, 1, 0)
    (one,) = run(TINY, (GEMV,), two_tokens).operators
    (two,) = run(replace(TINY, columns=2), (GEMV,), two_tokens).operators
    assert one.compute_s == approx(2 * two.compute_s) == approx(3 * 18 / 0.85e9)


def test_a_large_gemm_streams_at_memory_speed() -> None:
    # 4096 x 4096 of 8 bits: 16.8 MB at 9.2 GB/s = 1.824 ms. The tile needs 2048 x 1024 folds / 0.85e9 = 2.467
    # ms: it is too small for this memory. With 4 rows the memory is the bound, and the FIFO (445 ns) hides
    # the startup.
    gemm = (Gemm("gemm", 4096, 4096, 1, "ffn"),)
    assert run(TINY, gemm, Step(1, 1, 0)).latency_s == approx(2048 * 1024 / 0.85e9 + STARTUP)
    wide = run(replace(TINY, rows=4), gemm, Step(1, 1, 0))
    assert wide.latency_s == approx(4096 * 4096 * INT8_BITS / 8 / STREAM)
    assert wide.operators[0].bound == "memory"


def test_a_fifo_shallower_than_the_latency_starves_the_stream() -> None:
    # 506 bytes at 9.2 GB/s are 55 ns, half of the 110 ns that the memory takes to answer: half the rate.
    gemm = (Gemm("gemm", 4096, 4096, 1, "ffn"),)
    shallow = run(replace(TINY, rows=4, fifo_bytes=506), gemm, Step(1, 1, 0))
    assert shallow.operators[0].memory_s == approx(2 * 4096 * 4096 * INT8_BITS / 8 / STREAM)


def test_vector_work_before_a_gemm_is_waited_for() -> None:
    # 400 lane operations on 4 lanes: 100 ns, once a layer, before the one GEMM of the layer.
    phase = run(TINY, (Vector("norm", 400, 3), GEMV), Step(1, 1, 0))
    assert phase.latency_s == approx(3 * (9 / 0.85e9 + STARTUP + 100e-9))


def test_attention_by_hand() -> None:
    # 2 heads over 1 KV head of 8, 15 cached positions and the new one: 16. Two queries share the cache.
    # Scores: 16 / 2 rows = 8 folds x 8 / 4 lanes = 2; mix: 16 / 4 lanes = 4 folds x 8 / 2 rows = 4: 32 a
    # query.
    op = Attention("attention", heads=2, kv_heads=1, key_dim=8, value_dim=8, count=1, cached=16)
    phase = run(TINY, (GEMV, op), Step(1, 1, 15))
    attention = phase.operators[1]
    assert attention.compute_s == approx(2 * 32 / 0.85e9)
    # 16 positions x 16 elements are read, one position is written; 8-bit elements.
    assert attention.dram_bytes == approx(17 * 16 * INT8_BITS / 8)
    # Random chunks of 32 tokens of K or of V, 256 bytes: 256 / (256 + 60) of the stream.
    chunk = 32 * 8 * INT8_BITS / 8
    read = 16 * 16 * INT8_BITS / 8 * (1 + 60 / chunk)
    assert attention.memory_s == approx((read + 16 * INT8_BITS / 8) / STREAM)


def test_cores_share_the_features() -> None:
    # 5 features over 2 cores: 2.5 each, in rows of 2 as many folds as 3 features: 2 of features x 3 of K.
    (op,) = run(replace(TINY, cores=2), (GEMV,), Step(1, 1, 0)).operators
    assert op.compute_s == approx(3 * 6 / 0.85e9)


def test_chips_beyond_the_kv_heads_share_a_cache() -> None:
    # 8 query heads over 2 KV heads on 8 chips: each reads one KV head, as three others do, for one query.
    op = Attention("attention", heads=8, kv_heads=2, key_dim=8, value_dim=8, count=1, cached=32)
    two, eight = (run(TINY, (GEMV, op), Step(1, 1, 15), chips).operators[1] for chips in (2, 8))
    assert eight.dram_bytes == approx(two.dram_bytes) == approx(17 * 16 * INT8_BITS / 8)
    # 4 queries a KV head on 2 chips; 1 on 8.
    assert two.compute_s == approx(4 * 32 / 0.85e9) == approx(4 * eight.compute_s)


def test_a_sum_over_chips_by_hand() -> None:
    # 4 chips, each with a quarter of K: every chip holds a sum of 1000 results of 2 bytes. All-reduce: 2 x
    # 3/4 x 2000 B / 100 GB/s = 30 ns, and 4 hops of 1 us.
    row = Gemm("down", k=4000, n=1000, count=2, tensor="ffn", shard="row")
    phase = run(TINY, (row,), Step(1, 1, 0), chips=4)
    assert phase.operators[0].network_s == approx(2 * (30e-9 + 4e-6))
    # 2 x 3/4 x 2000 B out of each of 4 chips, twice: 24 kB at 4.5 pJ/bit.
    assert phase.energy_j["network"] == approx(24_000 * 36e-12)


def test_tokens_go_to_their_experts_and_back() -> None:
    # One token to 2 of 8 experts: 2 x 1000 elements of 2 bytes there, as much back; 3/4 of them to other
    # chips.
    there = Gemm("expert_gate_up", k=1000, n=64, count=1, tensor="expert", experts=8, active=2)
    back = Gemm("expert_down", k=32, n=1000, count=1, tensor="expert", shard="row", experts=8, active=2)
    assert crossing_bytes((there, back), Step(1, 1, 0), 4) == approx(2 * 4000 * 3 / 4)
    phase = run(TINY, (there, back), Step(1, 1, 0), chips=4)
    assert phase.energy_j["network"] == approx(6000 * 36e-12)
    # 3/4 of the 1000 bytes that start on each chip at 100 GB/s, and one latency.
    assert phase.operators[0].network_s == approx(7.5e-9 + 1e-6)


def test_matrices_of_one_head_each_do_not_travel() -> None:
    # Latent attention in decode: 128 matrices, each stays with its head.
    absorbed = Gemm("q_absorb", 128, 512, 61, "attention", experts=128, active=128)
    assert crossing_bytes((absorbed,), Step(1, 1, 0), 8) == 0
    assert run(TINY, (absorbed,), Step(1, 1, 0), chips=8).operators[0].network_s == 0


def test_energy_by_hand() -> None:
    # 3 x 45 INT8 multiply-adds at N7: 0.1 pJ x 3.65 of what surrounds them.
    phase = run(TINY, (GEMV,), Step(1, 1, 0))
    assert phase.energy_j["compute"] == approx(135 * 0.365e-12)
    # 4.5 pJ/bit; into a FIFO of 4 KiB and out of it, 0.5 + 0.165 x 2 = 0.83 pJ a byte each.
    n_bytes = 135 * INT8_BITS / 8
    assert phase.energy_j["memory"] == approx(n_bytes * 36e-12)
    assert phase.energy_j["scratchpad"] == approx(n_bytes * 2 * 0.83e-12)
    assert phase.dynamic_j == approx(sum(phase.energy_j.values()))


def test_area_by_hand() -> None:
    parts = area_mm2(TINY, NOMINAL, device=True)
    # 8 multiply-adds of 53.65 um2 x 2.8 / 0.6; 8 decoders of 6 um2 and 2 accumulators of 95 um2, over 0.6.
    assert parts["tile"] == approx((8 * 53.65 * 2.8 + 8 * 6 + 2 * 95) / 0.6 * 1e-6)
    assert parts["vector"] == approx(4 * 900e-6 / 0.6)
    # 68 KiB at 24 Mib/mm2 x 1.9.
    assert parts["sram"] == approx(68 / 1024 * 8 / 24 * 1.9)
    assert (parts["memory phy"], parts["host"]) == (approx(1.1), approx(0.6))
    # Two fifths of the die are none of these.
    assert parts["other"] == approx(0.4 * sum(parts.values()))


def test_kernel_of_the_price_by_hand() -> None:
    # Soldered memory is not on the package: 1 GB of LPDDR5X at 10 USD.
    usd = Tensor(TINY, device=True).physical.parts_usd
    assert usd["memory"] == approx(10)
    # 1.2 of package and 0.05 a mm2, of which 0.5 % fail to bond and take the die along, and 1 of test.
    body = 1.2 + 0.05 * Tensor(TINY, device=True).physical.total_mm2
    assert usd["package and test"] == approx((body + usd["die"]) / 0.995 - usd["die"] + 1)
    # N7: 12 MUSD of masks once; design 271 MUSD x 0.3; 1 MUSD each of IP and software, 0.1 of package.
    once = {"complexity": 0.3, "tapeouts": 1, "ip_usd": 1e6, "software_usd": 1e6}
    assert Tensor(TINY, device=True).nre_usd(once) == approx((271 * 0.3 + 12 + 1 + 0.1 + 1) * 1e6)


def test_a_generated_chip_without_memory_is_refused() -> None:
    import pytest

    from sartor.chip.spec import Chip, Memory, Tile
    from sartor.errors import Unsupported
    from sartor.families import priced

    chip = Chip("all-sram", "tensor", "N7", 1e9, Memory("sram", 0, 0, 0), tile=Tile(8, 8, 8, 8, "int8"))
    with pytest.raises(
        Unsupported, match=r"all-sram: family tensor streams its weights, but \[memory\] sram has no"
    ):
        priced(chip)


def test_figures_are_plain_numbers_for_one_chip() -> None:
    assert np.ndim(run(TINY, (GEMV,), Step(1, 1, 0)).latency_s) == 0


def pipeline_s(folds: int, vector_s: float, fold_s: float) -> float:
    """The vector unit prepares fold after fold of tokens; the tile takes each when it is ready and itself
    free."""
    ready = free = 0.0
    for _ in range(folds):
        ready += vector_s / folds
        free = max(ready, free) + fold_s
    return free


def test_vector_unit_and_tile_are_a_pipeline_of_two() -> None:
    # 9 folds of 2048 x 1024 cycles of compute, or of one; the memory is fast enough not to matter.
    fast = replace(TINY, bandwidth_bytes_per_s=1e15, fifo_bytes=1e12, scratchpad_bytes=1e9)
    for lane_ops in (1e2, 1e7, 1e8):  # a token: from almost nothing to twice what the tile takes
        gemm, vector = Gemm("gemm", 4096, 4096, 1, "ffn"), Vector("norm", int(lane_ops), 1)
        phase = run(fast, (vector, gemm), Step(1, 9, 0))
        walked = pipeline_s(9, 9 * lane_ops / 4e9, 2048 * 1024 / 0.85e9)
        assert phase.latency_s == approx(walked, rel=1e-3)
