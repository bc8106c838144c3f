"""Counts that a reader can redo with a pencil."""

import pytest
from pytest import approx

from sartor.errors import UnknownName
from sartor.workload.derive import operators
from sartor.workload.find import find_model
from sartor.workload.operators import Attention
from sartor.workload.step import Step

PREFILL, DECODE = Step(1, 512, 0), Step(1, 1, 512)


def named(ops, name):
    (found,) = [op for op in ops.all if op.name == name and not getattr(op, "last_token_only", False)]
    return found


def test_llama_8b_shapes():
    ops = operators(find_model("llama-3.1-8b"), "decode")
    # 32 query and 2 x 8 key and value heads of 128: 4096 + 2048 = 6144. Gate and up: 2 x 14336.
    assert [(g.name, g.k, g.n, g.count) for g in ops.gemms] == [
        ("qkv", 4096, 6144, 32),
        ("out", 4096, 4096, 32),
        ("gate_up", 4096, 28672, 32),
        ("down", 14336, 4096, 32),
        ("head", 4096, 128256, 1),
    ]
    assert [g.shard for g in ops.gemms] == ["column", "row", "column", "row", "column"]


def test_llama_8b_decode_macs():
    # A layer: 4096 x (6144 + 4096 + 28672) + 14336 x 4096 = 218,103,808; 32 layers 6,979,321,856;
    # head 4096 x 128256 = 525,336,576. Scores and mix at 513 positions: 32 x 513 x 32 x 256 = 134,479,872.
    ops = operators(find_model("llama-3.1-8b"), "decode")
    assert ops.macs(DECODE) == 6_979_321_856 + 525_336_576 + 134_479_872


def test_llama_8b_prefill_attends_to_half_and_asks_the_head_once():
    # 512 tokens see 1 + ... + 512 = 131,328 positions, each 2 x 128 MACs in 32 heads and 32 layers.
    ops = operators(find_model("llama-3.1-8b"), "prefill")
    assert ops.macs(PREFILL) == 512 * 6_979_321_856 + 525_336_576 + 131_328 * 256 * 32 * 32


def test_cache_of_llama_8b():
    # 2 x 8 heads x 128 x 32 layers = 65,536 elements a token.
    (attention,) = operators(find_model("llama-3.1-8b"), "decode").attentions
    assert attention.cache_elements_written(DECODE) == 65_536
    assert attention.cache_elements_read(DECODE) == 512 * 65_536
    assert attention.cache_elements_held(100) == 100 * 65_536


def test_window_holds_and_attends_to_the_window_only():
    # gpt-oss: 18 of 36 layers see 128 tokens. At context 1000 a new token sees 128 of 1001 positions there.
    window, full = sorted(
        operators(find_model("gpt-oss-120b"), "decode").attentions, key=lambda a: a.window or 1e9
    )
    assert (window.window, window.count, full.window, full.count) == (128, 18, None, 18)
    assert window.attended(Step(1, 1, 1000)) == 128
    assert full.attended(Step(1, 1, 1000)) == 1001
    assert window.cache_elements_held(1000) == 128 * 2 * 8 * 64 * 18


def test_window_prefill():
    # A window of 4 over 6 tokens: 1 + 2 + 3 + 4 + 4 + 4 = 18 positions, 3 on average.
    attention = Attention("a", heads=1, kv_heads=1, key_dim=1, value_dim=1, count=1, cached=2, window=4)
    assert attention.attended(Step(1, 6, 0)) == 3


def test_mla_is_expanded_in_prefill_and_absorbed_in_decode():
    # DeepSeek-V3: 128 heads, latent 512 + 64 for RoPE, 128 + 64 a query head, 128 a value head, 61 layers.
    model = find_model("deepseek-v3")
    expanded, absorbed = operators(model, "prefill"), operators(model, "decode")
    assert named(expanded, "q_kv_down").n == 1536 + 576
    assert (named(expanded, "kv_up").k, named(expanded, "kv_up").n) == (512, 128 * (128 + 128))
    (plain,), (latent,) = expanded.attentions, absorbed.attentions
    assert (plain.kv_heads, plain.key_dim, plain.value_dim, plain.cached) == (128, 192, 128, 576)
    assert (latent.kv_heads, latent.key_dim, latent.value_dim, latent.cached) == (1, 576, 512, 576)
    # The same matrix, split by head: 128 x 128 x 512 for queries and 128 x 512 x 128 for values.
    split = named(absorbed, "q_absorb"), named(absorbed, "v_absorb")
    assert sum(g.weight_elements for g in split) == named(expanded, "kv_up").weight_elements
    assert [(g.experts, g.active, g.matrices(DECODE), g.rows(DECODE)) for g in split] == [
        (128, 128, 128, 1)
    ] * 2


def test_an_index_reads_every_key_and_chooses_what_is_attended_to():
    # GLM-5, 10,000 tokens in the cache: 128 elements of each are scored, 576 of 2048 are read; all 704 are kept.
    ops = operators(find_model("glm-5"), "decode")
    index, latent = ops.attentions
    step = Step(3, 1, 10_000)
    assert (index.heads, index.kv_heads, index.key_dim, index.count) == (32, 1, 128, 78)
    assert index.cache_elements_read(step) == 3 * 10_000 * 128 * 78
    assert latent.cache_elements_read(step) == 3 * 2048 * 576 * 78
    assert latent.attended(step) == 2048 and index.attended(step) == 10_001
    assert sum(a.cache_elements_held(10_000) for a in ops.attentions) == 10_000 * (128 + 576) * 78
    # A norm of 128, and of 33 vectors 2 x 64 rotated and 2 x 128 quantized; 33 operations a position.
    (vector,) = (v for v in ops.vectors if v.name == "index")
    assert (vector.per_token, vector.per_position) == (3 * 128 + 33 * (2 * 64 + 2 * 128), 33)
    # Short contexts are attended to whole.
    assert latent.attended(Step(3, 1, 1000)) == 1001 and latent.cache_elements_read(Step(1, 1, 1000)) == 1000 * 576 * 78


