"""NF4: 16 levels at quantiles of the normal distribution, times the largest magnitude of 64 weights, in binary16.

Source: Dettmers et al., "QLoRA", arXiv 2305.14314, appendix E; the levels of its library bitsandbytes.
"""

from __future__ import annotations

import numpy as np

from .beside import Part, half, magnitude, real
from .codec import Codec, Parts
from .element import Codebook
from .scaled import Scaled
from .spec import NumberFormat

LEVELS = np.array([
    -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635,
    -0.18477343022823334, -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725,
    0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0,
], np.float32)  # fmt: skip


def made(form: NumberFormat) -> Codec:
    return Nf4(form, Codebook(LEVELS))


class Nf4(Scaled):
    stored = (Part("scale", np.uint16),)

    def params(self, x: np.ndarray, whole: Parts) -> Parts:
        return {"scale": half(magnitude(x))}

    def scale(self, params: Parts) -> np.ndarray:
        return real(params["scale"])
