"""Matrices as the checkpoints of others store them: several tensors with one prefix, to the codes of a format.

Which layout it is, `quant_method` of quantization_config says. What a format of formats.csv holds exactly becomes
`Encoded`; other scales, and columns in another order than their groups (act-order), become real numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...errors import Unsupported
from ..codec import Encoded
from ..floats import DTYPES, Floats
from . import awq, bitnet, compressed, fp8, gptq, modelopt
from .tensors import Tensor, Tensors

__all__ = ["LAYOUTS", "Tensor", "Tensors", "read"]

Reader = Callable[[Mapping[str, Any], Tensors, tuple[int, int]], Encoded | Floats]
LAYOUTS: dict[str, Reader] = {
    "gptq": gptq.read, "awq": awq.read, "compressed-tensors": compressed.read, "fp8": fp8.read,
    "modelopt": modelopt.read, "bitnet": bitnet.read,
}  # fmt: skip


def read(config: Mapping[str, Any], tensors: Tensors, shape: tuple[int, int]) -> Encoded | Floats:
    """The matrix [n, k] = `shape` that `tensors` hold, by the quantization_config of its model."""
    if set(tensors.found) == {"weight"} and tensors["weight"].kind in DTYPES:
        return Floats(tensors["weight"].kind, tensors.array("weight", DTYPES, shape))
    method = config.get("quant_method", "modelopt" if "quant_algo" in config else None)
    if method not in LAYOUTS:
        known = ", ".join(LAYOUTS)
        raise Unsupported(f"{tensors.where}: quant_method = {method!r} is a layout that is not known (known: {known})")
    return LAYOUTS[method](config, tensors, shape)
