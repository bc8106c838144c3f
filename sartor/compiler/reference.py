"""The network in binary32 on its own dequantized weights: what the chip's arithmetic is compared with.

Nothing is quantized here but the weights, as they are in the file: activations, keys, values and softmax are
binary32, so that a difference to the golden model is what the chip's arithmetic costs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..families.tensor.network import Layer, Network


@dataclass(frozen=True, eq=False)
class _Weights:
    """float32 matrices of one layer, [k, n]."""

    attention_norm: np.ndarray
    qkv: np.ndarray
    output: np.ndarray
    ffn_norm: np.ndarray
    gate_up: np.ndarray
    down: np.ndarray


class Reference:
    """A network with its KV cache."""

    def __init__(self, net: Network) -> None:
        self.net = net
        self.layers = [_weights(layer) for layer in net.layers]
        self.embedding = net.embedding.dequantized()
        self.head = self.embedding if net.head is net.embedding else net.head.dequantized()
        self.reset()

    def reset(self) -> None:
        """Forget the context."""
        empty = np.zeros((0, self.net.kv_heads, self.net.head_dim), np.float32)
        self.position = 0
        self._keys, self._values = [empty] * len(self.layers), [empty] * len(self.layers)

    def logits(self, tokens: list[int]) -> np.ndarray:
        """float32 [tokens, vocabulary] of `tokens` after what came before."""
        x = self.embedding[tokens]
        angles = self.net.rope(self.position + np.arange(len(tokens)))
        for i, layer in enumerate(self.layers):
            x = x + self._attention(i, norm(x, layer.attention_norm, self.net.epsilon), angles)
            x = x + _ffn(norm(x, layer.ffn_norm, self.net.epsilon), layer)
        self.position += len(tokens)
        return norm(x, self.net.final_norm, self.net.epsilon) @ self.head.T

    def _attention(self, i: int, x: np.ndarray, angles: np.ndarray) -> np.ndarray:
        net, layer = self.net, self.layers[i]
        qkv = (x @ layer.qkv).reshape(len(x), -1, net.head_dim)
        turned = rotated(qkv[:, : net.heads + net.kv_heads], angles)
        self._keys[i] = np.concatenate([self._keys[i], turned[:, net.heads :]])
        self._values[i] = np.concatenate([self._values[i], qkv[:, net.heads + net.kv_heads :]])
        mixed = [self._head(i, turned[:, h], h // net.group) for h in range(net.heads)]
        return np.concatenate(mixed, axis=1) @ layer.output

    def _head(self, i: int, query: np.ndarray, kv: int) -> np.ndarray:
        """[tokens, head_dim]: causal softmax over the context."""
        keys, values = self._keys[i][:, kv], self._values[i][:, kv]
        score = query @ keys.T / np.float32(np.sqrt(self.net.head_dim))
        last = len(keys) - len(query) + np.arange(len(query))
        score = np.where(np.arange(len(keys)) <= last[:, None], score, -np.inf)
        p = np.exp(score - score.max(-1, keepdims=True))
        return np.asarray(p @ values / p.sum(-1, keepdims=True))


def _weights(layer: Layer) -> _Weights:
    qkv = np.concatenate([w.dequantized() for w in (layer.qkv, layer.values) if w is not None])
    return _Weights(
        layer.attention_norm, qkv.T, layer.output.dequantized().T,
        layer.ffn_norm, layer.gate_up.dequantized().T, layer.down.dequantized().T,
    )  # fmt: skip


def norm(x: np.ndarray, gamma: np.ndarray, epsilon: float) -> np.ndarray:
    """RMSNorm of x [..., n]."""
    return np.asarray(x / np.sqrt((x * x).mean(-1, keepdims=True) + np.float32(epsilon)) * gamma)


def rotated(x: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """RoPE of x [tokens, heads, head_dim] on neighboring pairs."""
    swapped = x.reshape(*x.shape[:-1], -1, 2)[..., ::-1].reshape(x.shape)
    return np.asarray(x * angles[:, None, 0] + swapped * angles[:, None, 1])


def _ffn(x: np.ndarray, layer: _Weights) -> np.ndarray:
    gate, up = np.split(x @ layer.gate_up, 2, axis=1)
    return np.asarray((up * gate / (1 + np.exp(-gate))) @ layer.down)
