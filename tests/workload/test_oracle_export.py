"""Oracle: the same model built by transformers on the meta device and exported by torch must agree.

Parameters exactly; for each (inputs of a GEMM, vectors through it) the sum of its outputs, so that fused and
separate projections compare; MACs of attention with all T x T scores, as the eager attention computes them.
"""

import math
from collections import Counter

import pytest

from sartor.workload import sizes
from sartor.workload.derive import operators
from sartor.workload.model import LinearAttention, StateSpace
from sartor.workload.readers.fields import Fields
from sartor.workload.readers.hf_config import model as read_fields
from sartor.workload.step import Step

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

BATCH, TOKENS = 2, 16
DENSE = dict(
    hidden_size=128, intermediate_size=352, num_hidden_layers=3, num_attention_heads=8, num_key_value_heads=2,
    vocab_size=512, max_position_embeddings=256, torch_dtype="bfloat16", tie_word_embeddings=False,
)  # fmt: skip
MOE = dict(
    num_experts=8, num_experts_per_tok=2, moe_intermediate_size=96, shared_expert_intermediate_size=160
)
MLA = dict(
    q_lora_rank=48, kv_lora_rank=32, qk_nope_head_dim=16, qk_rope_head_dim=8, v_head_dim=24,
    n_routed_experts=8, num_experts_per_tok=2, moe_intermediate_size=96, n_shared_experts=2,
    first_k_dense_replace=1, n_group=1, topk_group=1, num_key_value_heads=8,
)  # fmt: skip
GLM_MOE = dict(
    n_routed_experts=8, num_experts_per_tok=2, moe_intermediate_size=96, n_shared_experts=1, first_k_dense_replace=1,
    n_group=1, topk_group=1,
)  # fmt: skip
INDEX = dict(index_n_heads=4, index_head_dim=16, index_topk=TOKENS)
MAMBA = dict(mamba_num_heads=16, mamba_head_dim=16, n_groups=2, ssm_state_size=32, conv_kernel=4, head_dim=16)
NEMOTRON_MOE = dict(
    n_routed_experts=8, num_experts_per_tok=2, moe_intermediate_size=96, n_shared_experts=1,
    moe_shared_expert_intermediate_size=160,
)  # fmt: skip
DELTA = dict(
    linear_num_key_heads=4, linear_num_value_heads=8, linear_key_head_dim=16, linear_value_head_dim=24,
    linear_conv_kernel_dim=4, num_hidden_layers=4, head_dim=32,
)  # fmt: skip
SOME_FULL = ["sliding_attention", "full_attention", "sliding_attention"]

