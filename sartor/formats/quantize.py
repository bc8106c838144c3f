"""Real weights to integer codes in groups: round to nearest, no calibration.

Of a group, x is the weight with the largest magnitude (of two equal ones the positive), low and high the smallest and
the largest weight:

    4 bits                d = x / -8              q in -8 .. 7      so that x itself is -8 d
    8 bits                d = |x| / 127           q in -127 .. 127
    4 bits, minimum       d = (high - low) / 15   q in 0 .. 15      m = low
    8 bits, minimum       d = (high - low) / 255  q in -128 .. 127  m = low + 128 d

d and m in binary32, then rounded to binary16; q = RNE(fl(fl(w - m) / d)) with the rounded d and m, and 0 where d is 0.
In groups of 32 these are Q4_0, Q8_0 and Q4_1 of ggml (ggml-org/ggml, ggml-quants.c: quantize_row_*_ref), which rounds
codes to the unrounded scale. A scale from the signed extreme has 13 to 18 % less squared error than one of
max |w| / 7.5 (measured on normal weights in groups of 128 to 32). A checkpoint with a zero point z (GPTQ, arXiv
2210.17323; AWQ, arXiv 2306.00978) has m = -d z.
"""

from __future__ import annotations

import numpy as np

from ..errors import InputError
from .blocks import Blocks
from .floats import Floats
from .hardware import BLOCK, Coding

CHUNK = 2**17  # weights at a time: they stay in the processor's cache
LOWEST = {(4, False): -8, (8, False): -127, (4, True): 0, (8, True): -128}
STEPS = {4: 15, 8: 255}


def quantize(w: Floats, coding: Coding, where: str = "the weights") -> Blocks:
    """`w` [n, k] as `coding` stores it; the last group of a row may be shorter. `where` names the tensor in errors."""
    if w.k % BLOCK:
        raise InputError(f"{where}: rows of {w.k} weights are not whole blocks of {BLOCK}")
    groups = -(-w.k // coding.group)
    codes = np.empty((w.n, w.k), np.uint8 if coding.bits == 4 else np.int8)
    d, m = np.empty((w.n, groups), np.float16), np.empty((w.n, groups), np.float16)
    step = max(1, CHUNK // w.k)
    for start in range(0, w.n, step):
        part = slice(start, start + step)
        _rows(w.rows(part).dequantized(), coding, (codes[part], d[part], m[part]))
    _check(w, coding, d, m, where)
    return Blocks(
        coding.bits, codes, d.view(np.uint16), m.view(np.uint16) if coding.minimum else None, coding.group
    )


def _rows(w: np.ndarray, coding: Coding, out: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    """Some rows: their whole groups, then the shorter last one."""
    codes, d, m = out
    whole = w.shape[1] // coding.group
    at = whole * coding.group
    if whole:
        _groups(w[:, :at], coding, whole, (codes[:, :at], d[:, :whole], m[:, :whole]))
    if at < w.shape[1]:
        _groups(w[:, at:], coding, 1, (codes[:, at:], d[:, whole:], m[:, whole:]))


def _groups(
    w: np.ndarray, coding: Coding, groups: int, out: tuple[np.ndarray, np.ndarray, np.ndarray]
) -> None:
    """`groups` equal groups of each row: codes, d and m into `out`."""
    x = w.reshape(len(w), groups, -1)
    with np.errstate(over="ignore", invalid="ignore"):  # refused after; + 0 makes -0 into 0
        d, m = (h.astype(np.float16) + np.float16(0) for h in _scales(x.min(-1), x.max(-1), coding))
        steps = x - m[..., None].astype(np.float32) if coding.minimum else x
        divisor = np.where(d == 0, np.float32(np.inf), d.astype(np.float32))
        steps = steps / divisor[..., None]
    low = LOWEST[coding.bits, coding.minimum]
    high = low + STEPS[coding.bits] if coding.minimum or coding.bits == 4 else -low
    np.rint(steps, out=steps)
    np.clip(steps, low, high, out=steps)
    if coding.bits == 4 and not coding.minimum:
        steps += 8
    with np.errstate(invalid="ignore"):
        out[0][...] = steps.reshape(w.shape)
    out[1][...], out[2][...] = d, m


def _scales(low: np.ndarray, high: np.ndarray, coding: Coding) -> tuple[np.ndarray, np.ndarray]:
    """d and m in binary32."""
    if coding.minimum:
        d = (high - low) / np.float32(STEPS[coding.bits])
        return d, low + np.float32(-LOWEST[coding.bits, True]) * d
    extreme = np.where(high >= -low, high, low)
    d = extreme / np.float32(-8) if coding.bits == 4 else np.abs(extreme) / np.float32(127)
    return d, np.zeros_like(d)


def _check(w: Floats, coding: Coding, d: np.ndarray, m: np.ndarray, where: str) -> None:
    """Scales that are not finite are refused with the weight that is to blame."""
    bad = np.argwhere(~(np.isfinite(d) & np.isfinite(m)))
    if not len(bad):
        return
    row, start = int(bad[0][0]), int(bad[0][1]) * coding.group
    group = w.rows(slice(row, row + 1)).dequantized()[0, start : start + coding.group]
    odd = ~np.isfinite(group)
    at = int(np.argmax(odd) if odd.any() else np.argmax(np.abs(group)))
    why = "is not a number that can be stored" if odd.any() else "is too large: its scale overflows binary16"
    raise InputError(f"{where}: the weight {group[at]:g} at [{row}, {start + at}] {why}")
