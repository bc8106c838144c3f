"""Real weights to what the chip stores: the codec of the format, round to nearest, no calibration.

What is stored beside the codes is what the decoder reads. The scale of a whole NVFP4 tensor is a power of two there:
2^-8, or the next smaller that its largest weight leaves, so that all matrices of a network have the same. Scales in
binary32, of an FP8 tensor or of its blocks of 128 x 128, are 2^-8 times binary16 numbers, rounded, for each row.
"""

from __future__ import annotations

import functools

import numpy as np

from ..errors import InputError, Unsupported
from .beside import half, real
from .blocks import Blocks
from .codec import Codec, Encoded, Parts, codec
from .decode import Element
from .element import E2M1, E4M3
from .floats import Floats
from .fp8 import largest
from .group_scale import Scale
from .hardware import BLOCK, Coding, decoded
from .nvfp4 import Nvfp4
from .spec import formats

POWER = 8  # blocks whose largest weight is 2^-12 to 10 have a scale with all of its bits
MOST = 65520.0  # what is smaller rounds to a binary16 number


def quantize(w: Floats, coding: Coding, where: str = "the weights") -> Blocks:
    """`w` [n, k] as `coding` stores it; the last group of a row may be shorter. `where` names the tensor in errors."""
    if w.k % BLOCK:
        raise InputError(f"{where}: rows of {w.k} weights are not whole blocks of {BLOCK}")
    parts = _codec(coding).encode(w, where).parts
    return Blocks(coding, *_stored(parts, coding, where), int(_power(parts)))


def as_stored(encoded: Encoded, coding: Coding, where: str) -> Blocks:
    """Weights that are in the chip's format already, as they are; others are refused. Ternary ones are integers of two
    bits."""
    if encoded.codec.form.name == "ternary" and (coding.element, coding.scale) == (Element.INT2, Scale.SCALE):
        encoded = _two_bits(encoded, coding.group, where)
    name = encoded.codec.form.name
    parts = encoded.parts
    own, power = decoded().get(name), _power(parts)
    if own is None or own.stream != coding.stream or power % 1:
        exact = "a tensor scale that is no power of two" if own and own.stream == coding.stream else name
        raise Unsupported(
            f"{where} is stored as {exact}, but the chip is made for {coding}: rounding what is rounded already loses "
            "twice (take a chip for its format, the model's BF16 folder, or --requantize)"
        )
    if coding.element == Element.E4M3 and (bad := (parts["codes"] & 0x7F) == 0x7F).any():
        row, column = (int(i) for i in np.argwhere(bad)[0])
        raise InputError(f"{where}: the weight nan at [{row}, {column}] is not a number that can be stored")
    return Blocks(coding, *_stored(parts, own, where), int(power))


def _two_bits(w: Encoded, group: int, where: str) -> Encoded:
    """-1, 0 and 1 as codes of two bits, the tensor's scale in binary16 for each row."""
    with np.errstate(over="ignore"):  # refused right after
        scale = half(w.parts["scale"].reshape(1, 1))
    if not np.isfinite(real(scale)).all():
        raise InputError(f"{where}: its scale {float(w.parts['scale']):g} is beyond binary16")
    parts: Parts = {"codes": w.codes + np.uint8(1), "scale": np.repeat(scale, w.n, axis=0)}
    return Encoded(codec(f"int2-g{group}"), w.n, w.k, parts)


def _power(parts: Parts) -> float:
    """Of two, that the whole matrix is multiplied with."""
    if "tensor" in parts:
        return -float(np.log2(parts["tensor"]))
    return -POWER if parts.get("scale", np.empty(0)).dtype == np.float32 else 0


def _halves(scale: np.ndarray, coding: Coding, n: int, where: str) -> np.ndarray:
    """binary16 [n, groups] of scales in binary32 that rows share."""
    scale = np.ldexp(scale.reshape(-1, scale.shape[-1] if scale.ndim else 1), POWER)
    if not scale.max(initial=0) < MOST:
        raise InputError(f"{where}: a scale of {scale.max() / 2**POWER:g} is beyond the chip's {MOST / 2**POWER:g}")
    return np.repeat(half(scale), coding.rows or n, axis=0)[:n]


def _stored(parts: Parts, coding: Coding, where: str) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Codes, scales, and minima or offsets; the scale of a channel for each of its groups."""
    if "alphas" in parts:
        return parts["codes"], parts["alphas"], parts["offset"]
    codes, scale = parts["codes"], parts["scale"]
    if scale.dtype == np.float32:
        scale = _halves(scale, coding, len(codes), where)
    groups = -(-codes.shape[1] // coding.group)
    if scale.shape[1] == 1 < groups:
        scale = np.repeat(scale, groups, axis=1)
    return codes, scale, parts.get("zero", parts.get("minimum"))


@functools.cache
def _codec(coding: Coding) -> Codec:
    """The first format of the table that is stored so; ggml's own rounding is for reading."""
    name = next(n for n, known in decoded().items() if known == coding and formats()[n].codec != "ggml")
    return PowerNvfp4(formats()[name], E2M1) if name == "nvfp4" else codec(name)


class PowerNvfp4(Nvfp4):
    """NVFP4 with a power of two for the tensor."""

    def whole(self, w: Floats) -> Parts:
        most = float(largest(w))
        power = min(POWER, int(np.floor(np.log2(E4M3.largest * E2M1.largest / most)))) if most > 0 else POWER
        return {"tensor": np.asarray(2.0**power, np.float32)}
