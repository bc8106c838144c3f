"""Folders that GPTQ quantized: a chip for their format takes them as they are, others refuse or round again."""

import numpy as np
import pytest
import stored
from hf_folder import CONFIG, folder, unpacked, weights

from sartor.compiler import hf
from sartor.compiler.checkpoint import Checkpoint
from sartor.errors import Unsupported
from sartor.formats.codec import codec
from sartor.formats.hardware import coding_of

QUANTIZATION = {"quant_method": "gptq", "bits": 4, "group_size": 32, "desc_act": False, "sym": True}


def quantized(path, order: bool = False, zero: int = 8, bias: float | None = None):
    """CONFIG's folder with every matrix of its layers as int4-g32, and the real matrices by name."""
    tensors, kinds, real = weights(CONFIG), {}, {}
    for name in [n for n in tensors if n.startswith("model.layers") and tensors[n].ndim == 2]:
        one = codec("int4-g32").encode(tensors.pop(name))
        scale = one.parts["scale"].view(np.float16)
        more = {"g_idx": (np.arange(one.k, dtype=np.int32) // 32)[::-1].copy()} if order else {}
        packed = stored.gptq(one.codes, np.full(scale.shape, zero, np.int16), scale, 4, **more)
        real[name] = stored.weights(one.codes, np.full(scale.shape, zero), scale)
        for part, tensor in packed.found.items():
            tensors[name.replace("weight", part)] = tensor.data
            kinds[name.replace("weight", part)] = tensor.kind
        if bias is not None:
            tensors[name.replace("weight", "bias")] = np.full(one.n, bias, np.float32)
    return folder(path, tensors, kinds, quantization_config=QUANTIZATION), real


def test_a_chip_for_their_format_takes_the_codes_as_they_are(tmp_path) -> None:
    path, real = quantized(tmp_path / "m", bias=0.0)
    found = unpacked(hf.network(Checkpoint(path), coding_of("int4-g32")))
    assert len(real) == 14
    for name, w in real.items():
        assert np.array_equal(found[name], w), name


def test_another_chip_refuses_them_or_rounds_once_more(tmp_path) -> None:
    path, real = quantized(tmp_path / "m")
    message = r"q_proj.weight' is stored as int4-g32, but the chip is made for 8-bit codes with a scale: .* twice"
    with pytest.raises(Unsupported, match=message):
        hf.network(Checkpoint(path), coding_of("int8-g32"))
    found = unpacked(hf.network(Checkpoint(path), coding_of("int8-g32"), requantize=True))
    for name, w in real.items():
        assert np.abs(found[name] - w).max() <= np.abs(w).max() / 200, name


def test_zero_points_and_act_order_have_no_format_in_the_chip(tmp_path) -> None:
    with pytest.raises(Unsupported, match=r"q_proj.weight' is stored as int4-g32-zp, but the chip is made for 4-bit"):
        hf.network(Checkpoint(quantized(tmp_path / "z", zero=5)[0]), coding_of("int4-g32"))
    path, _ = quantized(tmp_path / "o", order=True)
    with pytest.raises(Unsupported, match=r"q_proj.weight' is stored with columns in act-order, or scales, that no"):
        hf.network(Checkpoint(path), coding_of("int4-g32"))
    assert hf.network(Checkpoint(path), coding_of("int4-g32"), requantize=True).layers


def test_a_bias_that_is_not_zero_is_refused(tmp_path) -> None:
    with pytest.raises(Unsupported, match=r"self_attn.q_proj: bias is not 0 and has no place beside a matrix"):
        hf.network(Checkpoint(quantized(tmp_path / "m", bias=0.5)[0]), coding_of("int4-g32"))
