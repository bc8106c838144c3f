"""BitNet b1.58, as transformers packs it: four rows of ternary weights in a byte, and one scale.

weight         uint8 [n / 4, k]: two bits, q + 1; rows i, i + n / 4, i + n / 2, i + 3 n / 4 from the lowest
weight_scale   one number: w = q scale where `linear_class` is autobitlinear, q / scale where it is bitlinear

Source: Ma et al., arXiv 2402.17764; transformers, integrations/bitnet.py (pack_weights, the two forward passes).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...errors import BrokenFile, InputError
from ..codec import Encoded, codec
from ..floats import Floats
from .tensors import Tensors, number

ROWS = 4  # in a byte


def read(config: Mapping[str, Any], tensors: Tensors, shape: tuple[int, int]) -> Encoded | Floats:
    (n, k), where = shape, tensors.where
    linear = number({"linear_class": "bitlinear", **config}, "linear_class", ("bitlinear", "autobitlinear"), where)
    tensors.only("weight", "weight_scale", "bias")
    if n % ROWS:
        raise InputError(f"{where}: {n} rows are not whole bytes of {ROWS} rows")
    packed = tensors.array("weight", ("U8",), (n // ROWS, k))
    codes = np.concatenate([packed >> np.uint8(2 * i) & np.uint8(3) for i in range(ROWS)])
    if (codes == 3).any():
        row, column = (int(i) for i in np.argwhere(codes == 3)[0])
        raise BrokenFile(f"{where}: weight at [{row}, {column}] has the code 3, but ternary weights are 0, 1 and 2")
    scale = tensors.real("weight_scale", (1,), ())
    if not scale.all():
        raise InputError(f"{where}: weight_scale is 0: the tensor has no scale")
    scale = scale if linear == "autobitlinear" else np.float32(1) / scale
    return Encoded(codec("ternary"), n, k, {"codes": codes, "scale": np.asarray(scale, np.float32).reshape(())})