def test_mla_prefill_expands_what_is_cached_too():
    # A second chunk of 100 tokens after 300: the latents of all 400 become keys and values.
    up = named(operators(find_model("deepseek-v3"), "prefill"), "kv_up")
    assert up.rows(Step(1, 100, 300)) == 400
    assert up.rows(Step(2, 100, 0)) == 200


def test_experts_of_qwen3_30b():
    # 128 experts of 768, 8 a token. One token touches 8; many touch all: 128 (1 - (1 - 8/128)^rows).
    up = named(operators(find_model("qwen3-30b-a3b"), "decode"), "expert_gate_up")
    assert (up.k, up.n, up.count, up.experts, up.active) == (2048, 1536, 48, 128, 8)
    assert up.matrices(DECODE) == approx(8)
    assert up.matrices(Step(16, 1, 512)) == approx(128 * (1 - (1 - 1 / 16) ** 16))
    assert up.macs(DECODE) == 8 * 2048 * 1536 * 48
    assert up.rows(Step(64, 1, 0)) == 4


def test_shared_expert_and_latent_experts():
    ops = operators(find_model("nemotron-3-super-120b-a12b"), "decode")
    assert (named(ops, "latent_down").k, named(ops, "latent_down").n) == (4096, 1024)
    assert named(ops, "expert_up").k == named(ops, "expert_down").n == 1024
    assert named(ops, "shared_up").k == 4096


def test_mamba_of_nemotron_8b():
    # 128 heads of 64 = 8192 channels; B and C: 8 groups of 128 each, so 10,240 convolved by 4;
    # projection 8192 + 10,240 + 128. A token: 3 x 8192 x 128 for the state, 8192 for D, 40,960 to convolve.
    ops = operators(find_model("nemotron-h-8b"), "decode")
    assert named(ops, "ssm_in").n == 8192 + 10_240 + 128
    (recurrence,) = ops.recurrences
    assert recurrence.macs_per_token == 3 * 8192 * 128 + 8192 + 40_960
    assert recurrence.state_elements(2) == 2 * 24 * (8192 * 128 + 3 * 10_240)


def test_delta_net_of_qwen35_27b():
    # 16 key and 48 value heads of 128: q, k, v = 2 x 2048 + 6144 = 10,240 convolved; z 6144; beta, alpha 96.
    ops = operators(find_model("qwen3.5-27b"), "decode")
    assert named(ops, "delta_in").n == 10_240 + 6144 + 96
    (recurrence,) = ops.recurrences
    assert recurrence.macs_per_token == 4 * 48 * 128 * 128 + 4 * 10_240


def test_vector_operations_of_smollm2():
    # A layer of 576: norms 3 x 2 x 576; residuals 2 x 576; rope 2 x 12 heads x 64; softmax 9 heads x 64 to
    # divide and 4 x 9 a position; SwiGLU 5 x 1536; into GEMMs come 3 x 576 and 1536, 2 operations each.
    ops = operators(find_model("smollm2-135m"), "decode")
    expected = dict(
        norm=3456, residual=1152, rope=1536, softmax=576, activation=7680, quantize=2 * (3 * 576 + 1536)
    )
    assert {v.name: v.per_token for v in ops.vectors if not v.last_token_only} == expected
    assert named(ops, "softmax").per_position == 36
    # At context 512 of a batch of 2: 2 x 30 x (sum + 36 x 513) and the head: 3 x 576 + 2 x 576 + 49,152 each.
    total = 2 * 30 * (sum(expected.values()) + 36 * 513) + 2 * (5 * 576 + 49_152)
    assert sum(v.lane_ops(Step(2, 1, 512)) for v in ops.vectors) == total


def test_experts_quantize_their_input_once():
    # Qwen3-30B: into qkv 2048, out 4096, router and experts share 2048, 8 experts' down 8 x 768; 2 each.
    quantize = named(operators(find_model("qwen3-30b-a3b"), "decode"), "quantize")
    assert quantize.per_token == 2 * (2048 + 4096 + 2048 + 8 * 768)


def test_embedding_is_a_lookup():
    tied, untied = (operators(find_model(n), "decode").lookups[0] for n in ("smollm2-135m", "llama-3.1-8b"))
    assert tied.elements_read(Step(4, 2, 0)) == 8 * 576
    assert (tied.weight_elements, untied.weight_elements) == (0, 128_256 * 4096)


def test_equal_layers_are_merged():
    # Gemma's window and full layers have the same matrices: one entry each, 26 times.
    ops = operators(find_model("gemma-3-1b"), "decode")
    assert {g.count for g in ops.gemms if g.name != "head"} == {26}
    assert len(ops.attentions) == 2


def test_unknown_phase():
    with pytest.raises(UnknownName, match="unknown phase 'prefil': did you mean 'prefill'"):
        operators(find_model("smollm2-135m"), "prefil")
