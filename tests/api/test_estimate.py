"""What `sartor estimate` refuses before it estimates, and what it says of a chip that `build` would refuse."""

from dataclasses import replace

import pytest

from sartor.api.compare import compare
from sartor.api.cost import cost
from sartor.api.estimate import estimate
from sartor.chip.spec import Chip, Memory, Tile
from sartor.cli import answers
from sartor.errors import InputError
from sartor.families.tensor.sizing import core_of

MIX = {"attn_qkv": "int8-g32", "embedding": "int8-g32"}
TILE = Tile(8, 32, 1, 32, "int4-g32", kv="int8-g32", mix=MIX)
# 30 layers of 576 x 960 (queries, keys, values), 576 x 576, 2 x 576 x 1536, 1536 x 576; head 49152 x 576; 61 norms.
ELSE_BITS = 30 * (576 * 576 + 3 * 576 * 1536) * 4.5 + 61 * 576 * 16
MIXED_BYTES = (30 * 576 * 960 * 8.5 + 49152 * 576 * 8.5 + ELSE_BITS) / 8
CACHE_BYTES = 30 * 2 * 3 * 64 * 8.5 / 8  # of one token: keys and values of 3 heads of 64
PLAIN_BYTES = (30 * 576 * 960 * 4.5 + 49152 * 576 * 4.5 + ELSE_BITS) / 8


def chip(n_bytes: float, tile: Tile = TILE) -> Chip:
    return Chip("mixed", "tensor", "N7", 450e6, Memory("lpddr4x", 1, n_bytes, 12e9), tile=tile)


def test_every_part_of_a_mix_needs_its_room() -> None:
    assert estimate(chip(MIXED_BYTES + CACHE_BYTES), "smollm2-135m", context=1)["latency_s"] > 0
    for n_bytes in (PLAIN_BYTES, MIXED_BYTES - 1):  # what the FFN's format alone would fit into, too
        with pytest.raises(InputError, match=r"in int4-g32, int8-g32 takes .* MB on each.*too much by"):
            estimate(chip(n_bytes), "smollm2-135m")
    assert estimate(chip(PLAIN_BYTES + CACHE_BYTES, replace(TILE, mix={})), "smollm2-135m", context=1)["latency_s"] > 0


def test_what_the_checkpoint_fixes_is_counted_as_it_is() -> None:
    # Q8_0's head and norms in binary32, though the chip's weights have four bits.
    uniform = replace(TILE, weights="q4_1", mix={})
    needed = (30 * (576 * 960 + 576 * 576 + 3 * 576 * 1536) * 5 + 49152 * 576 * 8.5 + 61 * 576 * 32) / 8
    assert estimate(chip(needed + CACHE_BYTES, uniform), "smollm2-135m-q4_1", context=1)["latency_s"] > 0
    with pytest.raises(InputError, match="in q4_1 takes"):
        estimate(chip(needed - 1, uniform), "smollm2-135m-q4_1")


def test_the_cache_of_a_batch_needs_its_room_beside_the_weights() -> None:
    # Llama-3.1-8B: 16.06 GB of 80 in 16 bits; 2,048 tokens of 131,072 B: 268 MB a sequence, so 238 of them.
    assert estimate("h100-sxm", "llama-3.1-8b", batch=238)["latency_s"] > 0
    with pytest.raises(InputError, match=r"239 sequences of 2048 tokens keep 64.2 GB .* room for 238 .try --batch 238"):
        estimate("h100-sxm", "llama-3.1-8b", batch=239)
    assert estimate("h100-sxm", "llama-3.1-8b", batch=476, kv="fp8-e4m3")["latency_s"] > 0
    with pytest.raises(InputError, match="room for none"):
        estimate(chip(MIXED_BYTES + 100), "smollm2-135m", context=1)
    with pytest.raises(InputError, match="keep"):
        estimate("h100-sxm", "llama-3.1-8b", "prefill", batch=1000)


