"""compressed-tensors, which writes and reads the checkpoints of vLLM, on a million vectors."""

import numpy as np
import pytest

from sartor.formats.codec import codec

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

N = 125_000  # vectors of 32 a seed


def library():
    torch = pytest.importorskip("torch")
    pytest.importorskip("compressed_tensors")
    from compressed_tensors.quantization import QuantizationArgs
    from compressed_tensors.quantization.lifecycle.forward import dequantize, quantize
    from compressed_tensors.quantization.utils.helpers import calculate_qparams, generate_gparam

    return torch, QuantizationArgs, quantize, dequantize, calculate_qparams, generate_gparam


def vectors(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    w = (rng.normal(size=(N // 32, 1024)) * 2.0 ** rng.integers(-9, 0, (N // 32, 1))).astype(np.float32)
    w[rng.random(w.shape) < 0.01] = 0
    w[::97, :64] = 0
    return w


@pytest.mark.parametrize("seed", range(8))
def test_nvfp4_scales_and_weights(seed: int) -> None:
    torch, Args, quantize, dequantize, qparams, gparam = library()
    w = vectors(seed)
    args = Args(num_bits=4, type="float", strategy="tensor_group", group_size=16, symmetric=True,
                scale_dtype=torch.float8_e4m3fn)  # fmt: skip
    blocks = torch.from_numpy(w).reshape(len(w), -1, 16)
    low, high = blocks.amin(-1), blocks.amax(-1)
    encoded = codec("nvfp4").encode(w)
    # The library multiplies by a rounded reciprocal: its scale of the tensor may be the next number.
    assert encoded.parts["tensor"] == pytest.approx(gparam(low.min(), high.max()).item(), rel=2.0**-22)
    t = torch.from_numpy(encoded.parts["tensor"][None])
    scale, _ = qparams(low, high, args, global_scale=t)
    stored = scale.to(torch.float8_e4m3fn).view(torch.uint8).numpy()
    empty = encoded.parts["scale"] == 0  # there the library stores its smallest scale, and zeros
    assert np.array_equal(encoded.parts["scale"][~empty], stored[~empty])
    scale = scale.to(torch.float32)
    theirs = quantize(torch.from_numpy(w), scale, None, args, global_scale=t)
    back = dequantize(theirs, scale, None, args, global_scale=t)
    kept = np.repeat(~empty, 16, axis=1)
    assert np.array_equal(encoded.dequantized()[kept], back.numpy()[kept])
    assert not encoded.dequantized()[~kept].any()


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(("name", "options"), [
    ("int8", dict(num_bits=8, strategy="channel")),
    ("int8-g128", dict(num_bits=8, strategy="group", group_size=128)),
    ("int4-g128", dict(num_bits=4, strategy="group", group_size=128)),
    ("int4-g32-zp", dict(num_bits=4, strategy="group", group_size=32, symmetric=False)),
    ("fp8-e4m3", dict(num_bits=8, type="float", strategy="channel")),
    ("fp8-e4m3-tensor", dict(num_bits=8, type="float", strategy="tensor")),
    ("mxfp8-e4m3", dict(num_bits=8, type="float", strategy="group", group_size=32)),
    ("mxfp6-e2m3", dict(num_bits=6, type="float", strategy="group", group_size=32)),
    ("mxfp4", dict(num_bits=4, type="float", strategy="group", group_size=32)),
])  # fmt: skip
def test_the_same_scales_give_the_same_weights(name: str, options: dict, seed: int) -> None:
    """Scales are ours: the library's are those of other observers, and round up in MX formats."""
    torch, Args, quantize, dequantize, *_ = library()
    w = vectors(seed)
    args = Args(**{"type": "int", "symmetric": True, **options})
    encoded = codec(name).encode(w)
    scale = np.atleast_2d(encoded.codec.scale(encoded.parts))
    zero, sign = encoded.parts.get("zero"), 2 ** (args.num_bits - 1) if "zero" in encoded.parts else 0
    zero = None if zero is None else torch.from_numpy(zero.astype(np.float32) - sign)
    safe = torch.from_numpy(np.where(scale == 0, 1, scale))
    theirs = quantize(torch.from_numpy(w), safe, zero, args)
    kept = np.repeat(np.broadcast_to(scale != 0, (len(w), scale.shape[1])), w.shape[1] // scale.shape[1], axis=1)
    assert np.array_equal(encoded.dequantized()[kept], dequantize(theirs, safe, zero, args).numpy()[kept])
