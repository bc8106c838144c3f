"""Keys of a cache of 4 bits, balanced: channels divided by powers of two, and an offset taken off after RoPE.

A query times a key stays what it is where RoPE's pairs of keys are divided by what those of their queries are
multiplied by: both are rows of matrices, whose scales take powers of two, so that codes stay what they are
(SmoothAttention of QServe, Lin et al., arXiv 2405.04532). A softmax stays what it is where all keys lose the same
vector: its product with a query is one number for all of them. Slowly turned pairs have such a vector; it is most of
them (docs/quality.md).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np

from ..errors import BrokenFile
from ..families.tensor.network import Layer, Network
from ..formats.group_scale import Scale


@dataclass(frozen=True, eq=False)
class Balance:
    """`powers` int8 [layers, kv_heads, head_dim / 2]: keys of a pair are divided by 2^power; `offsets` float32 [layers,
    kv_heads, head_dim]: then taken off them after RoPE."""

    powers: np.ndarray
    offsets: np.ndarray

    @property
    def key(self) -> str:
        """Names the content."""
        return hashlib.sha256(self.powers.tobytes() + self.offsets.tobytes()).hexdigest()[:16]

    def scales(self, layer: int) -> np.ndarray:
        """float32 [kv_heads, head_dim]: what keys are divided by, and queries multiplied."""
        return np.ldexp(np.float32(1), np.repeat(self.powers[layer], 2, axis=-1))

    def applied(self, layer: int, q: np.ndarray, k: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Turned queries [tokens, heads, head_dim] and keys [tokens, kv_heads, head_dim] as the cache meets them."""
        scales = self.scales(layer)
        group = q.shape[1] // k.shape[1]
        return q * np.repeat(scales, group, axis=0), k / scales - self.offsets[layer]


def balanced(net: Network, how: Balance) -> Network:
    """`net` with rows of queries and keys scaled, and the offsets of its keys."""
    layers, shape = len(net.layers), (net.kv_heads, net.head_dim)
    if how.offsets.shape[1:] != shape or len(how.offsets) < layers:
        raise BrokenFile(f"{net.name}: keys are balanced for {how.offsets.shape}, not {(layers, *shape)}")
    return replace(net, layers=tuple(_layer(net, layer, how, i) for i, layer in enumerate(net.layers)))


def _layer(net: Network, layer: Layer, how: Balance, i: int) -> Layer:
    power = np.repeat(how.powers[i].astype(np.int64), 2, axis=-1)  # [kv_heads, head_dim]
    rows = np.zeros(layer.qkv.n, np.int64)
    queries, keys = net.heads * net.head_dim, net.kv_heads * net.head_dim
    rows[:queries] = np.repeat(power, net.group, axis=0).reshape(-1)
    rows[queries : queries + keys] = -power.reshape(-1)
    # The largest scale of NVFP4 is the largest number of its encoding; all layers have one power.
    whole = int(np.abs(how.powers).max()) if layer.qkv.coding.scale == Scale.PAIR else 0
    return replace(layer, qkv=layer.qkv.times_powers(rows, whole), key_offset=-how.offsets[i].reshape(-1))
