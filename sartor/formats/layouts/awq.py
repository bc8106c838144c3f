"""AWQ, as AutoAWQ writes it (version gemm): four bits packed along the outputs, w = scale (q - zero).

qweight   int32 [k, n / 8]: of eight neighboring outputs, the nibbles from the lowest hold 0, 2, 4, 6, 1, 3, 5, 7
qzeros    int32 [groups, n / 8]: likewise, as they are
scales    [groups, n]

Source: Lin et al., "AWQ", arXiv 2306.00978; AutoAWQ, awq/modules/linear/gemm.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..codec import Encoded
from ..floats import Floats
from .tensors import Tensors, groups_of, integers, number, words

ORDER = (0, 2, 4, 6, 1, 3, 5, 7)
BITS = 4


def read(config: Mapping[str, Any], tensors: Tensors, shape: tuple[int, int]) -> Encoded | Floats:
    (n, k), where = shape, tensors.where
    number({"bits": config.get("bits", config.get("w_bit"))}, "bits", (BITS,), where)
    number({"version": str(config.get("version", "gemm")).lower()}, "version", ("gemm",), where)
    tensors.only("qweight", "qzeros", "scales", "bias")
    groups = groups_of(k, config.get("group_size", config.get("q_group_size")), where)
    q = _outputs(tensors.array("qweight", ("I32",), (k, n // 8)))
    zero = _outputs(tensors.array("qzeros", ("I32",), (groups, n // 8)))
    scale = tensors.real("scales", (groups, n)).T
    return integers(np.ascontiguousarray(q.T), np.ascontiguousarray(scale), zero.T.astype(np.int16), BITS)


def _outputs(packed: np.ndarray) -> np.ndarray:
    """uint8 [rows, n] in the order of the outputs."""
    nibbles = words(packed, BITS).reshape(len(packed), -1, 8)
    return nibbles[..., np.argsort(ORDER)].reshape(len(packed), -1)
