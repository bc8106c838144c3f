"""Family `tensor` on designs so small that a reader can follow every number."""

from dataclasses import replace

import numpy as np
from pytest import approx

from sartor.families.tensor.design import FORMATS, Designs
from sartor.families.tensor.family import Tensor
from sartor.families.tensor.machine import prepare
from sartor.families.tensor.physical import area_mm2
from sartor.families.tensor.placement import crossing_bytes
from sartor.families.tensor.silicon import decode_j_per_byte, mac_j
from sartor.tables import table
from sartor.tech import dram
from sartor.tech.technology import NOMINAL
from sartor.workload.gemm import Gemm
from sartor.workload.operators import Attention, Lookup, Operators, Vector
from sartor.workload.step import Step

# One core of 2 rows x 32 lanes x 1 column with 4 vector lanes at N7 and 1 GHz, one LPDDR5X channel of 10 GB/s:
# 9.16 B stream a cycle, the port is 16 B wide. Of 4 KiB of FIFO, 256 words, an eighth is the cache queue's: 224
# words of weights, 3584 B.
TINY = Designs(
    node=table("nodes").index("N7"), clock_hz=1e9, cores=1, dies=1, rows=2, lanes=32, columns=1,
    vector_lanes=4,
    scratchpad_bytes=65_536, fifo_bytes=4096, weights=FORMATS.index("q8_0"), cache=FORMATS.index("int8-g32"),
    memory=table("memories").index("lpddr5x"), units=1, capacity_bytes=1e9, bandwidth_bytes_per_s=10e9,
    link=table("links").index("serdes-112g"), link_bytes_per_s=100e9,
)  # fmt: skip
# Ten times the bandwidth: 91.6 B a cycle, the port is 128 B wide; and FIFOs for it.
FAST = replace(TINY, bandwidth_bytes_per_s=100e9, fifo_bytes=65_536)
STREAM = 10 * (1 - (299 + 20 + 20 + 11) / 4167)  # bytes a cycle: refresh, closing and opening take the rest
JUMP = float(dram.break_bytes(NOMINAL, TINY.memory))  # bytes' time of a new address: tests/tech/test_dram.py
# A memory with nothing to do is found resting in that share of cases, and half of a rest is then to come.
INTERVAL = dram.refresh_cycle_s(NOMINAL, TINY.memory) * 1e9  # cycles from one rest to the next
REST = (1 - STREAM / 10) ** 2 * INTERVAL / 2
BYTES = 8.5 / 8  # of a weight: 8 bits, and a scale of 16 for 32 of them
GEMV = Gemm("gemv", k=40, n=5, count=3, tensor="ffn")
LARGE = Gemm("gemm", 4096, 4096, 1, "ffn")
NS = 1e-9


def run(designs: Designs, ops: tuple, step: Step, chips: int = 1):
    return Tensor(designs).replica(chips, {}).phase(Operators("decode", ops), step, keep=True)


def test_gemv_cycle_by_cycle() -> None:
    # 5 features in row tiles of 2, 40 of K in folds of 32: 3 tiles of 2 beats. A beat is 2 blocks of 32 codes, 4
    # words of 16 B, and 2 scales of 2 B, a quarter of one: 4.25 cycles. The last tile is drained in a cycle; 14
    # from the instruction to its end. 3 x 2 x 4.25 + 1 + 14 = 40.5. 200 weights: 212.5 B in 23.2 cycles.
    phase = run(TINY, (GEMV,), Step(1, 1, 0))
    (op,) = phase.operators
    assert op.compute_s == approx(3 * 40.5 * NS) == approx(phase.latency_s)
    assert op.memory_s == approx(3 * 200 * BYTES / STREAM * NS)
    assert phase.dram_bytes == approx(3 * 200 * BYTES)
    assert (op.macs, op.bound) == (3 * 200, "compute")


def test_planes_and_shifted_products_beat_by_beat() -> None:
    # With 16 rows a beat is 16 blocks. Three planes of it are 3 x 16 x 4 B, 12 words of 16 B, and the 64 bits of scales
    # for each 128 weights 16 x 4 x 2 B / 4, 2 words; through a port of 128 B they would be 1.5 words, but take 3 steps.
    wide = replace(TINY, rows=16, weights=FORMATS.index("bcq3-g128"))
    fast = replace(FAST, rows=16, weights=FORMATS.index("bcq3-g128"))
    machines = [prepare(d, 1.0, NOMINAL) for d in (wide, fast, replace(fast, weights=FORMATS.index("fp8-e4m3")))]
    planes, fast_planes, shifted = machines
    assert planes.beat_cycles(planes.weights) == approx(12 + 2)
    assert fast_planes.beat_cycles(fast_planes.weights) == approx(3 + 2 / 8)
    # Each plane is a product of its own; a code of FP8 takes one step, a byte of the cache two.
    assert planes.mac_j == approx(3 * prepare(replace(wide, weights=FORMATS.index("q4_0")), 1.0, NOMINAL).mac_j)
    assert (shifted.weights.steps, shifted.cache.steps) == (1, 2)
    assert shifted.stored("fp8-e4m3").steps == 1 and fast_planes.stored("fp8-e4m3").steps == 2


