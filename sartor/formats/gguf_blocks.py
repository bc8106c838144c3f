"""Blocks of 32 weights as GGUF stores them, for the decoders that read them as they are."""

from __future__ import annotations

import numpy as np

from ..errors import Unsupported
from .blocks import Blocks
from .codec import codec
from .hardware import coding_of

_READ = {"Q4_0": "q4_0", "Q4_1": "q4_1", "Q8_0": "q8_0"}


def unpack(kind: str, raw: np.ndarray, n: int, k: int) -> Blocks:
    """The matrix [n, k] that GGUF stores as `kind` in the bytes `raw`."""
    if kind not in _READ:
        raise Unsupported(f"weights of type {kind} have no decoder in hardware (try Q4_0, Q4_1 or Q8_0)")
    parts = codec(_READ[kind]).unpack(raw, n, k).parts
    return Blocks(coding_of(_READ[kind]), parts["codes"], parts["scale"], parts.get("minimum"))
