"""Parameters and cache a token of config.json files of families, beside what their model cards say."""

from __future__ import annotations

import pytest

from sartor.errors import InputError
from sartor.workload import sizes
from sartor.workload.model import Model
from sartor.workload.readers.fields import Fields
from sartor.workload.readers.hf_config import model

COMMON = dict(hidden_act="silu", max_position_embeddings=32768, torch_dtype="bfloat16", tie_word_embeddings=False)


def shape(layers: int, hidden: int, heads: int, kv_heads: int, width: int, vocabulary: int, **more: object) -> dict:
    return COMMON | dict(
        num_hidden_layers=layers, hidden_size=hidden, num_attention_heads=heads, num_key_value_heads=kv_heads,
        intermediate_size=width, vocab_size=vocabulary,
    ) | more  # fmt: skip


EXPERTS = dict(n_group=1, topk_group=1, moe_intermediate_size=1408)
LLAMA4 = dict(head_dim=128, intermediate_size_mlp=16384, num_experts_per_tok=1, attention_chunk_size=8192)
# name -> (config.json, billions of parameters and of active ones as its card says, bytes of cache a token in 16 bits)
PUBLISHED = {
    "phi-4": (shape(40, 5120, 40, 10, 17920, 100352, model_type="phi3"), 14.7, 14.7, 40 * 2 * 10 * 128 * 2),
    "exaone-3.5-7.8b": (
        COMMON | dict(model_type="exaone", num_layers=32, hidden_size=4096, num_attention_heads=32,
                      num_key_value_heads=8, intermediate_size=14336, vocab_size=102400, activation_function="silu"),
        7.82, 7.82, 32 * 2 * 8 * 128 * 2,
    ),
    "smollm3-3b": (
        shape(36, 2048, 16, 4, 11008, 128256, model_type="smollm3", tie_word_embeddings=True),
        3.08, 3.08, 36 * 2 * 4 * 128 * 2,
    ),
    "seed-oss-36b": (
        shape(64, 5120, 80, 8, 27648, 155136, model_type="seed_oss", head_dim=128, attention_bias=True),
        36.2, 36.2, 64 * 2 * 8 * 128 * 2,
    ),
    "olmo-2-32b": (shape(64, 5120, 40, 8, 27648, 100352, model_type="olmo2"), 32.2, 32.2, 64 * 2 * 8 * 128 * 2),
    "gemma-2-9b": (
        shape(42, 3584, 16, 8, 14336, 256000, model_type="gemma2", head_dim=256, tie_word_embeddings=True),
        9.24, 9.24, 42 * 2 * 8 * 256 * 2,
    ),
    "glm-4-32b": (
        shape(61, 6144, 48, 2, 23040, 151552, model_type="glm4", head_dim=128), 32.6, 32.6, 61 * 2 * 2 * 128 * 2,
    ),
    "glm-4.5-air": (
        shape(46, 4096, 96, 8, 10944, 151552, model_type="glm4_moe", head_dim=128, attention_bias=True,
              n_routed_experts=128, n_shared_experts=1, num_experts_per_tok=8, first_k_dense_replace=1, **EXPERTS),
        106, 13, 46 * 2 * 8 * 128 * 2,
    ),
    "deepseek-v2-lite": (
        shape(27, 2048, 16, 16, 10944, 102400, model_type="deepseek_v2", kv_lora_rank=512, q_lora_rank=None,
              qk_nope_head_dim=128, qk_rope_head_dim=64, v_head_dim=128, n_routed_experts=64, n_shared_experts=2,
              num_experts_per_tok=6, first_k_dense_replace=1, **EXPERTS),
        15.7, 2.66, 27 * 576 * 2,
    ),
    "llama-4-scout": (
        shape(48, 5120, 40, 8, 8192, 202048, model_type="llama4_text", num_local_experts=16, **LLAMA4),
        107.8, 17.2, 48 * 2 * 8 * 128 * 2,
    ),
    "llama-4-maverick": (
        shape(48, 5120, 40, 8, 8192, 202048, model_type="llama4_text", num_local_experts=128,
              interleave_moe_layer_step=2, **LLAMA4),
        400.7, 17.2, 48 * 2 * 8 * 128 * 2,
    ),
}  # fmt: skip


