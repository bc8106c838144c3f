"""From a Hugging Face folder to the network that is lowered: what it reads, what it says, what it refuses."""

import json

import numpy as np
import pytest

pytest.importorskip("safetensors", reason="pip install safetensors")
from hf_folder import CONFIG, folder, save, weights
from tiny_network import decoded

from sartor.compiler.checkpoint import INDEX, Checkpoint
from sartor.compiler.hf import network
from sartor.compiler.reference import Reference
from sartor.errors import BrokenFile, InputError, Unsupported
from sartor.families.tensor.core import Core
from sartor.formats.floats import Floats
from sartor.formats.hardware import Coding
from sartor.formats.quantize import quantize

EIGHT, FOUR = Coding(8, 32, False), Coding(4, 64, True)


def of(path, coding: Coding = EIGHT):
    return network(Checkpoint(path), coding)


def test_a_small_folder(tmp_path) -> None:
    tensors = weights(CONFIG)
    net = of(folder(tmp_path / "small"), FOUR)
    assert (net.name, net.dim, net.heads, net.kv_heads, net.head_dim, net.ffn) == ("small", 64, 4, 2, 32, 96)
    assert (net.vocabulary, net.context, net.epsilon, net.rope_base) == (48, 512, 1e-5, 50000.0)
    layer, at = net.layers[1], "model.layers.1."
    for name, w in (("output", "self_attn.o_proj"), ("down", "mlp.down_proj")):
        want = quantize(Floats("F32", tensors[f"{at}{w}.weight"]), FOUR)
        assert np.array_equal(getattr(layer, name).codes, want.codes) and getattr(layer, name).coding == FOUR
    assert np.array_equal(layer.ffn_norm, tensors[f"{at}post_attention_layernorm.weight"])
    # Embedding and norms stay as they are; the head is a matrix like the others.
    assert np.array_equal(net.embedding.dequantized(), tensors["model.embed_tokens.weight"])
    assert net.head.coding == FOUR
    # Of a head of 32, element 1 of a pair lies 16 rows after element 0.
    q = quantize(Floats("F32", tensors[f"{at}self_attn.q_proj.weight"]), FOUR)
    assert np.array_equal(layer.qkv.codes[:4], q.codes[[0, 16, 1, 17]])
    v = quantize(Floats("F32", tensors[f"{at}self_attn.v_proj.weight"]), FOUR)
    assert np.array_equal(layer.qkv.codes[-64:], v.codes)


