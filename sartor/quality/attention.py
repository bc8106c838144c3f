"""Causal attention over one window, with the cache in a format: in binary32, or as the chip computes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ..compiler.hf_shape import Shape
from ..families.tensor.core import GROUP
from . import rounding

QUERIES = 256  # at a time: what they cannot see is not computed


class Cache(Protocol):
    """What the format of the cache does to keys and values [tokens, heads, head_dim]."""

    def keys(self, x: np.ndarray) -> np.ndarray: ...

    def values(self, x: np.ndarray) -> np.ndarray: ...


@dataclass(frozen=True)
class Attention:
    """`cache` None: keys and values as they are; `chip`: bits of keys and values in the chip's cache; queries, keys,
    values and softmax weights as it has them."""

    shape: Shape
    cache: Cache | None = None
    chip: tuple[int, int] | None = None

    def __call__(self, q: np.ndarray, k: np.ndarray, v: np.ndarray) -> np.ndarray:
        """[tokens, heads, head_dim] of q, alike, and k, v [tokens, kv_heads, head_dim]; q and k are turned."""
        scale = None
        if self.cache is not None:
            k, v = self.cache.keys(k), self.cache.values(v)
        if self.chip is not None:
            of_keys, of_values = self.chip
            q, k = rounding.chip_groups(q), rounding.chip_keys(k, of_keys)
            v, scale = rounding.chip_values(v, of_values)
        out = np.empty_like(q)
        for head in range(self.shape.heads):
            kv = head // (self.shape.heads // self.shape.kv_heads)
            of_head = None if scale is None else scale[:, kv]
            for start in range(0, len(q), QUERIES):
                part = slice(start, start + QUERIES)
                out[part, head] = _mixed(q[part, head], k[: part.stop, kv], v[: part.stop, kv], of_head)
        return out


def _mixed(q: np.ndarray, k: np.ndarray, v: np.ndarray, scale: np.ndarray | None) -> np.ndarray:
    """[queries, head_dim]: the last query sees all keys. `scale`: of the values' codes, by token."""
    score = q @ k.T
    score *= np.float32(q.shape[-1] ** -0.5)
    hidden = np.arange(len(k)) > (len(k) - len(q) + np.arange(len(q)))[:, None]
    score[hidden] = -np.inf
    score -= score.max(-1, keepdims=True)
    p = np.exp(score, out=score)
    total = p.sum(-1, keepdims=True)
    if scale is not None:
        p = _weighed(p * scale[: len(k)])
    return np.asarray(p @ v / total)


def _weighed(p: np.ndarray) -> np.ndarray:
    """Softmax weights in groups of 32 tokens, the last one filled up with zeros."""
    more = -p.shape[-1] % GROUP
    return rounding.chip_groups(np.pad(p, ((0, 0), (0, more))))[:, : p.shape[-1]]
