"""OCP Microscaling: 32 elements share a power of two.

The scale's code is E8M0: 2^(code - 127), 255 is NaN. X = 2^(floor(log2 |w|max) - emax), emax the exponent of the
largest element: 8, 15, 4, 2, 2, 0 for E4M3, E5M2, E3M2, E2M3, E2M1 and INT8 (n / 64). Elements round to nearest even
and saturate: of E2M1 all beyond 6 X, though |w|max may be nearly 8 X. X is kept within the codes 0 to 254.
Source: OCP Microscaling Formats (MX) Specification v1.0, sections 5 and 6.3.
"""

from __future__ import annotations

import numpy as np

from .beside import Part, magnitude
from .codec import Codec, Parts
from .element import Integer, Small
from .scaled import SMALL, Scaled
from .spec import NumberFormat

INT8 = Integer(8, -127, 127, unit=1 / 64)


def made(form: NumberFormat) -> Codec:
    return Mx(form, SMALL.get(form.number, INT8))


class Mx(Scaled):
    stored = (Part("scale", np.uint8),)

    def params(self, x: np.ndarray, whole: Parts) -> Parts:
        emax = self.of.top if isinstance(self.of, Small) else 0
        field = (magnitude(x).view(np.uint32) >> np.uint32(23)).astype(np.int16)
        return {"scale": np.maximum(field - emax, 0).astype(np.uint8)}

    def scale(self, params: Parts) -> np.ndarray:
        return power(params["scale"])

    @property
    def code_type(self) -> np.dtype[np.int8] | np.dtype[np.uint8]:
        return np.dtype(np.uint8) if isinstance(self.of, Small) else np.dtype(np.int8)


def power(codes: np.ndarray) -> np.ndarray:
    """float32 of E8M0."""
    field = codes.astype(np.uint32) << np.uint32(23)
    field[codes == 0] = 1 << 22
    numbers = field.view(np.float32)
    numbers[codes == 255] = np.nan
    return numbers
