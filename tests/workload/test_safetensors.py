"""Safetensors: headers written here, with the config.json beside them."""

import json

import pytest

from sartor.errors import BrokenFile, InputError, Unsupported
from sartor.workload import sizes
from sartor.workload.find import find_model
from sartor.workload.readers import safetensors_index as reader

CONFIG = dict(
    model_type="llama", hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
    num_key_value_heads=2, vocab_size=50, max_position_embeddings=128, tie_word_embeddings=True,
)  # fmt: skip
BYTES = {"F32": 4, "BF16": 2, "F8_E4M3": 1, "U8": 1}


def shapes():
    found = {"model.embed_tokens.weight": [50, 64], "model.norm.weight": [64]}
    for i in range(2):
        layer = dict(
            q_proj=[64, 64], k_proj=[32, 64], v_proj=[32, 64], o_proj=[64, 64], gate_proj=[96, 64],
            up_proj=[96, 64], down_proj=[64, 96], input_layernorm=[64], post_attention_layernorm=[64],
        )  # fmt: skip
        found |= {f"model.layers.{i}.{name}.weight": shape for name, shape in layer.items()}
    return found


def file_bytes(tensors, dtype="BF16", data=True, **more):
    """A file of `tensors` (name -> shape), all of one dtype but those in `more`."""
    header, at = {"__metadata__": {"format": "pt"}}, 0
    for name, shape in tensors.items():
        kind = more.get(name, dtype)
        size = BYTES[kind]
        for n in shape:
            size *= n
        header[name] = dict(dtype=kind, shape=shape, data_offsets=[at, at + size])
        at += size
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + bytes(at if data else 0)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    return tmp_path


def test_one_file(folder):
    (folder / "model.safetensors").write_bytes(file_bytes(shapes(), "F32"))
    model = find_model(folder / "model.safetensors")
    assert (model.weights, sizes.parameters(model)) == ("fp32", 64_960)
    assert model.layers == find_model(folder).layers


def test_an_index_over_two_files(folder):
    names = list(shapes())
    half = {"a.safetensors": names[:7], "b.safetensors": names[7:]}
    for file, part in half.items():
        (folder / file).write_bytes(file_bytes({n: shapes()[n] for n in part}))
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps(dict(weight_map={n: f for f, part in half.items() for n in part})))
    assert find_model(index).weights == "bf16"
    # One of the two files is enough to say that the index is alone: its names are checked, its sizes are not.
    (folder / "b.safetensors").unlink()
    assert sizes.parameters(find_model(index)) == 64_960


def test_an_index_without_a_layer(folder):
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps(dict(weight_map={"model.layers.0.q.weight": "a.safetensors"})))
    with pytest.raises(BrokenFile, match=r"has no tensor of layer 1, but config.json has 2 layers"):
        find_model(index)


def test_a_tied_head_may_be_stored_twice_and_scales_are_no_parameters(folder):
    tensors = shapes() | {"lm_head.weight": [50, 64], "model.layers.0.q_proj.weight_scale_inv": [1, 1]}
    (folder / "model.safetensors").write_bytes(file_bytes(tensors))
    assert find_model(folder / "model.safetensors").weights == "bf16"


def test_a_missing_tensor_is_said_in_elements(folder):
    tensors = shapes()
    del tensors["model.norm.weight"]
    (folder / "model.safetensors").write_bytes(file_bytes(tensors))
    with pytest.raises(BrokenFile, match=r"tensors hold 64896 elements, but its config.json asks for 64960"):
        find_model(folder / "model.safetensors")


def test_without_config_the_error_says_what_is_missing(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(file_bytes(shapes()))
    with pytest.raises(InputError, match=r"tensors do not say how many heads share them.*put it there"):
        find_model(tmp_path / "model.safetensors")


def test_packed_tensors_need_a_quantization_config(folder):
    (folder / "model.safetensors").write_bytes(file_bytes(shapes(), "U8"))
    with pytest.raises(Unsupported, match=r"has packed tensors"):
        find_model(folder / "model.safetensors")
    packed = CONFIG | dict(quantization_config=dict(quant_method="mxfp4"))
    (folder / "config.json").write_text(json.dumps(packed))
    assert find_model(folder / "model.safetensors").formats["ffn"] == "mxfp4"


def test_text_part_of_a_model_that_sees(tmp_path):
    config = dict(model_type="qwen3_vl", text_config=CONFIG | dict(model_type="qwen3_vl_text"))
    (tmp_path / "config.json").write_text(json.dumps(config))
    tensors = {n.replace("model.", "model.language_model.", 1): s for n, s in shapes().items()}
    for i in range(2):
        tensors |= {f"model.language_model.layers.{i}.{n}_norm.weight": [16] for n in "qk"}
    tensors["model.visual.patch_embed.weight"] = [7, 7]
    (tmp_path / "model.safetensors").write_bytes(file_bytes(tensors))
    assert find_model(tmp_path / "model.safetensors").note == "text part only"


GOOD = file_bytes({"a": [2, 3]})
DAMAGED = {
    "empty": (b"", "0 bytes is too short for a safetensors file"),
    "header length": (
        b"\xff" * 8 + GOOD[8:],
        "byte 0: the header's length is 18446744073709551615, but the file has",
    ),
    "truncated": (GOOD[:-1], "data_offsets = [0, 12] must be a list of whole numbers between 0 and 11"),
    "json": (GOOD[:8] + b"x" + GOOD[9:], "not JSON"),
    "dtype": (GOOD.replace(b"BF16", b"XF16"), "tensor 'a': dtype = 'XF16' is not modeled"),
    "shape": (GOOD.replace(b"[2, 3]", b"[2,-3]"), "shape = [2, -3] must be a list of whole numbers"),
    "offsets": (
        GOOD.replace(b"[2, 3]", b"[2, 4]"),
        "data_offsets = [0, 12] does not fit BF16 of shape [2, 4]",
    ),
}


@pytest.mark.parametrize("what", DAMAGED)
def test_damaged(what):
    data, message = DAMAGED[what]
    with pytest.raises(InputError) as caught:
        reader.parse(data, "m.safetensors")
    assert message in str(caught.value)


@pytest.mark.parametrize("file", ["../up.safetensors", "/etc/passwd", "a\\b.safetensors", "model.bin"])
def test_an_index_names_files_beside_it_only(file):
    data = json.dumps(dict(weight_map={"a": file})).encode()
    with pytest.raises(BrokenFile, match=r"not a .safetensors file beside it"):
        reader.index(data, "index.json")
