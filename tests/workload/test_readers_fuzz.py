"""12,000 mutated files: a reader gives a model or an error of ours, never a traceback."""

import copy
import json
import random

import pytest
from gguf_samples import gguf, metadata, tensors
from test_gguf import ARCHITECTURES
from test_hf_config import GEMMA, LLAMA, NEMOTRON, QWEN2
from test_safetensors import file_bytes, shapes

from sartor.errors import SartorError
from sartor.workload import model_toml, sizes
from sartor.workload.find import bundled
from sartor.workload.readers import gguf_header, gguf_model, hf_config, safetensors_index

ODD = [
    None, True, False, 0, -1, 1, 2, 3, 7, 2**31, 2**31 + 1, 2**63, 2**64, 10**400, 0.5, 4096.0, -0.0,
    float("nan"), float("inf"), "", "8", "full_attention", "é\ud800", [], [1], [None], [[]], {}, {"a": 1},
    ["x"] * 32, "M*-E",
]  # fmt: skip
MOE = dict(num_experts=8, num_local_experts=8, num_experts_per_tok=2, moe_intermediate_size=64)
CONFIGS = [
    LLAMA | dict(quantization_config=dict(quant_method="fp8", ignore=["model.layers.3.mlp"])),
    LLAMA | dict(quantization_config=dict(quant_method="gptq", bits=4, group_size=128)),
    QWEN2 | dict(layer_types=["full_attention"] * 16 + ["sliding_attention"] * 16),
    LLAMA | MOE | dict(model_type="qwen3_moe", decoder_sparse_step=2, mlp_only_layers=[1]),
    LLAMA | MOE | dict(model_type="qwen2_moe", shared_expert_intermediate_size=64),
    LLAMA | MOE | dict(model_type="mixtral"),
    LLAMA | MOE | dict(model_type="gpt_oss", sliding_window=128),
    LLAMA | dict(
        model_type="deepseek_v3", q_lora_rank=8, kv_lora_rank=8, qk_nope_head_dim=8, qk_rope_head_dim=8,
        v_head_dim=8, n_routed_experts=8, num_experts_per_tok=2, moe_intermediate_size=8,
        n_shared_experts=1, first_k_dense_replace=3, num_nextn_predict_layers=1,
    ),
    LLAMA | dict(
        model_type="glm_moe_dsa", q_lora_rank=8, kv_lora_rank=8, qk_nope_head_dim=8, qk_rope_head_dim=8,
        v_head_dim=8, n_routed_experts=8, num_experts_per_tok=2, moe_intermediate_size=8, index_n_heads=2,
        index_head_dim=8, index_topk=16, first_k_dense_replace=3, indexer_types=["full", "shared"] * 16,
    ),
    LLAMA | MOE | dict(model_type="minimax_m2"),
    dict(model_type="gemma3", text_config=GEMMA | dict(model_type="gemma3_text")),
    LLAMA | dict(model_type="exaone4", sliding_window=8, sliding_window_pattern="LLLG"),
    LLAMA | dict(model_type="hyperclovax", use_post_norm=True),
    NEMOTRON,
    NEMOTRON | dict(hybrid_override_pattern="MEM*", n_routed_experts=8, num_experts_per_tok=2,
                    moe_intermediate_size=8, n_shared_experts=1, moe_shared_expert_intermediate_size=8),
    LLAMA | dict(model_type="mamba2", num_heads=128, head_dim=64, n_groups=8, state_size=8, conv_kernel=4),
    LLAMA | MOE | dict(
        model_type="qwen3_next", linear_num_key_heads=4, linear_num_value_heads=8, linear_key_head_dim=8,
        linear_value_head_dim=8, linear_conv_kernel_dim=4, shared_expert_intermediate_size=64,
    ),
]  # fmt: skip


