"""Checkpoints of GPTQ, AWQ, DeepSeek, ModelOpt and BitNet: exact weights, the format they become, what is refused."""

import numpy as np
import pytest
import stored

from sartor.errors import BrokenFile, InputError, Unsupported
from sartor.formats.codec import Encoded, codec
from sartor.formats.floats import Floats
from sartor.formats.layouts import read

N, K = 64, 256


def case(bits: int, group: int, seed: int = 0):
    """Codes, zero points and scales in binary16."""
    rng, groups = np.random.default_rng(seed), K // group
    scale = (rng.random((N, groups)) * 0.1 + 0.001).astype(np.float16)
    zero = rng.integers(1, 2**bits, (N, groups), np.int16)
    return rng.integers(0, 2**bits, (N, K)).astype(np.uint8), zero, scale


def gptq(bits: int, group: int, **more) -> dict:
    return {"quant_method": "gptq", "bits": bits, "group_size": group, **more}


@pytest.mark.parametrize("bits", [2, 3, 4])
@pytest.mark.parametrize("group", [32, 128])
def test_gptq_with_zero_points(bits: int, group: int) -> None:
    q, zero, scale = case(bits, group)
    for less, form in ((1, "gptq"), (0, "gptq_v2")):
        found = read(gptq(bits, group, checkpoint_format=form), stored.gptq(q, zero, scale, bits, less), (N, K))
        assert isinstance(found, Encoded) and found.codec.form.name == f"int{bits}-g{group}-zp"
        assert np.array_equal(found.dequantized(), stored.weights(q, zero, scale))
        assert np.array_equal(found.codes, q)


@pytest.mark.parametrize(("bits", "group", "name"), [
    (4, 128, "int4-g128"), (3, 64, "int3-g64"), (8, 128, "int8-g128"), (8, K, "int8"), (2, 32, "int2-g32"),
])  # fmt: skip
def test_symmetric_gptq_is_what_the_decoders_know(bits: int, group: int, name: str) -> None:
    q, zero, scale = case(bits, group)
    zero[:] = 2 ** (bits - 1)
    size = -1 if group == K else group
    found = read(gptq(bits, size), stored.gptq(q, zero, scale, bits), (N, K))
    assert found.codec.form.name == name
    assert np.array_equal(found.dequantized(), stored.weights(q, zero, scale))
    again = found.codec.unpack(found.packed().tobytes(), N, K)
    assert np.array_equal(again.dequantized(), found.dequantized())


