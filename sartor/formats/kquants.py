"""Q4_K and Q6_K of GGUF, which are read and not written: superblocks of 256 weights, in the bytes of the file.

    Q4_K   8 blocks of 32: w = fl(fl(d s) q - fl(dmin m))   q 4 bits, s and m 6 bits, d and dmin binary16
    Q6_K   16 blocks of 16: w = fl(fl(d s) (q - 32))        q 6 bits, s 8 bits two's complement, d binary16

Writing them well needs a search over scales, which llama.cpp has (`llama-quantize`); its files are read.
Source: ggml-org/ggml, ggml-quants.c: dequantize_row_q4_K, dequantize_row_q6_K.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from typing import Any

import numpy as np

from ..errors import BrokenFile, Unsupported
from .beside import Part, real
from .codec import Codec, Encoded, Parts
from .grouped import Grouped
from .spec import NumberFormat

SUPER = 256
_LOW = np.uint8(15)


def made(form: NumberFormat) -> Codec:
    """The scales of a superblock together: as many bits a weight as the row says."""
    all_bits = (form.scale_bits + form.offset_bits) * SUPER / form.group
    kind = Q4K if form.element_bits == 4 else Q6K
    return kind(replace(form, group=SUPER, scale_bits=all_bits, offset_bits=0))


class _Read(Grouped):
    bytes: int  # of a superblock

    @property
    def block(self) -> int:
        return SUPER

    def params(self, x: np.ndarray, whole: Parts) -> Parts:
        raise Unsupported(f"{self.form.name} is read from GGUF files, not written (llama-quantize writes it; try q4_1)")

    def codes(self, x: np.ndarray, params: Parts) -> np.ndarray:
        return np.asarray(self.params(x, params)["codes"])

    def unpack(self, raw: Any, n: int, k: int) -> Encoded:
        self.check(k, "the weights")
        raw = np.frombuffer(raw, np.uint8)
        if raw.size != n * k // SUPER * self.bytes:
            raise BrokenFile(f"{raw.size} bytes are not {n} x {k} weights of {self.form.name}")
        parts = self.fields(raw.reshape(n, k // SUPER, self.bytes))
        return Encoded(self, n, k, {**parts, "codes": parts["codes"].reshape(n, k)})

    @abstractmethod
    def fields(self, raw: np.ndarray) -> Parts:
        """Of superblocks [n, groups, bytes]."""


class Q4K(_Read):
    bytes = 144
    stored = (
        Part("d", np.uint16), Part("dmin", np.uint16),
        Part("scale", np.uint8, (8,), few=6), Part("minimum", np.uint8, (8,), few=6),
    )  # fmt: skip

    def fields(self, raw: np.ndarray) -> Parts:
        """Six bits of scales and minima: four of each whole, four with their upper two bits above those."""
        a, b, both = raw[..., 4:8], raw[..., 8:12], raw[..., 12:16]
        scale = [a & 63, both & _LOW | a >> 2 & 48]
        minimum = [b & 63, both >> 4 | b >> 2 & 48]
        pairs = raw[..., 16:].reshape(*raw.shape[:2], 4, 32)
        return {
            "d": _halves(raw[..., :2]), "dmin": _halves(raw[..., 2:4]),
            "scale": np.concatenate(scale, axis=-1), "minimum": np.concatenate(minimum, axis=-1),
            "codes": np.stack([pairs & _LOW, pairs >> 4], axis=-2),
        }  # fmt: skip

    def values(self, codes: np.ndarray, params: Parts) -> np.ndarray:
        d, m = (real(params[a])[..., None] * params[b] for a, b in (("d", "scale"), ("dmin", "minimum")))
        x = codes.reshape(*codes.shape[:2], 8, 32) * d[..., None] - m[..., None]
        return x.reshape(codes.shape)


class Q6K(_Read):
    bytes = 210
    stored = (Part("d", np.uint16), Part("scale", np.int8, (16,)))

    def fields(self, raw: np.ndarray) -> Parts:
        """Each half of 128: lower four bits of 64 and 64 weights, upper two bits of 32, 32, 32 and 32."""
        low = raw[..., :128].reshape(*raw.shape[:2], 2, 1, 64) >> np.array([[0], [4]], np.uint8)
        high = raw[..., 128:192].reshape(*raw.shape[:2], 2, 1, 32) >> np.array([[0], [2], [4], [6]], np.uint8)
        codes = (low & _LOW).reshape(*raw.shape[:2], 8, 32) | (high & 3).reshape(*raw.shape[:2], 8, 32) << 4
        return {"d": _halves(raw[..., 208:]), "scale": raw[..., 192:208].view(np.int8), "codes": codes}

    def values(self, codes: np.ndarray, params: Parts) -> np.ndarray:
        d = real(params["d"])[..., None] * params["scale"]
        q = codes.astype(np.float32) - np.float32(32)
        return (q.reshape(*codes.shape[:2], 16, 16) * d[..., None]).reshape(codes.shape)


def _halves(raw: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(raw).view(np.uint16)[..., 0]
