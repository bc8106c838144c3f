"""Blocks of GGUF, to the byte: 32 weights with a binary16 scale, and a minimum.

Codes are rounded to the scale before it is binary16, as the reference implementation does:

    Q4_0, Q5_0   d = x / -c, x the extreme (the first of equal ones)   q = trunc(fl(w id) + c + 0.5), id = fl(1 / d)
    Q4_1         d = (high - low) / 15, m = low                        q = trunc(fl(fl(w - m) id) + 0.5)
    Q8_0         d = |x| / 127                                         q = fl(w id), halves away from zero

In memory: d, m, the fifth bits of all codes, then codes: byte j holds the lower four bits of codes j and 16 + j.
Source: ggml-org/ggml, ggml-quants.c: quantize_row_*_ref; gguf-py.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import BrokenFile
from . import stream
from .codec import Codec, Encoded, Parts
from .element import Integer
from .integers import Minimum, Symmetric
from .spec import NumberFormat

_NIBBLE = np.uint8(15)


def made(form: NumberFormat) -> Codec:
    bits = int(form.element_bits)
    c = 2 ** (bits - 1)
    if form.offset_bits:
        return Lowest(form, Integer(bits, 0, 2 * c - 1))
    return Largest(form, Integer(8, -127, 127)) if bits == 8 else Extreme(form, Integer(bits, -c, c - 1, offset=c))


class _Bytes(Symmetric):
    """Packed as in the file: block by block."""

    def pack(self, encoded: Encoded) -> np.ndarray:
        shape = (encoded.n, self.groups(encoded.k))
        halves = [encoded.parts[p.name][..., None].view(np.uint8) for p in self.stored]
        codes = encoded.codes.reshape(*shape, self.form.group)
        return np.concatenate([*halves, *_joined(codes, self.of.bits)], axis=-1).reshape(-1)

    def unpack(self, raw: Any, n: int, k: int) -> Encoded:
        self.check(k, "the weights")
        raw, size = np.frombuffer(raw, np.uint8), int(self.form.bits() * self.form.group) // 8
        if raw.size != n * self.groups(k) * size:
            raise BrokenFile(f"{raw.size} bytes are not {n} x {k} weights of {self.form.name}")
        blocks, parts = raw.reshape(n, -1, size), {}
        for i, p in enumerate(self.stored):
            parts[p.name] = np.ascontiguousarray(blocks[..., 2 * i : 2 * i + 2]).view(np.uint16)[..., 0]
        codes = _split(blocks[..., 2 * len(self.stored) :], self.of.bits)
        return Encoded(self, n, k, {"codes": codes.reshape(n, k), **parts})


class Extreme(_Bytes):
    def groups_encoded(self, x: np.ndarray, whole: Parts) -> Parts:
        at = np.abs(x).argmax(-1)[..., None]
        d = np.take_along_axis(x, at, axis=-1) / np.float32(self.of.low)
        steps = np.trunc(x * _inverse(d) + np.float32(self.of.offset + 0.5))
        return {"codes": np.minimum(steps, 2**self.of.bits - 1).astype(np.uint8), "scale": _half(d)}


class Lowest(_Bytes, Minimum):
    def groups_encoded(self, x: np.ndarray, whole: Parts) -> Parts:
        low, high = x.min(-1, keepdims=True), x.max(-1, keepdims=True)
        d = (high - low) / self.steps
        steps = np.trunc((x - low) * _inverse(d) + np.float32(0.5))
        codes = np.minimum(steps, self.of.high).astype(np.uint8)
        return {"codes": codes, "scale": _half(d), "minimum": _half(low)}


class Largest(_Bytes):
    def groups_encoded(self, x: np.ndarray, whole: Parts) -> Parts:
        d = np.abs(x).max(-1, keepdims=True) / np.float32(127)
        steps = x * _inverse(d)
        whole_steps = np.trunc(steps)
        away = np.copysign((np.abs(steps - whole_steps) >= np.float32(0.5)).astype(np.float32), steps)
        return {"codes": (whole_steps + away).astype(np.int8), "scale": _half(d)}


def _half(d: np.ndarray) -> np.ndarray:
    """The signed zero of a block of zeros stays what it is."""
    return d[..., 0].astype(np.float16).view(np.uint16)


def _inverse(d: np.ndarray) -> np.ndarray:
    return np.where(d == 0, np.float32(0), np.float32(1) / d)


def _joined(codes: np.ndarray, bits: int) -> list[np.ndarray]:
    """The bytes of codes [n, groups, 32]."""
    if bits == 8:
        return [codes.view(np.uint8)]
    low = codes & _NIBBLE
    nibbles = low[..., :16] | low[..., 16:] << 4
    return [nibbles] if bits == 4 else [stream.pack(codes >> 4, 1).reshape(*codes.shape[:2], 4), nibbles]


def _split(raw: np.ndarray, bits: int) -> np.ndarray:
    """Codes [n, groups, 32] of their bytes."""
    if bits == 8:
        return raw.view(np.int8)
    nibbles = raw[..., -16:]
    codes = np.concatenate([nibbles & _NIBBLE, nibbles >> 4], axis=-1)
    return codes if bits == 4 else codes | np.unpackbits(raw[..., :4], axis=-1, bitorder="little") << 4
