"""NVIDIA ModelOpt: FP8 with a scale a tensor, and NVFP4 with `weight_scale_2` = 1 / t.

The reciprocal of weight_scale_2 is rounded once: weights may differ by the last bit of a binary32.
Source: NVIDIA TensorRT Model Optimizer, unified Hugging Face checkpoints.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...errors import InputError
from ..codec import Encoded
from ..floats import Floats
from .fours import nvfp4
from .scaled8 import eights
from .tensors import Tensors, number


def read(config: Mapping[str, Any], tensors: Tensors, shape: tuple[int, int]) -> Encoded | Floats:
    kind = number(config, "quant_algo", ("FP8", "NVFP4", "W4A16_NVFP4"), tensors.where)
    tensors.only("weight", "weight_scale", "weight_scale_2", "input_scale", "bias")
    if kind == "FP8":
        return eights(tensors, "weight", "weight_scale", shape)
    s = tensors.real("weight_scale_2", (), (1,))
    if not s.all():
        raise InputError(f"{tensors.where}: weight_scale_2 is 0: the tensor has no scale")
    return nvfp4(tensors, "weight", np.float32(1) / s, shape)