def forward(tensors: dict[str, np.ndarray], ids: list[int], c: dict) -> np.ndarray:
    """Logits of the last token as the Llama of transformers has them, in binary64, with nothing quantized."""
    t = {name: w.astype(np.float64) for name, w in tensors.items()}
    size, heads, kv = c["head_dim"], c["num_attention_heads"], c["num_key_value_heads"]

    def norm(x, name):
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + c["rms_norm_eps"]) * t[f"{name}.weight"]

    def turned(x):  # rotate_half: element i with i + half
        angle = np.arange(len(ids))[:, None] * c["rope_theta"] ** (-np.arange(0, size, 2) / size)
        cosine, sine = (np.concatenate([f(angle)] * 2, 1)[:, None] for f in (np.cos, np.sin))
        half = np.concatenate([-x[..., size // 2 :], x[..., : size // 2]], -1)
        return x * cosine + half * sine

    x = t["model.embed_tokens.weight"][ids]
    mask = np.where(np.tri(len(ids)), 0, -np.inf)
    for i in range(c["num_hidden_layers"]):
        at = f"model.layers.{i}."
        y = norm(x, f"{at}input_layernorm")
        q, k, v = ((y @ t[f"{at}self_attn.{n}_proj.weight"].T).reshape(len(ids), -1, size) for n in "qkv")
        q, k = turned(q), turned(k)
        mixed = []
        for h in range(heads):
            score = q[:, h] @ k[:, h // (heads // kv)].T / np.sqrt(size) + mask
            p = np.exp(score - score.max(-1, keepdims=True))
            mixed.append(p / p.sum(-1, keepdims=True) @ v[:, h // (heads // kv)])
        x = x + np.concatenate(mixed, 1) @ t[f"{at}self_attn.o_proj.weight"].T
        y = norm(x, f"{at}post_attention_layernorm")
        gate, up = (y @ t[f"{at}mlp.{n}_proj.weight"].T for n in ("gate", "up"))
        x = x + (gate / (1 + np.exp(-gate)) * up) @ t[f"{at}mlp.down_proj.weight"].T
    return norm(x, "model.norm") @ t["lm_head.weight"].T


def test_it_says_what_the_checkpoint_says(tmp_path) -> None:
    # 8-bit weights cost some 1 % of the logits' spread; rows of heads in the wrong order cost nearly all of it.
    ids = [5, 40, 7, 7, 23, 1, 0, 12]
    exact = forward(weights(CONFIG), ids, CONFIG)
    net = of(folder(tmp_path / "m"))
    assert np.abs(Reference(net).logits(ids) - exact).std() < 0.02 * exact.std()
    assert np.abs(decoded(Core(), net, ids) - exact).std() < 0.03 * exact.std()


def test_a_tied_head_is_the_embedding(tmp_path) -> None:
    tensors = weights({**CONFIG, "tie_word_embeddings": True})
    want = quantize(Floats("F32", tensors["model.embed_tokens.weight"]), EIGHT)
    for extra in ({}, {"lm_head.weight": np.zeros((48, 64), np.float32)}):  # some files hold a copy
        net = of(folder(tmp_path / "m", tensors | extra, tie_word_embeddings=True))
        assert np.array_equal(net.head.codes, want.codes)


def test_several_files_and_kinds_of_numbers(tmp_path) -> None:
    tensors = weights(CONFIG)
    whole = of(folder(tmp_path / "whole"))
    path, names = folder(tmp_path / "parts"), list(tensors)
    (path / "model.safetensors").unlink()
    for i, (part, kind) in enumerate(((names[:7], "F32"), (names[7:], "BF16"))):
        save(path / f"part-{i}.safetensors", {n: tensors[n] for n in part}, kind=kind)
    found = of(path)
    assert np.array_equal(found.layers[1].down.codes, whole.layers[1].down.codes)
    places = {name: f"part-{int(name not in names[:7])}.safetensors" for name in names}
    (path / INDEX).write_text(json.dumps({"weight_map": places}))
    assert np.array_equal(of(path).head.codes, whole.head.codes)
    assert Checkpoint(path).key() != Checkpoint(tmp_path / "whole").key()


def test_angles_and_windows(tmp_path) -> None:
    plain = of(folder(tmp_path / "m", num_key_value_heads=2))
    assert plain.rope_divisors == ()
    half = of(folder(tmp_path / "m", rope_scaling={"type": "linear", "factor": 2.0}))
    assert half.rope_divisors == (2.0,) * 16
    given = {"rope_type": "default", "rope_theta": 1e6}
    assert of(folder(tmp_path / "m", rope_parameters=given, rope_theta=None)).rope_base == 1e6
    scaled = {
        "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 64,
    }  # fmt: skip
    # Waves of pair i: 2 pi 50000^(i / 16) positions. Shorter than 64 / 4: i = 0, 1; longer than 64: i >= 4.
    found = of(folder(tmp_path / "m", rope_scaling=scaled)).rope_divisors
    assert found[:2] == (1.0, 1.0) and found[4:] == (8.0,) * 12
    # i = 2: 64 / (2 pi 50000^(1 / 8)) = 2.634; a part (2.634 - 1) / 3 = 0.545 is kept: 1 / (0.545 + 0.455 / 8).
    assert found[2] == pytest.approx(1.662, abs=1e-3)
    windowed = of(folder(tmp_path / "m", model_type="mistral", sliding_window=256))
    assert windowed.context == 256


@pytest.mark.slow
def test_the_angles_of_llama_3_are_those_of_transformers(tmp_path) -> None:
    transformers = pytest.importorskip("transformers", reason="pip install transformers torch")
    rope = pytest.importorskip("transformers.modeling_rope_utils")
    from sartor.compiler.rope import divisors
    from sartor.workload.readers.fields import Fields

    given = {
        "rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8192, "rope_theta": 500000.0,
    }  # fmt: skip
    config = transformers.LlamaConfig(hidden_size=2048, num_attention_heads=32, head_dim=64, rope_parameters=given)
    rates = rope.ROPE_INIT_FUNCTIONS["llama3"](config, "cpu")[0].numpy()
    ours = 500000.0 ** (-np.arange(0, 64, 2) / 64) / np.array(divisors(Fields(given, "c"), 64, 500000.0))
    assert np.allclose(rates, ours, rtol=1e-6)


def changed(**tensors) -> dict[str, np.ndarray]:
    found = {**weights(CONFIG), **{name.replace("__", "."): w for name, w in tensors.items()}}
    return {name: w for name, w in found.items() if w is not None}


BIAS = np.zeros(128, np.float32)
NAN = np.where(np.arange(96 * 64).reshape(64, 96) == 100, np.nan, 1).astype(np.float32)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"model_type": "qwen2"}, Unsupported, "model_type = 'qwen2' is not modeled (known: llama, mistral)"),
        ({"model_type": "qwen3"}, Unsupported, "(sartor read, estimate), but neither measured nor lowered"),
        ({"head_dim": 15}, InputError, "head_dim = 15 gives heads of 15: RoPE turns pairs"),
        ({"hidden_act": "gelu"}, Unsupported, "hidden_act = 'gelu' is not modeled (known: silu)"),
        ({"rope_scaling": {"rope_type": "yarn", "factor": 4.0}}, Unsupported, "rope_type = 'yarn' is not modeled"),
        ({"partial_rotary_factor": 0.5}, Unsupported, "partial_rotary_factor = 0.5 is not modeled (known: 1.0)"),
        ({"hidden_size": None}, BrokenFile, "missing field 'hidden_size'"),
        (
            {"intermediate_size": 128}, BrokenFile,
            "tensor 'model.layers.0.mlp.gate_proj.weight' is 96 x 64, but config.json asks for 128 x 64",
        ),
        ({"num_hidden_layers": 3}, BrokenFile, "tensor 'model.layers.2.self_attn.q_proj.weight' is missing"),
        (
            {"num_hidden_layers": 1}, Unsupported,
            "tensor 'model.layers.1.input_layernorm.weight' has no place in the network that is lowered",
        ),
        (
            {"tensors": changed(model__layers__0__self_attn__q_proj__bias=BIAS)}, Unsupported,
            "tensor 'model.layers.0.self_attn.q_proj.bias' has no place in the network that is lowered",
        ),
        ({"tensors": changed(lm_head__weight=None)}, BrokenFile, "tensor 'lm_head.weight' is missing"),
        (
            {"kinds": {"model.layers.0.mlp.up_proj.weight": "I32"}}, Unsupported,
            "tensor 'model.layers.0.mlp.up_proj.weight' is I32, not real numbers (F32, F16, BF16)",
        ),
        (
            {"tensors": changed(model__layers__1__mlp__down_proj__weight=NAN)}, InputError,
            "tensor 'model.layers.1.mlp.down_proj.weight': the weight nan at [1, 4] is not a number",
        ),
    ],
)  # fmt: skip
def test_refused(tmp_path, changes: dict, error: type, message: str) -> None:
    path = folder(tmp_path / "m", **changes)
    with pytest.raises(error) as caught:
        of(path)
    assert str(caught.value).startswith("m") and message in str(caught.value)


def test_a_folder_without_weights_or_config(tmp_path) -> None:
    path = folder(tmp_path / "m")
    (path / "model.safetensors").unlink()
    with pytest.raises(InputError, match=r"m: holds no \.safetensors files"):
        Checkpoint(path)
    (path / "config.json").unlink()
    with pytest.raises(InputError, match=r"config\.json: cannot be read"):
        Checkpoint(path)
