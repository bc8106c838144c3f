"""config.json: what is read, what is refused, and how the refusal reads."""

import json
from importlib import util
from pathlib import Path

import pytest

from sartor.errors import BrokenFile, InputError, Unsupported
from sartor.workload import sizes
from sartor.workload.find import find_model
from sartor.workload.model import Experts, GroupedAttention, Layer
from sartor.workload.readers import hf_config

LLAMA = dict(
    model_type="llama",
    hidden_size=4096,
    intermediate_size=14336,
    num_hidden_layers=32,
    num_attention_heads=32,
    num_key_value_heads=8,
    vocab_size=128256,
    max_position_embeddings=131072,
    torch_dtype="bfloat16",
)
QWEN2 = LLAMA | dict(model_type="qwen2", sliding_window=4096, max_window_layers=28, use_sliding_window=True)
GEMMA = dict(hidden_size=2560, intermediate_size=10240, num_hidden_layers=34, sliding_window=1024)
NEMOTRON = LLAMA | dict(
    model_type="nemotron_h",
    num_hidden_layers=4,
    hybrid_override_pattern="M-M*",
    mamba_num_heads=8,
    mamba_head_dim=16,
    n_groups=2,
    ssm_state_size=32,
    conv_kernel=4,
    head_dim=128,
)


def parse(config, **quantization):
    return hf_config.parse(json.dumps(config).encode(), "config.json", "m", **quantization)


def windows(model):
    return [(layer.mixer.window, layer.count) for layer in model.layers]


def test_llama():
    model = parse(LLAMA)
    assert model.layers == find_model("llama-3.1-8b").layers
    assert (model.family, model.weights, model.tied, sizes.parameters(model)) == (
        "llama",
        "bf16",
        False,
        8030261248,
    )


def test_absent_key_value_heads_are_all_heads():
    # Llama-2's files may leave it out: multi-head attention.
    (layer,) = parse({k: v for k, v in LLAMA.items() if k != "num_key_value_heads"}).layers
    assert layer.mixer.kv_heads == 32


def test_qwen2_windows_start_late():
    assert windows(parse(QWEN2)) == [(None, 28), (4096, 4)]
    assert windows(parse(QWEN2 | dict(use_sliding_window=False))) == [(None, 32)]


def test_gemma3_text_part_and_its_defaults():
    # gemma-3-4b's file leaves heads, head_dim and vocabulary to the class: 8, 4, 256 and 262,208.
    model = parse(
        dict(model_type="gemma3", text_config=GEMMA | dict(model_type="gemma3_text"), vision_config={})
    )
    assert model.layers == find_model("gemma-3-4b").layers
    assert sizes.parameters(model) == 3_880_263_168
    assert model.note == "text part only"


def test_exaone_patterns():
    config = LLAMA | dict(model_type="exaone4", sliding_window=4096, num_hidden_layers=8)
    for pattern in ("LLLG", 4):
        model = parse(config | dict(sliding_window_pattern=pattern))
        assert windows(model) == [(4096, 6), (None, 2)]
        assert [layer.mixer.rope for layer in model.layers] == [True, False]
    assert windows(parse(config | dict(sliding_window=None))) == [(None, 8)]


def test_nemotron_pattern_and_list():
    model = parse(NEMOTRON)
    assert [(type(part.mixer).__name__, part.count) for part in model.layers] == [
        ("StateSpace", 2),
        ("NoneType", 1),
        ("GroupedAttention", 1),
    ]
    listed = {k: v for k, v in NEMOTRON.items() if k != "hybrid_override_pattern"}
    words = ["linear_attention", "mlp", "linear_attention", "full_attention"]
    assert parse(listed | dict(layers_block_type=words)).layers == model.layers


