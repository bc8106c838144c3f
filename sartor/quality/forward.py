"""One layer after the other: windows of tokens through a model whose matrices are read, rounded and dropped again."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..compiler.balance import Balance
from ..compiler.reference import norm, rotated
from . import rounding
from .attention import Attention
from .linear import Linear
from .model import Model
from .recipe import CACHES, Recipe

Attending = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
QKV, GATE_UP = ("attn_q", "attn_k", "attn_v"), ("ffn_gate", "ffn_up")


class Forward:
    """`x` [windows, tokens, dim], in Recipe.real, the residual stream before layer `i`; the first `scored` windows are
    scored, the others calibrate."""

    def __init__(self, model: Model, recipe: Recipe, balance: Balance | None = None, scored: int = 1) -> None:
        self.model, self.recipe, self.balance = model, recipe, balance
        self.linear = Linear(model, recipe, scored)
        self.attention: Attending = Attention(model.shape, rounding.cache(recipe.kv), CACHES.get(recipe.kv))

    def begin(self, tokens: np.ndarray) -> np.ndarray:
        """The residual stream of tokens [windows, tokens]."""
        return self.linear.embedded(tokens)

    def layer(self, i: int, x: np.ndarray) -> np.ndarray:
        """After layer `i`."""
        model = self.model
        gammas = model.reader.norms(i)
        h = self._normed(x, gammas[0])
        q, k, v = self.linear(i, QKV, h, gammas[0])
        x = x + self.linear(i, ("attn_o",), self._attended(i, q, k, v))[0]
        h = self._normed(x, gammas[1])
        gate, up = self.linear(i, GATE_UP, h, gammas[1])
        del h
        up *= gate / (1 + np.exp(-gate))
        return np.asarray(x + self.linear(i, ("ffn_down",), up)[0])

    def end(self, x: np.ndarray) -> np.ndarray:
        """What the head multiplies, float32 [tokens, dim] of the first window."""
        h = norm(self.linear.back(x[0]), self.model.reader.final_norm(), self.model.epsilon)
        return self.linear.last(h).astype(np.float32)

    def _normed(self, x: np.ndarray, gamma: np.ndarray) -> np.ndarray:
        """Where the stream is turned the norm's factors are in the matrices behind it."""
        return norm(x, np.ones_like(gamma) if self.recipe.rotate else gamma, self.model.epsilon)

    def _attended(self, i: int, q: np.ndarray, k: np.ndarray, v: np.ndarray) -> np.ndarray:
        size, angles = self.model.shape.head_dim, self.model.turns(q.shape[1])
        out = np.empty_like(q)
        for window in range(len(q)):
            heads = [y[window].reshape(len(q[window]), -1, size) for y in (q, k, v)]
            turned = rotated(heads[0], angles), rotated(heads[1], angles)
            if self.balance is not None:
                turned = self.balance.applied(i, *turned)
            out[window] = self.attention(*turned, heads[2]).reshape(len(out[window]), -1)
        return out
