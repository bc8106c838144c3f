"""Parameters and bytes: against what the publishers say, and by hand."""

import pytest
from pytest import approx

from sartor.errors import UnknownName
from sartor.workload import sizes
from sartor.workload.find import find_model

# name -> parameters; published by the checkpoint's safetensors index where all digits are given.
PARAMETERS = {
    "smollm2-135m": 134_515_008,
    "llama-3.2-1b": 1_235_814_400,
    "llama-2-7b": 6_738_415_616,
    "llama-3.1-8b": 8_030_261_248,
    "llama-3.1-70b": 70_553_706_496,
    "llama-3.1-405b": 405_853_388_800,
    "mistral-7b": 7_241_732_096,
    "qwen3-0.6b": 596_049_920,
    "qwen3-8b": 8_190_735_360,
    "qwen3-14b": 14_768_307_200,
    "qwen3-32b": 32_762_123_264,
    "qwen3-30b-a3b": 30_532_122_624,
    "qwen3-235b-a22b": 235_093_634_560,
    "mixtral-8x7b": 46_702_792_704,
    "deepseek-v3": 671_026_419_200,
    "minimax-m2.5": 228_689_764_864,
    "gpt-oss-20b": 20_914_757_184,
    "gpt-oss-120b": 116_829_156_672,
    "gemma-3-270m": 268_098_176,
    "gemma-3-1b": 999_885_952,
}
# name -> parameters that a token uses, as the model cards round them
ACTIVE = {
    "mixtral-8x7b": 12.9e9,
    "qwen3-30b-a3b": 3.3e9,
    "qwen3-235b-a22b": 22e9,
    "deepseek-v3": 37e9,
    "kimi-k2": 32e9,
    "glm-5": 40e9 + 154_880 * 6144,
    "nemotron-3-super-120b-a12b": 12.7e9,
    "nemotron-3-ultra-550b-a55b": 55e9,
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_published_parameters(name):
    assert sizes.parameters(find_model(name)) == PARAMETERS[name]


@pytest.mark.parametrize("name", ACTIVE)
def test_published_active_parameters(name):
    assert sizes.active_parameters(find_model(name)) == approx(ACTIVE[name], rel=0.03)


def test_active_parameters_of_gpt_oss_by_its_own_definition():
    # Its card counts the head but not the embedding: 5.13 billion (table 1 of the gpt-oss model card).
    model = find_model("gpt-oss-120b")
    assert sizes.active_parameters(model) - model.vocabulary * model.hidden == approx(5.13e9, rel=0.001)


def test_parameters_of_smollm2_by_hand():
    # Embedding 49,152 x 576 = 28,311,552. A layer: q and o 2 x 576 x 576, k and v 2 x 576 x 192, MLP
    # 3 x 576 x 1536, norms 2 x 576: 663,552 + 221,184 + 2,654,208 + 1152 = 3,540,096.
    # 30 layers and a last norm of 576.
    assert sizes.parameters(find_model("smollm2-135m")) == 28_311_552 + 30 * 3_540_096 + 576


def test_vectors_of_a_mamba_layer_by_hand():
    # Nemotron-H-8B: 10,240 channels convolved by 4 with a bias; A, D and time step for 128 heads; a norm of
    # 8192 inside and one of 4096 before.
    mamba = find_model("nemotron-h-8b").layers[0]
    assert sizes.layer_vector_elements(mamba, 4096) == 10_240 * 5 + 3 * 128 + 8192 + 4096


def test_vectors_of_a_delta_net_layer_by_hand():
    # Qwen3.5-27B: 10,240 channels convolved by 4; A and time step for 48 heads; a norm of 128; two of 5120.
    delta = find_model("qwen3.5-27b").layers[0]
    assert sizes.layer_vector_elements(delta, 5120) == 10_240 * 4 + 2 * 48 + 128 + 2 * 5120


def test_weight_bytes_of_smollm2():
    # 106,168,320 matrix elements at 5 bits, the tied table at 8.5, 61 norms of 576 in fp32.
    expected = 106_168_320 * 5 / 8 + 28_311_552 * 8.5 / 8 + 61 * 576 * 4
    assert sizes.weight_bytes(find_model("smollm2-135m-q4_1")) == expected
    assert sizes.weight_bytes(find_model("smollm2-135m")) == 2 * 134_515_008


def test_published_sizes_of_quantized_checkpoints():
    # gpt-oss-120b: "60.8 GiB" in its model card. DeepSeek-V3: 671 GB of FP8 with 16-bit table and head.
    assert sizes.weight_bytes(find_model("gpt-oss-120b")) == approx(60.8 * 2**30, rel=0.002)
    assert sizes.weight_bytes(find_model("deepseek-v3")) == approx(671e9 + 2 * 129_280 * 7168, rel=0.001)


def test_a_name_quantizes_matrices_and_a_mapping_what_it_names():
    model = find_model("qwen3-30b-a3b")
    one = sizes.tensor_formats(model, "int4-g128")
    assert (one["expert"], one["head"], one["embedding"], one["router"]) == (
        "int4-g128",
        "int4-g128",
        "bf16",
        "bf16",
    )
    two = sizes.tensor_formats(model, {"expert": "mxfp4"})
    assert (two["expert"], two["attention"]) == ("mxfp4", "bf16")


def test_a_tied_embedding_has_the_format_of_the_head():
    assert sizes.tensor_formats(find_model("llama-3.2-1b"), {"head": "q8_0"})["embedding"] == "q8_0"


def test_unknown_tensor_class_is_named():
    with pytest.raises(UnknownName, match="unknown tensor class 'atention': did you mean 'attention'"):
        sizes.weight_bytes(find_model("llama-3.2-1b"), {"atention": "int8"})


def test_cache_bytes():
    # Llama-3.1-8B: 65,536 elements in 16 bit. DeepSeek-V3: 576 x 61 in 16 bit.
    assert sizes.cache_bytes_per_token(find_model("llama-3.1-8b"), "bf16") == 131_072
    assert sizes.cache_bytes_per_token(find_model("deepseek-v3"), "bf16") == 576 * 61 * 2
    # Gemma-3-1B at 1000 tokens: 22 layers hold 512 of them, 4 hold all; 2 x 1 x 256 elements in 16 bit.
    assert sizes.cache_bytes(find_model("gemma-3-1b"), "bf16", 1000) == (22 * 512 + 4 * 1000) * 512 * 2


def test_int8_cache_has_a_scale_a_token():
    # 2 x 8 x 128 = 2048 elements share one 16-bit scale a layer: 2050 bytes instead of 4096.
    assert sizes.cache_bytes_per_token(find_model("llama-3.1-8b"), "int8") == 32 * 2050


def test_state_bytes():
    # Nemotron-H-8B: 24 layers, 8192 x 128 and 3 x 10,240 elements in fp32; Llama has none.
    assert sizes.state_bytes(find_model("nemotron-h-8b")) == 24 * (8192 * 128 + 3 * 10_240) * 4
    assert sizes.state_bytes(find_model("llama-3.1-8b")) == 0