CONFIGS = {
    "llama": dict(model_type="llama"),
    "llama-biased-tied": dict(
        model_type="llama", attention_bias=True, mlp_bias=True, tie_word_embeddings=True,
    ),
    "mistral": dict(model_type="mistral", sliding_window=8),
    "qwen2": dict(model_type="qwen2"),
    "qwen3": dict(model_type="qwen3", head_dim=32),
    "qwen3_moe": dict(model_type="qwen3_moe", head_dim=32, decoder_sparse_step=2, **MOE),
    "qwen2_moe": dict(model_type="qwen2_moe", qkv_bias=True, mlp_only_layers=[1], **MOE),
    "mixtral": dict(model_type="mixtral", num_local_experts=8, num_experts_per_tok=2),
    "deepseek_v3": dict(model_type="deepseek_v3", **MLA),
    "deepseek_v3-no-q-rank": dict(model_type="deepseek_v3", **(MLA | dict(q_lora_rank=None))),
    "deepseek_v32": dict(model_type="deepseek_v32", **MLA, **INDEX),
    "glm_moe_dsa": dict(model_type="glm_moe_dsa", **MLA, **INDEX),
    "glm_moe_dsa-shared": dict(
        model_type="glm_moe_dsa", **MLA, **INDEX, indexer_types=["full", "shared", "shared"],
    ),
    "minimax_m2": dict(model_type="minimax_m2", num_local_experts=8, num_experts_per_tok=2, head_dim=32),
    "gpt_oss": dict(
        model_type="gpt_oss", num_local_experts=8, num_experts_per_tok=2, head_dim=16, sliding_window=8,
        layer_types=SOME_FULL, attention_bias=True,
    ),
    "gemma3_text": dict(model_type="gemma3_text", head_dim=32, sliding_window=8, layer_types=SOME_FULL),
    "phi3": dict(model_type="phi3", sliding_window=8, pad_token_id=0),
    "exaone": dict(model_type="exaone"),
    "smollm3": dict(model_type="smollm3", attention_bias=True, tie_word_embeddings=True, pad_token_id=0),
    "seed_oss": dict(model_type="seed_oss", head_dim=32, attention_bias=True),
    "olmo2": dict(model_type="olmo2", pad_token_id=0),
    "olmo3": dict(model_type="olmo3", sliding_window=8, layer_types=SOME_FULL, pad_token_id=0),
    "glm4": dict(model_type="glm4", head_dim=32, attention_bias=True, pad_token_id=0),
    "gemma2": dict(model_type="gemma2", head_dim=32, sliding_window=8),
    "granite": dict(model_type="granite", mlp_bias=True),
    "ministral3": dict(model_type="ministral3", head_dim=32, sliding_window=None),
    "glm4_moe": dict(model_type="glm4_moe", head_dim=32, attention_bias=True, use_qk_norm=True, **GLM_MOE),
    "solar_open": dict(model_type="solar_open", head_dim=32, **GLM_MOE),
    "exaone_moe": dict(
        model_type="exaone_moe", sliding_window=8, sliding_window_pattern=2, layer_types=SOME_FULL,
        first_k_dense_replace=1, num_shared_experts=1, head_dim=16, **MOE,
    ),
    "llama4_text": dict(
        model_type="llama4_text", num_local_experts=8, num_experts_per_tok=1, intermediate_size_mlp=416, head_dim=16,
        interleave_moe_layer_step=2, attention_chunk_size=8,
    ),
    "deepseek_v2": dict(model_type="deepseek_v2", **MLA),
    "deepseek_v2-no-q-rank": dict(model_type="deepseek_v2", **(MLA | dict(q_lora_rank=None))),
    "exaone4": dict(model_type="exaone4", sliding_window=8, sliding_window_pattern=2, layer_types=SOME_FULL),
    "hyperclovax": dict(model_type="hyperclovax", use_post_norm=True, attention_bias=True),
    "nemotron_h": dict(
        model_type="nemotron_h", num_hidden_layers=4, hybrid_override_pattern="M-*E", **MAMBA, **NEMOTRON_MOE,
    ),
    "nemotron_h-latent": dict(
        model_type="nemotron_h", num_hidden_layers=4, hybrid_override_pattern="ME*E", moe_latent_size=64,
        **MAMBA, **NEMOTRON_MOE,
    ),
    "mamba2": dict(
        model_type="mamba2", num_heads=16, head_dim=16, n_groups=2, state_size=32, conv_kernel=4, expand=2,
    ),
    "qwen3_next": dict(model_type="qwen3_next", **DELTA, **MOE),
    "qwen3_5_text": dict(model_type="qwen3_5_text", **DELTA),
    "qwen3_5_moe_text": dict(model_type="qwen3_5_moe_text", **DELTA, **MOE),
}  # fmt: skip


