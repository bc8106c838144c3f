"""Matrices packed as GPTQ and AWQ do, code by code, from the loops of their writers."""

import numpy as np

from sartor.formats.layouts import Tensor, Tensors

KINDS = {"int32": "I32", "int64": "I64", "uint8": "U8", "int8": "I8", "float16": "F16", "float32": "F32"}


def tensors(where: str = "m: q_proj", **arrays: np.ndarray) -> Tensors:
    """Tensors as a file has them; (kind, array) where NumPy has no such type."""
    found = {name: Tensor(*a) if isinstance(a, tuple) else Tensor(KINDS[str(a.dtype)], a) for name, a in arrays.items()}
    return Tensors(where, found)


def packed_down(codes: np.ndarray, bits: int) -> np.ndarray:
    """int32 [k bits / 32, n] of codes [k, n], as the loop of AutoGPTQ's pack: a word is filled from its low bits on;
    three bits go across words: 32 codes in three."""
    k, n = codes.shape
    out = np.zeros((k * bits // 32, n), np.int64)
    for i in range(k):
        for bit in range(bits):
            at = i * bits + bit
            out[at // 32] |= ((codes[i].astype(np.int64) >> bit) & 1) << (at % 32)
    return out.astype(np.uint32).view(np.int32)


def gptq(q: np.ndarray, zero: np.ndarray, scale: np.ndarray, bits: int, less: int = 1, **more: np.ndarray) -> Tensors:
    """q [n, k], zero and scale [n, groups]."""
    qzeros = packed_down(((zero - less) % 2**bits), bits).T
    return tensors(qweight=packed_down(q.T, bits), qzeros=np.ascontiguousarray(qzeros),
                   scales=scale.T.astype(np.float16), **more)  # fmt: skip


def awq_words(codes: np.ndarray) -> np.ndarray:
    """int32 [rows, n / 8], as the loop of AutoAWQ's WQLinear_GEMM.from_linear."""
    out = np.zeros((codes.shape[0], codes.shape[1] // 8), np.int64)
    for column in range(out.shape[1]):
        for i, place in enumerate([0, 2, 4, 6, 1, 3, 5, 7]):
            out[:, column] |= codes[:, column * 8 + place].astype(np.int64) << (i * 4)
    return out.astype(np.uint32).view(np.int32)


def awq(q: np.ndarray, zero: np.ndarray, scale: np.ndarray) -> Tensors:
    return tensors(qweight=awq_words(q.T), qzeros=awq_words(zero.T), scales=scale.T.astype(np.float16))


def weights(q: np.ndarray, zero: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """scale (q - zero), group by group."""
    size = q.shape[1] // scale.shape[1]
    d, z = (np.repeat(a, size, axis=1) for a in (scale.astype(np.float32), zero.astype(np.float32)))
    return (q.astype(np.float32) - z) * d