def test_a_second_column_saves_the_second_pass() -> None:
    # One column: two tokens are two passes over the weights. Two columns: one pass, drained in two cycles.
    two_tokens = Step(2, 1, 0)
    (one,) = run(TINY, (GEMV,), two_tokens).operators
    (two,) = run(replace(TINY, columns=2), (GEMV,), two_tokens).operators
    assert one.compute_s == approx(3 * 2 * 40.5 * NS)
    assert two.compute_s == approx(3 * 41.5 * NS)
    assert one.dram_bytes == approx(2 * two.dram_bytes)


def test_a_row_tile_ends_when_the_one_before_is_drained() -> None:
    # 8 columns of a tile's 2 rows leave in 8 cycles, a beat takes 4.25: three tiles 8 cycles apart, the first
    # after 4.25. 3 x 8 + 4.25 + 14.
    one_fold = replace(GEMV, k=32)
    (op,) = run(replace(TINY, columns=8), (one_fold,), Step(8, 1, 0)).operators
    assert op.compute_s == approx(3 * 42.25 * NS)


def test_a_large_gemm_streams_at_memory_speed() -> None:
    # 4096 x 4096 at 8.5 bits: 17.8 MB, at 9.16 GB/s 1.95 ms. Tile: 2048 tiles of 128 beats of 4.25: 1.11 ms.
    assert run(TINY, (LARGE,), Step(1, 1, 0)).latency_s == approx(4096 * 4096 * BYTES / STREAM * NS)
    # At 91.6 GB/s 0.195 ms. A beat is half a word of 128 B, but takes a cycle, and a 32nd for scales: 0.270 ms, the
    # tile is too small for this memory.
    assert run(FAST, (LARGE,), Step(1, 1, 0)).latency_s == approx((2048 * 128 * 33 / 32 + 1 + 14) * NS)
    # With 4 rows a beat is a word: 0.139 ms, and the memory is the bound again.
    wide = run(replace(FAST, rows=4), (LARGE,), Step(1, 1, 0))
    assert wide.latency_s == approx(4096 * 4096 * BYTES / (10 * STREAM) * NS)
    assert wide.operators[0].bound == "memory"


def test_a_fifo_shallower_than_the_latency_starves_the_stream() -> None:
    # 576 B are 36 words, 4 of them the cache queue's: 32 and one that is asked for, 528 B, are on their way in the 110
    # cycles of an answer and 5 more. They come in 57.6 cycles, so that of the 8.4 % of refreshes, every 3906 cycles,
    # the begin of some is not seen: those in the other 57.4.
    shallow = run(replace(TINY, fifo_bytes=576), (LARGE,), Step(1, 1, 0))
    assert shallow.operators[0].memory_s == approx(4096 * 4096 * BYTES / starved(528) * NS)


def starved(held_bytes: float) -> float:
    """Bytes a cycle of TINY where so many are on their way."""
    idle, interval = 115 - held_bytes / STREAM, 4166.5 * 0.9375
    return held_bytes / 115 * (1 - (1 - STREAM / 10 - idle**2 / (2 * 115 * interval)))


# A layer's norm of 64 elements, 16 words of 4 lanes. Gamma is copied, a word a cycle: 1 + 15 + 8 + 1 = 25.
# Squares summed, a word in two cycles: 1 + 2 x 15 + 8, 28 to halve the sums, 7 for mean and epsilon, 4 for the
# root, 1: 79. Times 1 / rms: 25. Times gamma, from two places, into the buffer: 1 + 2 x 15 + 9 + 1 + 9 = 50. Two
# cycles each to decode and to issue: 187.
EMBEDDING, NORM = Lookup("embedding", 100, 64, True), Vector("norm", 3 * 64, 3)
NORM_CYCLES = 25 + 79 + 25 + 50 + 4 * 2


def test_vector_work_before_a_gemm_is_waited_for() -> None:
    op = run(TINY, (EMBEDDING, NORM, GEMV), Step(1, 1, 0)).operators[-1]
    assert op.vector_s == approx(3 * NORM_CYCLES * NS)
    assert op.latency_s == approx(3 * (NORM_CYCLES + 40.5) * NS)