def test_mixture_on_some_layers():
    config = LLAMA | dict(
        model_type="qwen3_moe",
        num_experts=8,
        num_experts_per_tok=2,
        moe_intermediate_size=64,
        mlp_only_layers=[0],
    )
    model = parse(config)
    assert [(isinstance(layer.mlp, Experts), layer.count) for layer in model.layers] == [
        (False, 1),
        (True, 31),
    ]


def test_equal_layers_are_grouped():
    attention = GroupedAttention(1, 1, 1)
    assert hf_config.grouped([Layer(attention, None, 1)] * 3) == (Layer(attention, None, 3),)


def test_quantization():
    fp8 = dict(quantization_config=dict(quant_method="fp8"))
    assert parse(LLAMA | fp8).formats == dict(attention="fp8-e4m3", ffn="fp8-e4m3")
    gptq = dict(quantization_config=dict(quant_method="gptq", bits=4, group_size=128))
    assert parse(LLAMA | gptq).formats["ffn"] == "int4-g128"
    for more, name in (
        (dict(sym=False), "int4-g128-zp"), (dict(sym=True, group_size=64), "int4-g64"),
        (dict(quant_method="awq"), "int4-g128-zp"), (dict(quant_method="awq", zero_point=False), "int4-g128"),
        (dict(bits=8, group_size=32, sym=False), "int8-g32-asym"), (dict(bits=8, group_size=-1), "int8"),
    ):  # fmt: skip
        config = dict(quantization_config=gptq["quantization_config"] | more)
        assert parse(LLAMA | config).formats["ffn"] == name
    kept = dict(quant_method="mxfp4", modules_to_not_convert=["model.layers.*.self_attn", "lm_head"])
    assert parse(LLAMA | dict(quantization_config=kept)).formats == dict(ffn="mxfp4")


def scheme(**weights) -> dict:
    return dict(quant_method="compressed-tensors", config_groups=dict(group_0=dict(weights=weights)))


@pytest.mark.parametrize(("asked", "name"), [
    (scheme(num_bits=4, type="int", strategy="group", group_size=128, symmetric=True), "int4-g128"),
    (scheme(num_bits=4, type="int", strategy="group", group_size=32, symmetric=False), "int4-g32-zp"),
    (scheme(num_bits=8, type="int", strategy="channel", group_size=None, symmetric=True), "int8"),
    (scheme(num_bits=8, type="float", strategy="channel"), "fp8-e4m3"),
    (scheme(num_bits=8, type="float", strategy="tensor"), "fp8-e4m3-tensor"),
    (scheme(num_bits=8, type="float", strategy="block", block_structure=[128, 128]), "fp8-e4m3-b128"),
    (scheme(num_bits=4, type="float", strategy="tensor_group", group_size=16), "nvfp4"),
    (scheme(num_bits=4, type="float", strategy="group", group_size=32), "mxfp4"),
    (dict(quant_method="bitnet", linear_class="autobitlinear"), "ternary"),
    (dict(quant_method="awq", w_bit=4, q_group_size=64), "int4-g64-zp"),
])  # fmt: skip
def test_a_published_checkpoint_has_the_format_that_its_reader_finds(asked, name: str) -> None:
    assert parse(LLAMA | dict(quantization_config=asked)).formats == dict(attention=name, ffn=name)


def test_layers_that_are_not_quantized_are_said():
    ignored = [f"model.layers.{i}.self_attn*" for i in range(32)] + ["model.layers.0.mlp*"]
    config = LLAMA | dict(quantization_config=dict(quant_algo="NVFP4", ignore=ignored))
    assert parse(config).formats == dict(ffn="nvfp4")
    assert parse(config).note == "ffn of 1 layers is not quantized"


def test_quantization_beside_the_config(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(LLAMA))
    (tmp_path / "hf_quant_config.json").write_text(json.dumps(dict(quantization=dict(quant_algo="FP8"))))
    assert find_model(tmp_path).formats["attention"] == "fp8-e4m3"