def damage(data: bytes, rng: random.Random) -> bytes:
    """`data` cut, or with some bytes changed, inserted, removed or repeated."""
    data = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data)) if data else 0
        what = rng.randrange(6)
        if what == 0:
            del data[at:]
        elif what == 1:
            data[at : at + 1] = rng.randbytes(1)
        elif what == 2:
            data[at:at] = rng.randbytes(rng.randint(1, 9))
        elif what == 3:
            del data[at : at + rng.randint(1, 9)]
        elif what == 4:
            data[at : at + 8] = rng.choice([b"\xff" * 8, bytes(8), (2**62).to_bytes(8, "little")])
        else:
            data[at:at] = data[at : at + 40]
    return bytes(data)


def odd_config(config: dict, rng: random.Random) -> dict:
    """`config` with some fields absent or odd."""
    config = json.loads(json.dumps(config))
    for _ in range(rng.randint(1, 3)):
        place = config
        nested = [v for v in config.values() if isinstance(v, dict) and v]
        if nested and rng.random() < 0.5:
            place = rng.choice(nested)
        key = rng.choice(list(place))
        if rng.random() < 0.2:
            del place[key]
        elif isinstance(place[key], list) and place[key] and rng.random() < 0.5:
            place[key][rng.randrange(len(place[key]))] = copy.deepcopy(rng.choice(ODD))
        else:
            place[key] = copy.deepcopy(rng.choice(ODD))
        if not config:
            break
    return config


def survives(read, data) -> bool:
    """Whether `data` was read; what was read must have sizes."""
    try:
        model = read(data)
    except SartorError as error:
        assert str(error)
        return False
    if model is not None:
        assert sizes.parameters(model) > 0
        assert model_toml.loads(model_toml.dumps(model)) == model
    return True


def run(read, make, count, seed):
    rng = random.Random(seed)
    found = [survives(read, make(rng)) for _ in range(count)]
    # A mutation that never or always hurts tests nothing.
    assert 0 < sum(found) < count


def read_config(data):
    return hf_config.parse(data, "config.json", "m")


@pytest.mark.parametrize("i", range(len(CONFIGS)))
def test_configs_are_readable_as_they_are(i):
    assert survives(read_config, json.dumps(CONFIGS[i]).encode())


def test_odd_fields():
    run(read_config, lambda rng: json.dumps(odd_config(rng.choice(CONFIGS), rng)).encode(), 5500, seed=1)


def test_damaged_json():
    run(read_config, lambda rng: damage(json.dumps(rng.choice(CONFIGS)).encode(), rng), 1500, seed=2)


def test_damaged_gguf():
    samples = [gguf(meta, infos) for meta, infos in ARCHITECTURES.values()]
    ends = [sample.rindex(b"norm.weight") + 60 for sample in samples]

    def make(rng):
        i = rng.randrange(len(samples))
        return damage(samples[i][: ends[i]], rng) + samples[i][ends[i] :]

    run(lambda data: gguf_model.model(gguf_header.parse(data, "m.gguf"), "m.gguf"), make, 2500, seed=3)


def test_odd_gguf_metadata():
    def make(rng):
        meta = metadata("llama")
        key = rng.choice(list(meta))
        meta[key] = rng.choice(["", "llama", [], 0, 1, 3, 2**31, 2**32 - 1])
        return gguf(meta, tensors())

    run(lambda data: gguf_model.model(gguf_header.parse(data, "m.gguf"), "m.gguf"), make, 500, seed=4)


def test_damaged_safetensors():
    data = file_bytes(shapes())
    end = 8 + int.from_bytes(data[:8], "little")

    def read(damaged):
        safetensors_index.parse(damaged, "m.safetensors")

    run(read, lambda rng: damage(data[:end], rng) + data[end:], 1000, seed=5)


def test_damaged_toml():
    text = model_toml.dumps(bundled("deepseek-v3")).encode()

    def read(damaged):
        return model_toml.loads(damaged.decode(errors="replace"))

    run(read, lambda rng: damage(text, rng), 1000, seed=6)
