"""compressed-tensors, the checkpoints of vLLM and llm-compressor. `format` says which arrays a matrix has:

pack-quantized         weight_packed int32 [n, k bits / 32], low bits first, q + 2^(bits - 1); weight_scale [n, groups];
                       weight_zero_point int32, packed along the outputs; weight_shape; weight_g_idx with act-order
int-quantized          weight int8 [n, k], weight_scale [n, groups], weight_zero_point int8
float-quantized        weight FP8, weight_scale: of the tensor, a row, or a block of 128 x 128
naive-quantized        one of the two above
nvfp4-pack-quantized   weight_packed uint8 [n, k / 2], weight_scale E4M3 [n, k / 16], weight_global_scale
mxfp4-pack-quantized   weight_packed uint8, weight_scale E8M0 [n, k / 32]
mxfp8-quantized        weight E4M3, weight_scale E8M0

Older versions left the rest of a word empty where bits do not divide 32: told by the width. Source: compressed-tensors
0.20 (Apache-2.0), compressors/*.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ...errors import Unsupported
from ..codec import Encoded, codec
from ..floats import Floats
from .fours import nibbles, nvfp4
from .scaled8 import eights
from .tensors import WORD, Tensors, groups_of, integers, number, order_of, unordered, words

_BESIDE = ("bias", "input_scale", "input_zero_point", "input_global_scale")
Reader = Callable[[Mapping[str, Any], Tensors, tuple[int, int]], Encoded | Floats]


def read(config: Mapping[str, Any], tensors: Tensors, shape: tuple[int, int]) -> Encoded | Floats:
    """`weights` of the group whose format fits; several groups must not differ in it."""
    groups = [g for g in _table(config.get("config_groups")).values() if isinstance(g, Mapping)]
    weights = [_table(g.get("weights")) for g in groups]
    kinds = {str(g.get("format") or config.get("format")) for g in groups}
    if len(kinds) != 1 or any(w != weights[0] for w in weights[1:]):
        raise Unsupported(f"{tensors.where}: config_groups has {len(groups)} groups that differ: one scheme is read")
    (kind,) = kinds
    if kind not in _FORMATS:
        known = ", ".join(_FORMATS)
        raise Unsupported(f"{tensors.where}: format = {kind!r} is a layout that is not known (known: {known})")
    return _FORMATS[kind](weights[0], tensors, shape)


def _table(value: Any) -> Mapping[str, Any]:
    """Nothing for what is none."""
    return value if isinstance(value, Mapping) else {}


def _packed(weights: Mapping[str, Any], tensors: Tensors, shape: tuple[int, int]) -> Encoded | Floats:
    (n, k), where = shape, tensors.where
    bits, groups = number(weights, "num_bits", tuple(range(2, 9)), where), _groups(weights, k, where)
    tensors.only("weight_packed", "weight_scale", "weight_zero_point", "weight_shape", "weight_g_idx", *_BESIDE)
    q = _codes(tensors, "weight_packed", (n, k), bits)
    scale = tensors.real("weight_scale", (n, groups), (n,)).reshape(n, groups)
    zero = None
    if "weight_zero_point" in tensors.found:
        zero = _codes(tensors, "weight_zero_point", (groups, n), bits, turned=True).T.astype(np.int16)
    order = order_of(tensors, "weight_g_idx", k, groups)
    if order is not None:
        return unordered(q, scale, np.full_like(q[:, :groups], 2 ** (bits - 1)) if zero is None else zero, order)
    return integers(q, scale, zero, bits)


def _codes(tensors: Tensors, name: str, shape: tuple[int, int], bits: int, turned: bool = False) -> np.ndarray:
    """uint8 `shape`, of words that are full, or that hold as many whole codes as fit. `turned`: packed downwards."""
    rows, count = shape
    data = tensors[name].data
    padded = -(-count // (WORD // bits))
    width = padded if data.ndim == 2 and data.shape[0 if turned else 1] == padded else -(-count * bits // WORD)
    packed = tensors.array(name, ("I32",), (width, rows) if turned else (rows, width))
    packed = packed.T if turned else packed
    if width != -(-count * bits // WORD):
        every = np.ascontiguousarray(packed).view(np.uint32)[..., None] >> np.arange(0, WORD // bits * bits, bits)
        return (every & (2**bits - 1)).astype(np.uint8).reshape(rows, -1)[:, :count]
    return words(packed, bits)[:, :count]


def _integers(weights: Mapping[str, Any], tensors: Tensors, shape: tuple[int, int]) -> Encoded | Floats:
    n, k = shape
    bits, groups = number(weights, "num_bits", (4, 8), tensors.where), _groups(weights, k, tensors.where)
    tensors.only("weight", "weight_scale", "weight_zero_point", *_BESIDE)
    middle = 2 ** (bits - 1)
    q = (tensors.array("weight", ("I8",), shape).astype(np.int16) + middle).astype(np.uint8)
    scale, zero = tensors.real("weight_scale", (n, groups), (n,), (1,), ()), None
    scale = np.broadcast_to(scale.reshape(-1, 1), (n, 1)) if scale.size in (1, n) and groups == 1 else scale
    if "weight_zero_point" in tensors.found:
        stored = tensors.array("weight_zero_point", ("I8",), tensors["weight_zero_point"].data.shape)
        zero = np.broadcast_to(stored.reshape(-1, groups), (n, groups)).astype(np.int16) + middle
    return integers(q, np.ascontiguousarray(scale), zero, bits)


def _floats(weights: Mapping[str, Any], tensors: Tensors, shape: tuple[int, int]) -> Encoded | Floats:
    tensors.only("weight", "weight_scale", *_BESIDE)
    return eights(tensors, "weight", "weight_scale", shape)


def _naive(weights: Mapping[str, Any], tensors: Tensors, shape: tuple[int, int]) -> Encoded | Floats:
    kind = number(weights, "type", ("int", "float"), tensors.where)
    return (_integers if kind == "int" else _floats)(weights, tensors, shape)


def _nvfp4(weights: Mapping[str, Any], tensors: Tensors, shape: tuple[int, int]) -> Encoded | Floats:
    tensors.only("weight_packed", "weight_scale", "weight_global_scale", *_BESIDE)
    return nvfp4(tensors, "weight_packed", tensors.real("weight_global_scale", (1,), ()), shape)


def _mxfp4(weights: Mapping[str, Any], tensors: Tensors, shape: tuple[int, int]) -> Encoded | Floats:
    tensors.only("weight_packed", "weight_scale", *_BESIDE)
    return _mx("mxfp4", nibbles(tensors, "weight_packed", shape), tensors, shape)


def _mxfp8(weights: Mapping[str, Any], tensors: Tensors, shape: tuple[int, int]) -> Encoded | Floats:
    tensors.only("weight", "weight_scale", *_BESIDE)
    return _mx("mxfp8-e4m3", tensors.array("weight", ("F8_E4M3",), shape), tensors, shape)


def _mx(name: str, codes: np.ndarray, tensors: Tensors, shape: tuple[int, int]) -> Encoded:
    n, k = shape
    scale = tensors.array("weight_scale", ("U8", "F8_E8M0"), (n, groups_of(k, 32, tensors.where)))
    return Encoded(codec(name), n, k, {"codes": codes, "scale": scale})


def _groups(weights: Mapping[str, Any], k: int, where: str) -> int:
    strategy = number({"strategy": "group", **weights}, "strategy", ("channel", "group", "tensor"), where)
    return groups_of(k, weights.get("group_size") if strategy == "group" else -1, where)


_FORMATS: dict[str, Reader] = {
    "pack-quantized": _packed, "int-quantized": _integers, "float-quantized": _floats, "naive-quantized": _naive,
    "nvfp4-pack-quantized": _nvfp4, "mxfp4-pack-quantized": _mxfp4, "mxfp8-quantized": _mxfp8,
}  # fmt: skip