def test_weights_stream_into_the_fifo_during_vector_work() -> None:
    # 3584 B and a word at 9.16 a cycle are 391 cycles, of which 115 are on their way when the last word before is
    # taken: the memory never rests in the 187 of the norm.
    norm = replace(NORM, count=1)
    op = run(TINY, (EMBEDDING, norm, LARGE), Step(1, 1, 0)).operators[-1]
    assert op.latency_s == approx(4096 * 4096 * BYTES / STREAM * NS)
    # 1152 B are 72 words, 9 of them the cache queue's: 64 words with the one asked for, all on their way. They come, 64
    # cycles' worth of the tile, and the memory rests: for the norm, and for 15 cycles since the last word was taken.
    op = run(replace(TINY, fifo_bytes=1152), (EMBEDDING, norm, LARGE), Step(1, 1, 0)).operators[-1]
    rate = starved(1024)
    filled = 1024 / rate - 64
    assert op.latency_s == approx((4096 * 4096 * BYTES / rate + NORM_CYCLES + 15 - filled) * NS)


def test_an_embedding_row_is_fetched_and_copied() -> None:
    # Decode and one product: 2. 110 of latency, 5 through the queue, a rest, and a jump. Copied as gamma is:
    # 27. 8 registers and the like to begin with.
    alone = run(TINY, (EMBEDDING,), Step(1, 1, 0))
    assert alone.latency_s == approx((2 + 110 + 5 + REST + JUMP / STREAM + 27 + 8) * NS)
    assert alone.dram_bytes == 64 * 4


ATTENTION = Attention("attention", heads=2, kv_heads=1, key_dim=32, value_dim=32, count=1, cached=64)


def test_attention_by_hand() -> None:
    # 2 heads over 1 KV head of 32; 63 cached positions and the new one: 64, one granule of a 128 B port. One
    # column: each query passes over the cache.
    attention = run(FAST, (ATTENTION, GEMV), Step(1, 1, 63)).operators[0]
    # Keys, 64 x 32: 32 tiles of a beat of 33 / 32. Values, 32 x 64, without scales: 16 tiles of 2 beats. 1 + 15
    # each for the drain, the way, and the size that is the cache's. The first word comes 110 + 5 cycles, a rest and a
    # jump after it is asked for; quantizing the query hides 28 of that, and asking for scales and values 6.
    rate, resting = 10 * STREAM, 1 - STREAM / 10
    wait = 115 + REST + JUMP / rate - 28 - 6
    keys, values = 33 + 16 + wait, 32 + 16
    # Vectors of 64 scores, 16 words: values' scales 28, largest 78, exponential 47, sum 82, weights 53. Query 28;
    # times 1 / sum 19; fetches and registers 9 + 2.
    weighing = 28 + 78 + 47 + 82 + 53
    # Scales and 16 runs of values come while the scores are weighed; from the last key on a matrix takes 1 + 12 cycles.
    # Where the memory rests meanwhile, that much less than it had to spare is left of the rest.
    comes = (64 * 32 * BYTES + 17 * JUMP) / rate
    spare = weighing + keys - (wait + 64 * 32 * BYTES / rate) - comes * (1 - resting) - 13
    values += comes / INTERVAL * (resting * INTERVAL - spare - values)
    assert attention.compute_s == approx(2 * (keys + values) * NS)
    over_cache = weighing + 28 + 19 + 11
    # Stored: 11 + 8 for each pass; 8 words and 3 cycles of a group of keys. Values: 23 + 8 cycles until their first
    # write is asked for, and one more than that of 17 the first 13 take, each 128 B and a jump. A memory that rests
    # takes nothing; it may rest in the 61 cycles of the largest value. 3 registers.
    write = (128 + JUMP) / 100
    stored = (19 + 11 + 31 + 1 + 13 * write) / (1 - resting)
    stored += 61 * (resting * INTERVAL - 61 / 2) / INTERVAL + 61 + 3
    # 8 for the layer; a rest; the memory has 3 writes left, of whose time 5 cycles are gone.
    assert attention.vector_s == approx((2 * over_cache + stored + 8 + REST + 3 * write - 5) * NS)
    assert attention.latency_s == approx(attention.compute_s + attention.vector_s)
    # Each query reads 64 x 64 elements of 8 bits and the scales of 32.
    assert attention.dram_bytes == approx(2 * 64 * 64 * BYTES)


def test_what_attention_leaves_in_the_fifo_is_of_its_layer() -> None:
    # A small matrix after long attention leaves the FIFO full, 3600 B of which 115 cycles are on their way, to the next
    # matrix, which the memory bounds, but for the 15 cycles of its tail. Where other layers have it, nothing is known.
    out = Gemm("out", k=32, n=2, count=3, tensor="attention", shard="row")

    def each(*ops: object, count: int) -> float:
        phase = run(TINY, (*ops, replace(LARGE, count=count)), Step(1, 1, 4096))
        return phase.operators[-1].latency_s / count

    attention = replace(ATTENTION, count=3)
    assert each(attention, out, count=3) == approx(each(count=3) - (3600 / STREAM - 115 - 15) * NS, rel=1e-9)
    assert each(attention, out, count=2) == approx(each(count=2), rel=1e-9)
    assert each(attention, out, replace(GEMV, count=2), count=3) == approx(each(count=3), rel=1e-9)


