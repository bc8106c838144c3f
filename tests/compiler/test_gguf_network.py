"""From a GGUF file to the network that is lowered: a small file, written with the gguf package."""

import numpy as np
import pytest

from sartor.compiler.gguf import network
from sartor.errors import BrokenFile, InputError, Unsupported

gguf = pytest.importorskip("gguf", reason="pip install gguf")
DIM, FFN, HEAD = 64, 96, 32
SHAPES = {
    "attn_norm": (DIM,), "attn_q": (64, DIM), "attn_k": (32, DIM), "attn_v": (32, DIM), "attn_output": (DIM, 64),
    "ffn_norm": (DIM,), "ffn_gate": (FFN, DIM), "ffn_up": (FFN, DIM), "ffn_down": (DIM, FFN),
}  # fmt: skip


@pytest.fixture
def write(tmp_path):
    def build(kinds=None, architecture="llama", extra=(), leave_out="", rope=HEAD, size=DIM, wide=64, **metadata):
        path = tmp_path / "small.gguf"
        writer = gguf.GGUFWriter(path, architecture)
        for name, value in {
            "embedding_length": DIM, "feed_forward_length": FFN, "block_count": 2, "context_length": 256,
            "attention.head_count": 2, "attention.head_count_kv": 1, "rope.dimension_count": rope, **metadata,
        }.items():  # fmt: skip
            if value is not None:
                add = {int: writer.add_uint32, float: writer.add_float32, str: writer.add_string}[type(value)]
                add(f"{architecture}.{name}", value)
        writer.add_float32(f"{architecture}.attention.layer_norm_rms_epsilon", 1e-5)
        rng = np.random.default_rng(0)
        names = {"token_embd.weight": (40, DIM), "output_norm.weight": (DIM,)}
        heads = {"attn_q": (wide, DIM), "attn_output": (DIM, wide)}
        names |= {f"blk.{i}.{n}.weight": s for i in range(2) for n, s in {**SHAPES, **heads}.items()}
        for name, shape in {**names, **dict.fromkeys(extra, (size,))}.items():
            if name == leave_out:
                continue
            w = rng.normal(size=shape).astype(np.float32)
            w = np.abs(w) if name == "rope_freqs.weight" else w
            kind = gguf.GGMLQuantizationType[(kinds or {}).get(name, "Q4_1" if len(shape) > 1 else "F32")]
            writer.add_tensor(name, gguf.quants.quantize(w, kind), raw_dtype=kind)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        return path

    return build


def test_a_small_file(write) -> None:
    net = network(write())
    assert (net.dim, net.heads, net.kv_heads, net.head_dim, net.ffn, net.vocabulary) == (64, 2, 1, 32, 96, 40)
    assert (len(net.layers), net.context, net.rope_base, net.group) == (2, 256, 10000.0, 2)
    assert net.epsilon == np.float32(1e-5) and net.head is net.embedding
    reader = {t.name: gguf.quants.dequantize(t.data, t.tensor_type) for t in gguf.GGUFReader(write()).tensors}
    layer = net.layers[1]
    qkv = [reader[f"blk.1.attn_{x}.weight"] for x in "qkv"]
    assert np.array_equal(layer.qkv.dequantized(), np.concatenate(qkv))
    both = [reader[f"blk.1.ffn_{x}.weight"] for x in ("gate", "up")]
    assert np.array_equal(layer.gate_up.dequantized(), np.concatenate(both))
    assert np.array_equal(layer.down.dequantized(), reader["blk.1.ffn_down.weight"])
    assert np.array_equal(layer.ffn_norm, reader["blk.1.ffn_norm.weight"])


def test_what_the_metadata_leave_out(write) -> None:
    # As many KV heads as heads: then keys and values need 64 rows each, and the file has 32.
    with pytest.raises(BrokenFile, match="small: qkv of layer 0 is 128 x 64, not 192 x 64"):
        network(write(**{"attention.head_count_kv": None}))
    # One head of 32 because the file says so, not of all 64 elements.
    one = {"attention.head_count": 1, "attention.head_count_kv": None, "wide": 32}
    net = network(write(**one, **{"attention.key_length": 32, "attention.value_length": 32, "rope": None}))
    assert (net.heads, net.kv_heads, net.head_dim) == (1, 1, 32)
    with pytest.raises(Unsupported, match="RoPE turns 32 dimensions of a head, not all 64"):
        network(write(**one))


def test_angles_that_are_scaled(write) -> None:
    plain, half = network(write()), network(write(**{"rope.scaling.factor": 2.0}))
    typed = network(write(**{"rope.scaling.type": "linear", "rope.scaling.factor": 2.0}))
    assert plain.rope_divisors == () and typed.rope_divisors == half.rope_divisors == (2.0,) * 16
    assert np.array_equal(half.rope(np.arange(8)), plain.rope(np.arange(8) / 2))
    none = network(write(**{"rope.scaling.type": "none", "rope.scaling.factor": 2.0}))
    assert none.rope_divisors == ()
    path = write(extra=["rope_freqs.weight"], size=16)
    stored = next(t.data for t in gguf.GGUFReader(path).tensors if t.name == "rope_freqs.weight")
    assert network(path).rope_divisors == tuple(stored.tolist())


def test_a_sliding_window_ends_the_context(write) -> None:
    assert network(write(**{"attention.sliding_window": 128})).context == 128
    assert network(write(**{"attention.sliding_window": 0})).context == 256


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"architecture": "gemma"}, Unsupported, "architecture 'gemma' is not lowered (llama is)"),
        ({"extra": ["rope_freqs.weight"]}, BrokenFile, "tensor 'rope_freqs.weight' must be 16 numbers above 0"),
        (
            {"rope.scaling.type": "yarn"}, Unsupported,
            "llama.rope.scaling.type = 'yarn' is not modeled (known: none, linear)",
        ),
        ({"rope.scaling.factor": -2.0}, InputError, "llama.rope.scaling.factor = -2.0 must be a number above 0"),
        (
            {"attention.value_length": 64}, Unsupported,
            "values of 64 elements a head are not lowered beside keys of 32",
        ),
        ({"attention.head_count": "two"}, InputError, "head_count = 'two' must be a whole number"),
        ({"extra": ["blk.0.attn_q.bias"]}, Unsupported, "tensor 'blk.0.attn_q.bias' has no place in the network"),
        ({"leave_out": "blk.1.ffn_up.weight"}, BrokenFile, "tensor 'blk.1.ffn_up.weight' is missing"),
        ({"rope": 16}, Unsupported, "RoPE turns 16 dimensions of a head, not all 32"),
        (
            {"kinds": {"blk.0.ffn_down.weight": "Q5_0"}}, Unsupported,
            "tensor 'blk.0.ffn_down.weight': weights of type Q5_0 have no decoder in hardware",
        ),
        (
            {"kinds": {"output_norm.weight": "F16"}}, Unsupported,
            "tensor 'output_norm.weight' is F16, not F32",
        ),
        (
            {"kinds": {"blk.1.attn_v.weight": "Q8_0"}}, Unsupported,
            "blk.1.attn_q, attn_k, attn_v: weights that are read as one matrix have 4-bit codes with scale and "
            "minimum and 8-bit codes with a scale",
        ),
    ],
)  # fmt: skip
def test_refused(write, changes: dict, error: type, message: str) -> None:
    with pytest.raises(error) as caught:
        network(write(**changes))
    assert str(caught.value).startswith("small.gguf: ") and message in str(caught.value)
