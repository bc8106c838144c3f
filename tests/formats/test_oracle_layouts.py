"""Checkpoints that compressed-tensors and transformers themselves packed."""

import numpy as np
import pytest
import stored

from sartor.formats.codec import Encoded, codec
from sartor.formats.layouts import read

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

N, K = 64, 256
W = np.random.default_rng(0).normal(size=(N, K)).astype(np.float32)
CASES = {
    "int4-g128": ("pack-quantized", dict(num_bits=4, strategy="group", group_size=128)),
    "int4-g32-zp": ("pack-quantized", dict(num_bits=4, strategy="group", group_size=32, symmetric=False)),
    "int3-g64": ("pack-quantized", dict(num_bits=3, strategy="group", group_size=64)),
    "int8": ("int-quantized", dict(num_bits=8, strategy="channel")),
    "fp8-e4m3": ("float-quantized", dict(num_bits=8, type="float", strategy="channel")),
    "fp8-e4m3-tensor": ("float-quantized", dict(num_bits=8, type="float", strategy="tensor")),
    "nvfp4": ("nvfp4-pack-quantized", dict(num_bits=4, type="float", strategy="tensor_group", group_size=16)),
    "mxfp4": ("mxfp4-pack-quantized", dict(num_bits=4, type="float", strategy="group", group_size=32)),
    "mxfp8-e4m3": ("mxfp8-quantized", dict(num_bits=8, type="float", strategy="group", group_size=32)),
}


@pytest.mark.parametrize("name", CASES)
def test_what_the_library_packs_is_what_we_read(name: str) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("compressed_tensors")
    from compressed_tensors.compressors import BaseCompressor
    from compressed_tensors.quantization import QuantizationArgs, QuantizationScheme

    kind, options = CASES[name]
    small = {"scale_dtype": torch.uint8} if name.startswith("mx") else {}
    weights = QuantizationArgs(**{"type": "int", "symmetric": True, **options, **small})
    scheme = QuantizationScheme(targets=["Linear"], weights=weights)
    ours = codec(name).encode(W)
    state = {"weight": torch.from_numpy(W), **state_of(torch, ours)}
    packed = BaseCompressor.get_value_from_registry(kind).compress(state, scheme)
    config = {"quant_method": "compressed-tensors", "format": kind, "config_groups": {"g": {"weights": options}}}
    found = read(config, stored.tensors(**{k: array(torch, t) for k, t in packed.items()}), (N, K))
    assert isinstance(found, Encoded) and found.codec.form.name == name
    assert np.array_equal(found.dequantized(), ours.dequantized())


def state_of(torch, ours: Encoded) -> dict:
    """Scales and zero points as the library takes them."""
    if "tensor" in ours.parts:
        scale = torch.from_numpy(ours.parts["scale"]).view(torch.float8_e4m3fn).float()
        return {"weight_scale": scale, "weight_global_scale": torch.from_numpy(ours.parts["tensor"][None])}
    scale = np.atleast_2d(ours.codec.scale(ours.parts))
    if "zero" in ours.parts:
        zero = torch.from_numpy(ours.parts["zero"].astype(np.int8) - np.int8(8))
        return {"weight_scale": torch.from_numpy(scale), "weight_zero_point": zero}
    return {"weight_scale": torch.from_numpy(scale if scale.size > 1 else scale.reshape(1))}


def array(torch, t):
    """A tensor as safetensors would hold it."""
    if t.dtype == torch.float8_e4m3fn:
        return "F8_E4M3", t.contiguous().view(torch.uint8).numpy()
    return t.contiguous().numpy()


def test_ternary_weights_that_transformers_packed() -> None:
    torch = pytest.importorskip("torch")
    pack = pytest.importorskip("transformers.integrations.bitnet").pack_weights
    q = np.random.default_rng(1).integers(-1, 2, (N, K)).astype(np.int8)
    packed = pack(torch.from_numpy(q.copy())).numpy()
    config = {"quant_method": "bitnet", "linear_class": "autobitlinear"}
    found = read(config, stored.tensors(weight=packed, weight_scale=np.float32([0.5])), (N, K))
    assert np.array_equal(found.dequantized(), q * np.float32(0.5))