def test_a_window_and_chips_side_by_side_keep_less() -> None:
    # Gemma 3 27B: 10 of 62 layers see all; 32 heads on 2 chips hold half of the cache each.
    assert estimate("h100-sxm", "gemma-3-27b", batch=20, context=16384, tensor_parallel=2)["latency_s"] > 0
    with pytest.raises(InputError, match="keep"):
        estimate("h100-sxm", "gemma-3-27b", batch=20, context=131072, tensor_parallel=2)


def test_a_cache_in_few_bits_is_not_said_to_be_measured() -> None:
    plain, fewer = (estimate("h100-sxm", "llama-3.1-8b", kv=kv)["error"] for kv in ("bf16", "fp8-e4m3"))
    assert plain["scope"] == "models that were left out"
    assert fewer["scope"].startswith("no step with a cache in fp8-e4m3 was measured: ")
    assert fewer["latency"] > plain["latency"]


@pytest.mark.parametrize("volume", [0, -5, float("nan"), 1e300])
def test_a_volume_is_a_number_of_chips(volume) -> None:
    for asked in (lambda: cost("h100-sxm", volume), lambda: compare(["h100-sxm"], "smollm2-135m", volume=volume)):
        with pytest.raises(InputError, match=r"must be above 0 and at most 1e\+12"):
            asked()


def test_joules_of_a_chip_of_unknown_power_are_not_known(capsys) -> None:
    found = estimate("tpu-v6e", "smollm2-135m")
    assert found["energy_j"] is None and found["breakdown"]["energy_j"]["static"] is None
    answers.estimate(found, json=False)
    assert "energy not known" in capsys.readouterr().out
    assert estimate("h100-sxm", "smollm2-135m")["energy_j"] > 0


@pytest.mark.parametrize(("how", "message"), [
    ({"kv": "int4-g32"}, "it takes a cache in int8-g32, not 'int4-g32' .leave --kv out"),
    ({"weights": "int8-g32"}, "it takes weights in int4-g32, not 'int8-g32' .leave --weights out"),
    ({"weights": ""}, "--weights: unknown number format ''"),
])  # fmt: skip
def test_a_generated_chip_takes_its_own_formats_alone(how, message) -> None:
    with pytest.raises(InputError, match=message):
        estimate(chip(1e9), "smollm2-135m", **how)


@pytest.mark.parametrize(("changes", "what"), [
    ({"weights": "nf4"}, "weights = 'nf4'"),
    ({"mix": {"ffn_down": "nf4"}}, "mix ffn_down = 'nf4'"),
    ({"kv": "int8"}, "kv = 'int8'"),
])  # fmt: skip
def test_a_chip_without_a_decoder_is_priced_and_said_to_be_refused(changes, what) -> None:
    one = chip(1e9, replace(TILE, **changes))
    found = estimate(one, "smollm2-135m")
    assert found["latency_s"] > 0
    assert found["note"].startswith(f"priced, but not generated: mixed: [tile] {what} has no decoder in hardware (try ")
    with pytest.raises(InputError) as refused:
        core_of(one)
    assert found["note"].endswith(str(refused.value))
    assert cost(one)["note"] == found["note"]
    assert [row["note"] for row in compare([one, "l4"], "smollm2-135m")] == [found["note"], None]


def test_a_chip_with_nothing_but_what_it_has_to_say_can_be_generated() -> None:
    one = chip(1e9, Tile(rows=8, lanes=32, columns=4, vector_lanes=16, weights="int4-g32"))
    assert core_of(one).cache_bits == 8 and cost(one)["note"] is None


def test_of_other_chips_there_is_nothing_to_say() -> None:
    assert core_of(chip(1e9)) and estimate(chip(1e9), "smollm2-135m")["note"] is None
    assert estimate("h100-sxm", "smollm2-135m")["note"] is None  # none to be built
