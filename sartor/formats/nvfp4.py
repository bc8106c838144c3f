"""NVFP4: blocks of 16 E2M1 with an E4M3 scale each, and a binary32 scale for the tensor.

t = fl(2688 / |w|max of the tensor), so that 448 x 6 is the largest (1 where that is not finite);
s = e4m3(fl(fl(|w|max of the block / 6) t)); q = e2m1(fl(w / fl(s / t))), 0 where s is 0; w = fl(q fl(s / t)).
t is what a tensor was multiplied by: some layouts store 1 / t. Its 32 bits a tensor are not counted.
Sources: NVIDIA, "Pretraining LLMs with NVFP4", arXiv 2509.25149; layout and order of operations of compressed-tensors.
"""

from __future__ import annotations

import numpy as np

from .beside import Part, magnitude
from .codec import Codec, Parts
from .element import E2M1, E4M3
from .floats import Floats
from .fp8 import largest
from .scaled import Scaled
from .spec import NumberFormat


def made(form: NumberFormat) -> Codec:
    return Nvfp4(form, E2M1)


class Nvfp4(Scaled):
    stored = (Part("scale", np.uint8), Part("tensor", np.float32, tensor=True))

    def whole(self, w: Floats) -> Parts:
        with np.errstate(all="ignore"):
            t = np.float32(E4M3.largest * E2M1.largest) / largest(w)
        return {"tensor": np.asarray(t if np.isfinite(t) else 1, np.float32)}

    def params(self, x: np.ndarray, whole: Parts) -> Parts:
        return {"scale": E4M3.nearest(magnitude(x) / np.float32(E2M1.largest) * whole["tensor"])}

    def scale(self, params: Parts) -> np.ndarray:
        return E4M3.numbers(params["scale"]) / params["tensor"]