REFUSED = {
    "an unknown family": (
        LLAMA | dict(model_type="rwkv"),
        Unsupported,
        "model_type = 'rwkv' is not modeled",
    ),
    "no family": ({}, BrokenFile, "config.json: missing field 'model_type'"),
    "a missing field": (
        {k: v for k, v in LLAMA.items() if k != "hidden_size"},
        BrokenFile,
        "config.json: missing field 'hidden_size'",
    ),
    "text for a number": (
        LLAMA | dict(hidden_size="4096"),
        InputError,
        "config.json: hidden_size = '4096' must be a whole number between 1 and 2147483648",
    ),
    "NaN": (LLAMA | dict(hidden_size=float("nan")), InputError, "hidden_size = nan must be a whole number"),
    "zero": (LLAMA | dict(vocab_size=0), InputError, "vocab_size = 0 must be between 1 and 2147483648"),
    "negative": (
        LLAMA | dict(num_key_value_heads=-8),
        InputError,
        "num_key_value_heads = -8 must be between",
    ),
    "too large": (
        LLAMA | dict(hidden_size=10**40),
        InputError,
        "hidden_size = a number of 133 bits must be between",
    ),
    "too many layers": (LLAMA | dict(num_hidden_layers=10**6), InputError, "must be between 1 and 65536"),
    "a flag for a number": (
        LLAMA | dict(vocab_size=True),
        InputError,
        "vocab_size = True must be a whole number",
    ),
    "heads that do not divide": (
        LLAMA | dict(num_key_value_heads=5),
        InputError,
        "num_key_value_heads = 5 does not divide num_attention_heads",
    ),
    "an odd head": (LLAMA | dict(num_attention_heads=48), InputError, "is not a multiple of 48 heads"),
    "another activation": (
        LLAMA | dict(hidden_act="gelu"),
        Unsupported,
        "hidden_act = 'gelu' is not modeled",
    ),
    "another dtype": (LLAMA | dict(torch_dtype="int3"), Unsupported, "torch_dtype = 'int3' is not modeled"),
    "a layer type": (
        QWEN2 | dict(layer_types=["chunked_attention"] * 32),
        Unsupported,
        "layer_types[0] = 'chunked_attention' is not modeled (known: full_attention, sliding_attention)",
    ),
    "too few layer types": (
        QWEN2 | dict(layer_types=[]),
        InputError,
        "must be a list of 32 entries, found a list of 0",
    ),
    "a letter": (
        NEMOTRON | dict(hybrid_override_pattern="MX-*"),
        Unsupported,
        "hybrid_override_pattern[1] = 'X' is not modeled",
    ),
    "a short pattern": (
        NEMOTRON | dict(hybrid_override_pattern="M"),
        InputError,
        "has 1 layers, but num_hidden_layers = 4",
    ),
    "more active than experts": (
        LLAMA | dict(model_type="mixtral", num_local_experts=8, num_experts_per_tok=9),
        InputError,
        "num_experts_per_tok = 9 must be between 1 and 8",
    ),
    "a quantization": (
        LLAMA | dict(quantization_config=dict(quant_method="exl9")),
        Unsupported,
        "quantization_config: quant_method = 'exl9' is not modeled (known: fp8, mxfp4, modelopt",
    ),
    "groups": (
        LLAMA | dict(quantization_config=dict(quant_method="awq", bits=4, group_size=16)),
        Unsupported,
        "4 bits in groups of 16 are not modeled",
    ),
    "floats in other groups": (
        LLAMA | dict(quantization_config=scheme(num_bits=4, type="float", strategy="group", group_size=16)),
        Unsupported,
        "weights: floats of 4 bits by group are not modeled (known: 8 bits by channel, ",
    ),
    "schemes that differ": (
        LLAMA | dict(quantization_config=dict(quant_method="compressed-tensors", config_groups={
            "a": dict(weights=dict(num_bits=4)), "b": dict(weights=dict(num_bits=8))})),
        Unsupported,
        "config_groups has 2 groups that differ: one scheme is modeled",
    ),
    "not an object": ([], BrokenFile, "config.json: expected an object with named fields, found []"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused(what):
    config, error, message = REFUSED[what]
    with pytest.raises(error) as caught:
        parse(config)
    assert message in str(caught.value)


def test_not_json_names_the_place():
    with pytest.raises(BrokenFile, match=r"config.json: not JSON: .* line 1 column 2"):
        hf_config.parse(b"{]", "config.json", "m")
    with pytest.raises(BrokenFile, match="not JSON"):
        hf_config.parse(b"[" * 100_000, "config.json", "m")


CONFIGS = util.find_spec("aiconfigurator_core")
FOLDER = Path(CONFIGS.origin).parent / "model_configs" if CONFIGS and CONFIGS.origin else Path("none")
FILES = sorted(p for p in FOLDER.glob("*_config.json") if "hf_quant" not in p.name)
# Published sizes in the names of the files, such as 235B or 30B-A3B, to the rounding that names have.
NAMED = {
    "Qwen3-0.6B": 0.6e9,
    "Qwen3-1.7B": 1.72e9,
    "Qwen3-8B": 8.2e9,
    "Qwen3-32B": 32.8e9,
    "Qwen3-30B": 30.5e9,
    "Qwen3-235B": 235e9,
    "Qwen3-Coder-480B": 480e9,
    "Llama-3.1-8B": 8e9,
    "Llama-3.1-70B": 70.6e9,
    "Llama-3.1-405B": 405.9e9,
    "Mixtral-8x7B": 46.7e9,
    "Mixtral-8x22B": 140.6e9,
    "DeepSeek-V3": 671e9,
    "DeepSeek-R1": 671e9,
    "Kimi-K2": 1026e9,
    "gpt-oss-20b": 20.9e9,
    "gpt-oss-120b": 116.8e9,
    "56B": 56.3e9,
    "Nano-30B": 31.6e9,
    "Super-120B": 120.7e9,
    "Ultra-550B": 549e9,
    "MiniMax-M2.5": 229e9,
    "GLM-5-FP8": 744e9,
    "DeepSeek-V3.2": 671e9,
    "Qwen3.5-27B": 26.9e9,
    "Qwen3.5-35B": 34.7e9,
    "Qwen3.5-122B": 122e9,
    "Qwen3.5-397B": 396e9,
}


@pytest.mark.skipif(not FILES, reason="pip install --no-deps aiconfigurator-core==0.12.0")
def test_real_files_are_read_or_refused_by_name():
    read, refused = {}, {}
    for path in FILES:
        try:
            read[path.name] = hf_config.read(path)
        except Unsupported as error:
            refused[path.name] = str(error)
    for name, message in refused.items():
        raw = json.loads((FOLDER / name).read_text())
        words = [
            raw["model_type"],
            (raw.get("text_config") or {}).get("model_type"),
            "quant_algo",
            "quant_method",
        ]
        assert any(word and word in message for word in words), (name, message)
    assert len(read) >= 45 and len(FILES) == len(read) + len(refused)
    for part, parameters in NAMED.items():
        found = [sizes.parameters(model) for name, model in read.items() if part in name]
        assert found and all(abs(p / parameters - 1) < 0.01 for p in found), part


@pytest.mark.skipif(not FILES, reason="pip install --no-deps aiconfigurator-core==0.12.0")
def test_bundled_shapes_are_those_of_the_real_files():
    bundled = [
        find_model(n) for n in ("llama-3.1-70b", "qwen3-32b", "deepseek-v3", "gpt-oss-120b", "nemotron-h-56b",
                      "minimax-m2.5", "glm-5")
    ]
    for model in bundled:
        name = model.source.split(",")[0].removeprefix("config.json of ").replace("/", "--")
        assert hf_config.read(FOLDER / f"{name}_config.json").layers == model.layers
