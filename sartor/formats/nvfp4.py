"""NVFP4: blocks of 16 E2M1 with an E4M3 scale each, and a binary32 scale for the tensor.

s = fl(|w|max of the tensor / 2688), so that 448 x 6 is the largest; s_b = e4m3(fl(fl(|w|max of the block / 6) / s));
q = e2m1(fl(w / fl(s_b s))), 0 where s_b is 0; w = fl(q fl(s_b s)). The 32 bits a tensor are not counted.
Sources: NVIDIA, "Introducing NVFP4", 2025; layout of NVIDIA ModelOpt and of compressed-tensors (which stores 1 / s).
"""

from __future__ import annotations

import numpy as np

from .codec import Codec, Parts
from .element import E2M1, E4M3
from .floats import Floats
from .fp8 import largest
from .grouped import Part, magnitude
from .scaled import Scaled
from .spec import NumberFormat


def made(form: NumberFormat) -> Codec:
    return Nvfp4(form, E2M1)


class Nvfp4(Scaled):
    stored = (Part("scale", np.uint8), Part("tensor", np.float32, tensor=True))

    def whole(self, w: Floats) -> Parts:
        return {"tensor": np.asarray(largest(w) / np.float32(E4M3.largest * E2M1.largest), np.float32)}

    def params(self, x: np.ndarray, whole: Parts) -> Parts:
        divisor = whole["tensor"] if whole["tensor"] else np.float32(np.inf)
        return {"scale": E4M3.nearest(magnitude(x) / np.float32(E2M1.largest) / divisor)}

    def scale(self, params: Parts) -> np.ndarray:
        return E4M3.numbers(params["scale"]) * params["tensor"]
