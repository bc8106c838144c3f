"""FP8 as DeepSeek publishes it: `weight` with `weight_scale_inv`, which is multiplied, for blocks of 128 x 128.

Source: DeepSeek-V3, arXiv 2412.19437; its config.json (weight_block_size [128, 128]) and inference/kernel.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..codec import Encoded
from ..floats import Floats
from .scaled8 import SIDE, eights
from .tensors import Tensors, number


def read(config: Mapping[str, Any], tensors: Tensors, shape: tuple[int, int]) -> Encoded | Floats:
    if (block := config.get("weight_block_size")) is not None:
        side = tuple(block) if isinstance(block, list) else block
        number({"weight_block_size": side}, "weight_block_size", ((SIDE, SIDE),), tensors.where)
    scale = "weight_scale_inv" if "weight_scale_inv" in tensors.found else "weight_scale"
    tensors.only("weight", scale, "bias", "input_scale", "activation_scale")
    return eights(tensors, "weight", scale, shape)