def test_act_order_becomes_real_numbers_in_the_order_of_the_inputs() -> None:
    q, zero, scale = case(4, 64)
    order = np.random.default_rng(1).permutation(np.arange(K, dtype=np.int32) // 64)
    found = read(gptq(4, 64, desc_act=True), stored.gptq(q, zero, scale, 4, g_idx=order), (N, K))
    assert isinstance(found, Floats)
    expected = (q.astype(np.float32) - zero[:, order]) * scale.astype(np.float32)[:, order]
    assert np.array_equal(found.dequantized(), expected)
    plain = read(gptq(4, 64), stored.gptq(q, zero, scale, 4, g_idx=np.arange(K, dtype=np.int32) // 64), (N, K))
    assert isinstance(plain, Encoded)


@pytest.mark.parametrize("symmetric", [True, False])
def test_act_order_of_compressed_tensors(symmetric: bool) -> None:
    """Its older versions wrote -1 everywhere where columns are in order."""
    q, zero, scale = case(4, 64)
    zero[:] = 8 if symmetric else zero
    order = np.random.default_rng(1).permutation(np.arange(K, dtype=np.int32) // 64)
    weights = dict(num_bits=4, type="int", strategy="group", group_size=64, symmetric=symmetric)
    groups = {"g": {"weights": weights}}
    config = {"quant_method": "compressed-tensors", "format": "pack-quantized", "config_groups": groups}
    arrays = dict(weight_packed=np.ascontiguousarray(stored.packed_down(q.T, 4).T), weight_scale=scale)
    if not symmetric:
        arrays["weight_zero_point"] = np.ascontiguousarray(stored.packed_down(zero, 4))
    found = read(config, stored.tensors(**arrays, weight_g_idx=order), (N, K))
    assert isinstance(found, Floats)
    expected = (q.astype(np.float32) - zero[:, order]) * scale.astype(np.float32)[:, order]
    assert np.array_equal(found.dequantized(), expected)
    plain = read(config, stored.tensors(**arrays, weight_g_idx=np.full(K, -1, np.int32)), (N, K))
    assert isinstance(plain, Encoded) and np.array_equal(plain.dequantized(), stored.weights(q, zero, scale))


def test_a_zero_point_of_sixteen_becomes_real_numbers() -> None:
    """Stored as 15, it means 16, which four bits do not hold."""
    q, zero, scale = case(4, 128)
    zero[0, 0] = 16
    found = read(gptq(4, 128), stored.gptq(q, zero, scale, 4), (N, K))
    assert isinstance(found, Floats) and np.array_equal(found.dequantized(), stored.weights(q, zero, scale))


@pytest.mark.parametrize("group", [32, 64, 128])
def test_awq(group: int) -> None:
    q, zero, scale = case(4, group)
    config = {"quant_method": "awq", "bits": 4, "group_size": group, "version": "gemm", "zero_point": True}
    found = read(config, stored.awq(q, zero, scale), (N, K))
    assert found.codec.form.name == f"int4-g{group}-zp"
    assert np.array_equal(found.codes, q) and np.array_equal(found.parts["zero"], zero)
    assert np.array_equal(found.dequantized(), stored.weights(q, zero, scale))


def test_fp8_in_blocks_as_deepseek_has_it() -> None:
    rng = np.random.default_rng(2)
    codes = rng.integers(0, 0x7F, (200, 300), np.uint8)
    scale = rng.random((2, 3)).astype(np.float32)
    config = {"quant_method": "fp8", "weight_block_size": [128, 128]}
    found = read(config, stored.tensors(weight=("F8_E4M3", codes), weight_scale_inv=scale), (200, 300))
    spread = np.repeat(np.repeat(scale, 128, 0), 128, 1)[:200, :300]
    assert found.codec.form.name == "fp8-e4m3-b128"
    assert np.array_equal(found.dequantized(), codec("fp8-e4m3").element.numbers(codes) * spread)
    with pytest.raises(Unsupported, match=r"weight_block_size = \(64, 64\) is not read"):
        read({**config, "weight_block_size": [64, 64]}, stored.tensors(), (200, 300))


def test_modelopt() -> None:
    rng = np.random.default_rng(3)
    packed, scale = rng.integers(0, 256, (8, 32), np.uint8), rng.integers(1, 0x7F, (8, 4), np.uint8)
    arrays = dict(weight=packed, weight_scale=("F8_E4M3", scale), weight_scale_2=np.array(0.25, np.float32))
    found = read({"quant_algo": "NVFP4"}, stored.tensors(**arrays), (8, 64))
    codes = np.stack([packed & 15, packed >> 4], -1).reshape(8, 64)
    e2m1, e4m3 = codec("nvfp4").element, codec("fp8-e4m3").element
    expected = e2m1.numbers(codes) * np.repeat(e4m3.numbers(scale), 16, 1) * np.float32(0.25)
    assert found.codec.form.name == "nvfp4" and np.array_equal(found.dequantized(), expected)
    eight = dict(weight=("F8_E4M3", np.arange(126, dtype=np.uint8)[None]), weight_scale=np.float32([0.5]))
    found = read({"quant_method": "modelopt", "quant_algo": "FP8"}, stored.tensors(**eight), (1, 126))
    assert found.codec.form.name == "fp8-e4m3-tensor" and found.dequantized()[0, 125] == 208


def test_bitnet_by_hand() -> None:
    """Row i of the bytes holds rows i, i + 2, i + 4, i + 6; 0b10_01_00_10 is 1, -1, 0, 1 from the lowest."""
    packed = np.array([[0b10010010], [0b01010101]], np.uint8)
    config = {"quant_method": "bitnet", "linear_class": "autobitlinear"}
    arrays = dict(weight=packed, weight_scale=np.float32([2]))
    found = read(config, stored.tensors(**arrays), (8, 1))
    assert found.dequantized()[:, 0].tolist() == [2, 0, -2, 0, 0, 0, 2, 0]
    other = read({"quant_method": "bitnet"}, stored.tensors(**arrays), (8, 1))
    assert other.dequantized()[:, 0].tolist() == [0.5, 0, -0.5, 0, 0, 0, 0.5, 0]
    with pytest.raises(BrokenFile, match=r"weight at \[6, 0\] has the code 3"):
        read(config, stored.tensors(weight=packed | 0xC0, weight_scale=np.float32([2])), (8, 1))


def test_what_is_not_quantized_stays_as_it_is() -> None:
    w = np.ones((4, 32), np.float16)
    found = read(gptq(4, 32), stored.tensors(weight=w), (4, 32))
    assert isinstance(found, Floats) and found.kind == "F16"


Q, Z, S = case(4, 128)
GOOD = stored.gptq(Q, Z, S, 4)
NINES = stored.Tensor("I32", np.full(K, 9, np.int32))


def without(name: str, **more):
    return stored.Tensors("m: q_proj", {n: t for n, t in GOOD.found.items() if n != name} | more)


def scales(value: float):
    bad = S.T.copy()
    bad[1, 5] = value
    return without("scales", scales=stored.Tensor("F16", bad))


@pytest.mark.parametrize(("config", "tensors", "error", "message"), [
    ({"quant_method": "squeezellm"}, GOOD, Unsupported, r"quant_method = 'squeezellm' is a layout that is not known"),
    (gptq(5, 128), GOOD, Unsupported, r"m: q_proj: bits = 5 is not read \(known: 2, 3, 4, 8\)"),
    (gptq(4, 96), GOOD, InputError, r"m: q_proj: groups of 96 weights do not divide rows of 256"),
    (gptq(4, "big"), GOOD, Unsupported, r"m: q_proj: group_size = 'big' is not a whole number"),
    ({"quant_method": "awq", "bits": 4, "group_size": [1]}, GOOD, Unsupported, r"group_size = \[1\] is not a whole"),
    ({"quant_method": "compressed-tensors", "config_groups": [1]}, GOOD, Unsupported, r"config_groups has 0 groups"),
    ({"quant_method": "compressed-tensors", "format": "pack-quantized", "config_groups": {"a": {"weights": [1]}}}, GOOD,
     Unsupported, r"num_bits = None is not read"),
    ({"quant_method": "fp8", "weight_block_size": 128}, GOOD, Unsupported, r"weight_block_size = 128 is not read"),
    (gptq(4, 128, checkpoint_format="marlin"), GOOD, Unsupported, r"checkpoint_format = 'marlin' is not read"),
    (gptq(4, 128), without("qzeros"), BrokenFile, r"tensor 'qzeros' is missing \(there are: qweight, scales\)"),
    (gptq(4, 64), GOOD, BrokenFile, r"scales is 2 x 64, but its matrix asks for 4 x 64"),
    (gptq(8, 128), GOOD, BrokenFile, r"qweight is 32 x 64, but its matrix asks for 64 x 64"),
    (gptq(4, 128), scales(np.nan), InputError, r"m: q_proj: scales is nan at \[1, 5\]: not a number"),
    (gptq(4, 128), scales(np.inf), InputError, r"m: q_proj: scales is inf at \[1, 5\]: not a number"),
    (gptq(4, 128), without("", lora=GOOD["scales"]), Unsupported, r"tensor 'lora' has no place in this layout"),
    (gptq(4, 128), without("", g_idx=NINES), BrokenFile, r"g_idx names group 9 of 2"),
    ({"quant_method": "awq", "bits": 4, "group_size": 128, "version": "gemv"}, GOOD, Unsupported, r"version = 'gemv'"),
    ({"quant_method": "compressed-tensors"}, GOOD, Unsupported, r"config_groups has 0 groups that differ"),
    ({"quant_method": "compressed-tensors", "format": "marlin-24", "config_groups": {"a": {"weights": {}}}}, GOOD,
     Unsupported, r"format = 'marlin-24' is a layout that is not known \(known: pack-quantized, "),
])  # fmt: skip
def test_what_is_refused(config, tensors, error, message) -> None:
    with pytest.raises(error, match=message):
        read(config, tensors, (N, K))