def test_cores_share_the_features() -> None:
    # 5 features over 2 cores: 2.5 each, as many tiles of 2 as 4: 2 x 2 x 4.25 + 1 + 14 = 32. Before it a barrier
    # of 32.
    (op,) = run(replace(TINY, cores=2), (GEMV,), Step(1, 1, 0)).operators
    assert op.compute_s == approx(3 * 32 * NS)
    assert op.latency_s == approx(3 * (32 + 32) * NS)


def test_chips_beyond_the_kv_heads_share_a_cache() -> None:
    # 8 query heads over 2 KV heads on 8 chips: each reads one KV head, as three others do, for one query. On 2
    # chips for 4 queries, which 4 columns take in one pass, and which leave in 4 cycles.
    op = replace(ATTENTION, heads=8, kv_heads=2, cached=128)
    four = replace(FAST, columns=4)
    two, eight = (run(four, (op, GEMV), Step(1, 1, 63), chips).operators[0] for chips in (2, 8))
    assert eight.dram_bytes == approx(two.dram_bytes) == approx(64 * 64 * BYTES)
    # Drained: 32 tiles of keys and 16 of values 4 cycles apart, after a beat of 33 / 32 and two of one. The query
    # hides four columns' 32 + 3 x 8 - 4 = 52 cycles of waiting; two fetches 6. Weighing their scores hides a rest.
    wait = 115 + REST + JUMP / (10 * STREAM) - 6 - 52
    assert two.compute_s == approx((32 * 4 + 33 / 32 + 15 + wait + 16 * 4 + 2 + 15) * NS)
    alone = run(FAST, (replace(ATTENTION, heads=1), GEMV), Step(1, 1, 63)).operators[0]
    assert eight.compute_s == approx(alone.compute_s)


def test_experts_share_the_vector_work_of_all_tokens() -> None:
    # Two tokens to both of two experts, one column. Each expert: two passes over its weights of 40.5 cycles.
    # Before them the norm of two tokens, one after the other, once: a quarter of it before each of four passes.
    expert = replace(GEMV, tensor="expert", experts=2, active=2)
    op = run(TINY, (EMBEDDING, NORM, expert), Step(2, 1, 0)).operators[-1]
    assert op.compute_s == approx(3 * 4 * 40.5 * NS)
    assert op.vector_s == approx(3 * 2 * NORM_CYCLES * NS)


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
    # 3 x 200 INT8 multiply-adds of our own dot unit at N7, and 2.5 x for wires, clock tree and accumulators.
    phase = run(TINY, (GEMV,), Step(1, 1, 0))
    assert phase.energy_j["compute"] == approx(600 * 2.5 * mac_j(8))
    # 4.5 pJ/bit; into a FIFO of 4 KiB and out of it, 0.5 + 0.165 x 2 = 0.83 pJ a byte each.
    n_bytes = 600 * BYTES
    assert phase.energy_j["memory"] == approx(n_bytes * 36e-12)
    assert phase.energy_j["scratchpad"] == approx(n_bytes * 2 * 0.83e-12)
    assert phase.energy_j["decoder"] == approx(n_bytes * 2.5 * decode_j_per_byte())
    assert phase.dynamic_j == approx(sum(phase.energy_j.values()))


def test_area_by_hand() -> None:
    parts = area_mm2(TINY, NOMINAL, device=True)

    def cells(**parts: dict[str, float]) -> float:
        facts = table("silicon")
        return sum(facts.fact(p, term).value * n for p, terms in parts.items() for term, n in terms.items())

    # 2 dot units of 8 bits, 1 group of 1 column, 2 results a cycle; words of 16 B, 64 B of codes, 8 B of scales.
    matrix = cells(
        shell={"fixed": 1, "row_block": 2, "column_group": 1, "row_column": 2, "unit": 2},
        buffer={"fixed": 1, "column": 1, "group_of_eight": 1},
        decoder={"fixed": 1, "code_byte": 64, "scale_byte": 16, "port_byte": 16},
        drain={"fixed": 1, "conversion": 2, "row_column": 2}, argmax={"fixed": 1, "conversion": 2, "column": 1},
    ) + 2 * table("units").fact("int8", "area").value  # fmt: skip
    rest = cells(
        vector={"fixed": 1, "lane": 4, "port_byte": 16, "column": 1}, memory={"fixed": 1, "port_byte": 16},
        sequencer={"fixed": 1, "column": 1}, host={"fixed": 1}, counters={"fixed": 1},
    )  # fmt: skip
    assert (parts["tile"], parts["vector"]) == (approx(matrix / 0.6), approx(rest / 0.6))
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