def made(name: str) -> Model:
    return model(Fields(PUBLISHED[name][0], "config.json"), name)


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_model_weighs_what_its_card_says(name: str) -> None:
    _, billions, active, cache = PUBLISHED[name]
    one = made(name)
    assert sizes.parameters(one) / 1e9 == pytest.approx(billions, rel=0.01)
    assert sizes.active_parameters(one) / 1e9 == pytest.approx(active, rel=0.06)
    assert sizes.cache_bytes_per_token(one) == cache


def test_chunks_of_llama_4_bound_the_cache_of_three_layers_in_four() -> None:
    one = made("llama-4-scout")
    kept = sizes.cache_bytes(one, "bf16", 65536) / (2 * 8 * 128 * 2)
    assert kept == 36 * 8192 + 12 * 65536
    assert "chunks" in one.note and "soft caps" not in one.note
    assert "soft caps" in model(Fields(PUBLISHED["gemma-2-9b"][0] | {"final_logit_softcapping": 30.0}, "c"), "g").note


@pytest.mark.parametrize(("name", "field"), [
    ("gemma-2-9b", "sliding_window"), ("llama-4-scout", "attention_chunk_size"),
])  # fmt: skip
def test_a_window_that_is_null_is_none(name: str, field: str) -> None:
    config = {at: value for at, value in PUBLISHED[name][0].items() if at != field}
    windows = [
        {layer.mixer.window for layer in model(Fields(config | said, "config.json"), name).layers}
        for said in ({}, {field: None})
    ]
    assert windows == [{4096 if "gemma" in name else 8192, None}, {None}]


def test_experts_are_only_where_the_file_says() -> None:
    scout, maverick = made("llama-4-scout"), made("llama-4-maverick")
    counts = [sum(layer.count for layer in one.layers if hasattr(layer.mlp, "experts")) for one in (scout, maverick)]
    assert counts == [48, 24]
    assert not hasattr(maverick.layers[0].mlp, "experts")  # every second layer


def test_dense_layers_come_first_as_a_list_of_kinds_says() -> None:
    config = shape(4, 512, 8, 8, 1024, 1000, model_type="exaone_moe", num_experts=8, num_experts_per_tok=2,
                   moe_intermediate_size=128, num_shared_experts=1)  # fmt: skip
    kinds = ["dense", "dense", "sparse", "sparse"]
    one = model(Fields(config | {"mlp_layer_types": kinds}, "config.json"), "exaone")
    sparse = [hasattr(layer.mlp, "experts") for layer in one.layers for _ in range(layer.count)]
    assert sparse == [False, False, True, True]
    with pytest.raises(InputError, match=r"mlp_layer_types.*has a dense layer behind one with experts"):
        model(Fields(config | {"mlp_layer_types": kinds[::-1]}, "config.json"), "exaone")


def test_marks_of_layers_without_rope_are_checked() -> None:
    config = PUBLISHED["smollm3-3b"][0]
    with pytest.raises(InputError, match=r"no_rope_layers = .* must be a list of 36 times 0 or 1"):
        model(Fields(config | {"no_rope_layers": [1, 2]}, "config.json"), "smollm3")
    some = model(Fields(config | {"no_rope_layers": [1] * 35 + [0]}, "config.json"), "smollm3")
    assert sum(layer.count for layer in some.layers if not layer.mixer.rope) == 1


@pytest.mark.parametrize(("outer", "inner", "name"), [
    ("llama4", "llama4_text", "llama-4-scout"), ("exaone4_5", "exaone4", None),
    ("hyperclovax_vision_v2", "hyperclovax", None), ("mistral3", "ministral3", None),
])  # fmt: skip
def test_of_models_that_see_images_the_text_part_is_read(outer: str, inner: str, name: str | None) -> None:
    text = PUBLISHED[name][0] if name else shape(32, 4096, 32, 8, 14336, 102400, model_type=inner)
    whole = model(Fields({"model_type": outer, "text_config": text}, "config.json"), "seeing")
    assert sizes.parameters(whole) == sizes.parameters(model(Fields(text, "config.json"), "text"))
    assert whole.note.startswith("text part only")


@pytest.mark.parametrize("listed", [[[1]], [48], "all", [True]])
def test_numbers_of_layers_with_experts_are_checked(listed: object) -> None:
    with pytest.raises(InputError, match=r"moe_layers = .* must be a list of numbers of the 48 layers"):
        model(Fields(PUBLISHED["llama-4-scout"][0] | {"moe_layers": listed}, "config.json"), "scout")