def exported(config):
    """(parameters, exported graph) of transformers' own model."""
    # Imported here: both take seconds, which the fast tests need not wait for.
    torch = pytest.importorskip("torch", reason="pip install 'sartor[oracle]'")
    transformers = pytest.importorskip("transformers", reason="pip install 'sartor[oracle]'")
    made = transformers.CONFIG_MAPPING[config["model_type"]].from_dict(dict(config))
    made._attn_implementation = "eager"
    made._experts_implementation = "grouped_mm"
    with torch.device("meta"):
        try:
            model = transformers.AutoModelForCausalLM.from_config(made, dtype=torch.bfloat16).eval()
        except ValueError:  # a family without experts
            made._experts_implementation = None
            model = transformers.AutoModelForCausalLM.from_config(made, dtype=torch.bfloat16).eval()
    ids = torch.zeros(BATCH, TOKENS, dtype=torch.long, device="meta")
    whole = torch.export.export(model, (ids,), {"use_cache": False}, strict=False).graph_module
    # What runs without gradients, such as an index, is a graph within.
    graphs = [part.graph for part in whole.modules() if hasattr(part, "graph")]
    learned = [p.numel() for p in model.parameters()]
    # The router's correction is learned too, though transformers keeps it as a buffer.
    learned += [b.numel() for name, b in model.named_buffers() if name.endswith("e_score_correction_bias")]
    return sum(learned), [n for graph in graphs for n in graph.nodes if n.op == "call_function"]


def shape(node):
    return tuple(node.meta["val"].shape)


def graph_gemms(nodes):
    """(inputs, vectors) -> outputs, over all matrices."""
    found = Counter()
    for n in nodes:
        if str(n.target) == "aten.linear.default":
            *rows, k = shape(n.args[0])
            found[k, math.prod(rows)] += shape(n)[-1]
        if str(n.target) == "aten._grouped_mm.default":
            rows, k = shape(n.args[0])
            found[k, rows] += shape(n)[-1]
    return found


def graph_attention_macs(nodes):
    """Scores and mixes: products of four-dimensional tensors."""
    products = [n for n in nodes if str(n.target) == "aten.matmul.default" and len(shape(n)) == 4]
    return sum(math.prod(shape(n)) * shape(n.args[0])[-1] for n in products if shape(n.args[0])[0] == BATCH)


def graph_convolution_macs(nodes):
    convolutions = [n for n in nodes if str(n.target) == "aten.conv1d.default"]
    return sum(BATCH * TOKENS * math.prod(shape(n.args[1])) for n in convolutions)


def our_gemms(ops, routed=True):
    found = Counter()
    for g in ops.gemms:
        if g.experts > 1 and not routed:
            continue
        found[g.k, BATCH * TOKENS * g.active] += g.n * g.count
    return found


def our_attention_macs(ops):
    """With the full square of scores."""
    each = (BATCH * TOKENS * TOKENS * a.heads * (a.key_dim + a.value_dim) * a.count for a in ops.attentions)
    return sum(each)


def our_convolution_macs(model):
    channels = 0
    for layer in model.layers:
        m = layer.mixer
        if isinstance(m, StateSpace):
            channels += layer.count * m.conv * (m.heads * m.head_dim + 2 * m.groups * m.state)
        if isinstance(m, LinearAttention):
            channels += layer.count * m.conv * (2 * m.key_heads * m.key_dim + m.value_heads * m.value_dim)
    return channels * BATCH * TOKENS


@pytest.mark.parametrize("name", CONFIGS)
def test_model_equals_exported_graph(name):
    config = DENSE | CONFIGS[name]
    model = read_fields(Fields(config, name), name)
    ops = operators(model, "prefill")
    parameters, nodes = exported(config)

    assert sizes.parameters(model) == parameters
    # Llama 4's experts in transformers are products over every expert and token, whichever was chosen.
    assert our_gemms(ops, routed=config["model_type"] != "llama4_text") == graph_gemms(nodes)
    if not any(isinstance(layer.mixer, LinearAttention) for layer in model.layers):
        # (The chunked form of DeltaNet in transformers uses matrix products of its own.)
        assert our_attention_macs(ops) == graph_attention_macs(nodes)
    assert our_convolution_macs(model) == graph_convolution_macs(nodes)


def test_causal_attention_is_half_the_square():
    # 16 tokens attend to 1 + 2 + ... + 16 = 136 positions; the square has 256.
    model = read_fields(Fields(DENSE | CONFIGS["llama"], "llama"), "llama")
    ops = operators(model, "prefill")
    ours = sum(a.macs(Step(BATCH, TOKENS, 0)) for a in ops.attentions)
    assert ours / our_attention_macs(ops) == 136 / 256
