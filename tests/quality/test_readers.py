"""Weights of folders and files, one matrix at a time: those of the compiler, and of checkpoints quantized by others."""

import gguf
import numpy as np
import pytest
import stored
from hf_folder import CONFIG, folder, weights

from sartor.compiler.checkpoint import Checkpoint
from sartor.compiler.gguf import network
from sartor.compiler.hf_shape import neighbors
from sartor.errors import InputError, Unsupported
from sartor.quality import gguf_reader, hf_reader
from sartor.quality.linear import Linear
from sartor.quality.recipe import Recipe

NAMES = {"attn_q": "self_attn.q_proj", "attn_o": "self_attn.o_proj", "ffn_down": "mlp.down_proj"}


def gptq_folder(path, bits: int = 4, group: int = 32):
    """The matrices of CONFIG as GPTQ has them; what they stand for, by name."""
    tensors, kinds, real = weights(CONFIG), {}, {}
    rng = np.random.default_rng(0)
    for name in [n for n in tensors if "_proj" in n]:
        n, k = tensors.pop(name).shape
        matrix = name.removesuffix(".weight")
        zero = rng.integers(1, 2**bits, (n, k // group), np.int16)
        scale = (rng.random(zero.shape) * 0.02 + 0.001).astype(np.float16)
        q = rng.integers(0, 2**bits, (n, k)).astype(np.uint8)
        real[matrix] = stored.weights(q, zero, scale)
        for part, tensor in stored.gptq(q, zero, scale, bits).found.items():
            tensors[f"{matrix}.{part}"], kinds[f"{matrix}.{part}"] = tensor.data, tensor.kind
    asked = {"quant_method": "gptq", "bits": bits, "group_size": group}
    return folder(path, tensors, kinds, quantization_config=asked), real


def test_a_checkpoint_of_gptq_is_read_as_it_is(tmp_path) -> None:
    path, real = gptq_folder(tmp_path / "m")
    model = hf_reader.model(Checkpoint(path), "key")
    for part, name in NAMES.items():
        expected = real[f"model.layers.1.{name}"]
        if part == "attn_q":
            expected = expected[neighbors(len(expected), CONFIG["head_dim"])]
        assert np.array_equal(model.matrix(1, part), expected)
    assert model.reader.bits(0, "ffn_down") == 4 + 20 / 32


def test_the_bits_of_columns_in_act_order_are_those_of_the_file(tmp_path) -> None:
    """Four bits a weight, for 32 of them 16 bits of scale and 4 of zero point; 32 bits for the group of a column."""
    tensors, kinds = {n: w for n, w in weights(CONFIG).items() if "_proj" not in n}, {}
    q, zero, scale = np.ones((64, 96), np.uint8), np.ones((64, 3), np.int16), np.ones((64, 3), np.float16)
    order = np.arange(96, dtype=np.int32) % 3
    for part, tensor in stored.gptq(q, zero, scale, 4, g_idx=order).found.items():
        tensors[f"model.layers.0.mlp.down_proj.{part}"] = tensor.data
        kinds[f"model.layers.0.mlp.down_proj.{part}"] = tensor.kind
    asked = {"quant_method": "gptq", "bits": 4, "group_size": 32, "desc_act": True}
    model = hf_reader.model(Checkpoint(folder(tmp_path / "m", tensors, kinds, quantization_config=asked)), "key")
    assert model.reader.bits(0, "ffn_down") == 4 + 20 / 32 + 32 / 64


@pytest.mark.parametrize(("name", "row", "asked"), [
    ("model.layers.1.self_attn.k_proj.weight", 17, lambda m: m.matrix(1, "attn_k")),
    ("model.layers.0.mlp.down_proj.weight", 5, lambda m: m.matrix(0, "ffn_down")),
    ("model.embed_tokens.weight", 40, lambda m: Linear(m, Recipe()).embedded(np.array([[7, 40, 3]]))),
    ("lm_head.weight", 33, lambda m: Linear(m, Recipe()).head(20, 40)),
])  # fmt: skip
def test_a_weight_that_is_no_number_has_its_place_in_the_file(tmp_path, name: str, row: int, asked) -> None:
    tensors = weights(CONFIG)
    tensors[name] = tensors[name].copy()
    tensors[name][row, 9] = np.nan
    model = hf_reader.model(Checkpoint(folder(tmp_path / "m", tensors)), "key")
    with pytest.raises(InputError, match=rf"m: {name}: the weight nan at \[{row}, 9\] is not a finite number"):
        asked(model)


def test_a_norm_that_is_no_number_is_named(tmp_path) -> None:
    tensors = weights(CONFIG)
    tensors["model.layers.1.input_layernorm.weight"][3] = np.inf
    model = hf_reader.model(Checkpoint(folder(tmp_path / "m", tensors)), "key")
    with pytest.raises(InputError, match=r"tensor 'model.layers.1.input_layernorm.weight': the weight inf at \[0, 3\]"):
        model.reader.norms(1)


@pytest.mark.parametrize("name", [
    "model.layers.1.self_attn.q_proj.bias", "model.layers.0.self_attn.q_norm.weight",
    "model.layers.2.mlp.up_proj.weight", "model.embed_positions.weight",
])  # fmt: skip
def test_a_tensor_that_would_not_be_read_is_refused(tmp_path, name: str) -> None:
    path = folder(tmp_path / "m", {**weights(CONFIG), name: np.ones(64, np.float32)})
    with pytest.raises(Unsupported, match=f"m: tensor '{name}' has no place in the network"):
        hf_reader.model(Checkpoint(path), "key")


def test_a_layout_that_is_not_known_is_named(tmp_path) -> None:
    up, asked = "model.layers.0.mlp.up_proj", {"quant_method": "exl9"}
    path = folder(tmp_path / "m", kinds={f"{up}.weight": "I32"}, quantization_config=asked)
    reader = hf_reader.model(Checkpoint(path), "key").reader
    with pytest.raises(Unsupported, match=f"m: {up}: quant_method = 'exl9' is a layout that is not known"):
        reader.matrix(0, "ffn_up")
    with pytest.raises(InputError, match=r"m: model.layers.9.mlp.up_proj: tensor 'qweight' is missing"):
        path, _ = gptq_folder(tmp_path / "m")
        hf_reader.model(Checkpoint(path), "key").reader.matrix(9, "ffn_up")


def gguf_file(path, kind: gguf.GGMLQuantizationType):
    """CONFIG's weights, the matrices as `kind`."""
    writer, tensors = gguf.GGUFWriter(path, "llama"), weights(CONFIG)
    writer.add_block_count(2), writer.add_embedding_length(64), writer.add_head_count(4), writer.add_head_count_kv(2)
    writer.add_key_length(32), writer.add_value_length(32), writer.add_feed_forward_length(96)
    writer.add_context_length(512), writer.add_layer_norm_rms_eps(1e-5), writer.add_rope_freq_base(50000.0)
    to = {"model.embed_tokens": "token_embd", "lm_head": "output", "model.norm": "output_norm"}
    inner = {"input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm", "self_attn.q_proj": "attn_q",
             "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
             "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down"}  # fmt: skip
    for i in range(2):
        to |= {f"model.layers.{i}.{theirs}": f"blk.{i}.{ours}" for theirs, ours in inner.items()}
    for name, w in tensors.items():
        data = gguf.quants.quantize(w, kind) if w.ndim == 2 else w
        writer.add_tensor(f"{to[name.removesuffix('.weight')]}.weight", data, raw_dtype=kind if w.ndim == 2 else None)
    writer.write_header_to_file(), writer.write_kv_data_to_file(), writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.mark.parametrize("kind", ["Q4_0", "Q8_0", "Q5_0", "F16", "BF16", "MXFP4"])
def test_a_gguf_file_is_what_its_library_reads(tmp_path, kind: str) -> None:
    path = gguf_file(tmp_path / "m.gguf", gguf.GGMLQuantizationType[kind])
    model = gguf_reader.model(path, "m", "key")
    assert (model.layers, model.vocabulary, model.context, model.tied) == (2, 48, 512, False)
    assert model.shape == hf_reader.model(Checkpoint(folder(tmp_path / "f")), "key").shape
    theirs = {t.name: gguf.quants.dequantize(t.data, t.tensor_type) for t in gguf.GGUFReader(path).tensors}
    assert np.array_equal(model.matrix(1, "attn_o"), theirs["blk.1.attn_output.weight"])
    assert np.array_equal(model.reader.embedding(np.array([3, 40])), theirs["token_embd.weight"][[3, 40]])
    assert np.array_equal(model.reader.head(8, 20), theirs["output.weight"][8:20])
    if kind == "Q4_0":
        assert np.array_equal(network(path).layers[1].down.dequantized(), model.matrix(1, "ffn_down"))
        assert model.reader.bits(0, "ffn_up") == 4.5
