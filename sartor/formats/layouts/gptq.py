"""GPTQ, as AutoGPTQ and GPTQModel write it: codes packed along the inputs, w = scale (q - zero).

qweight   int32 [k bits / 32, n]: codes of one output below each other, low bits first, across words
qzeros    int32 [groups, n bits / 32]: along the outputs, one less than they mean (`checkpoint_format` gptq), or as they
          are (gptq_v2)
scales    [groups, n]
g_idx     int32 [k], optional: the group of each input; with act-order (`desc_act`) these are not in order

Source: Frantar et al., "GPTQ", arXiv 2210.17323; AutoGPTQ, qlinear_cuda_old.py (pack, forward).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..codec import Encoded
from ..floats import Floats
from .tensors import WORD, Tensors, groups_of, integers, number, order_of, unordered, words

BITS = (2, 3, 4, 8)
_LESS = {"gptq": 1, "gptq_v2": 0}


def read(config: Mapping[str, Any], tensors: Tensors, shape: tuple[int, int]) -> Encoded | Floats:
    (n, k), where = shape, tensors.where
    bits = number(config, "bits", BITS, where)
    less = _LESS[number({"checkpoint_format": "gptq", **config}, "checkpoint_format", tuple(_LESS), where)]
    tensors.only("qweight", "qzeros", "scales", "g_idx", "bias")
    groups = groups_of(k, config.get("group_size"), where)
    q = words(tensors.array("qweight", ("I32",), (k * bits // WORD, n)).T, bits)
    scale = tensors.real("scales", (groups, n)).T
    zero = words(tensors.array("qzeros", ("I32",), (groups, n * bits // WORD)), bits).T.astype(np.int16) + less
    order = order_of(tensors, "g_idx", k, groups)
    if order is not None:
        return unordered(q, scale, zero, order)
    return integers(q, np.ascontiguousarray(scale), np.ascontiguousarray(zero), bits)
