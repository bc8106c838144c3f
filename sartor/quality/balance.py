"""By what keys of a cache of 4 bits are balanced (compiler/balance.py), fitted to a model's own keys and queries.

A key's rounding error e moves the scores of queries q by q e; softmax weights p move by about p (1 - p) of that. So of
each KV head the sum over keys of p (1 - p) e^T E[q q^T] e is made small, with p and E over calibration text: the offset
of each channel and the power of two of each of RoPE's pairs move step by step as long as it falls. The first tokens of
a text count as much as they are attended to, which is a lot.
"""

from __future__ import annotations

import numpy as np

from ..compiler.balance import Balance
from ..families.tensor.core import GROUP
from . import rounding
from .attention import Attention
from .forward import Forward
from .model import Model
from .recipe import Recipe
from .store import Store, named

BITS = 4
SWEEPS, ENOUGH = 3, 0.99  # over all channels, as long as a sweep takes 1 % off
MOVES = 0.5, -0.5, 0.15, -0.15  # of an offset, in deviations of its channel
FIRST, EVERY, QUERIES = 8, 4, 8  # keys: the first of a window, then every fourth; of queries every eighth


def fitted(model: Model, windows: np.ndarray) -> Balance:
    """On calibration text [windows, tokens]; found again where it was fitted before, layer by layer."""
    store = Store((model.key, named(windows), "balance"))
    known, state = store.result() or {}, store.state()
    powers, offsets = known.get("powers", []), known.get("offsets", [])
    if len(powers) < model.layers:
        seen = _Seen(Attention(model.shape))
        forward = Forward(model, Recipe())
        forward.attention = seen
        # In binary64, so that every machine takes the same steps to the same balance.
        done, x = state if state and state[0] <= len(powers) else (0, forward.begin(windows).astype(np.float64))
        powers, offsets = powers[:done], offsets[:done]
        for i in range(done, model.layers):
            x = forward.layer(i, x)
            heads = [_Head(q, k).fit() for q, k in seen.heads()]
            powers.append([power.tolist() for power, _ in heads])
            offsets.append([offset.tolist() for _, offset in heads])
            store.keep({"powers": powers, "offsets": offsets})
            store.finished(i + 1, x)
        store.forget()
    return Balance(np.array(powers, np.int8), np.array(offsets, np.float32))


class _Seen:
    """Attention that keeps what it was asked, window by window."""

    def __init__(self, attention: Attention) -> None:
        self.attention, self.kept = attention, []  # type: tuple[Attention, list[tuple[np.ndarray, np.ndarray]]]

    def __call__(self, q: np.ndarray, k: np.ndarray, v: np.ndarray) -> np.ndarray:
        self.kept.append((q.astype(np.float32), k.astype(np.float32)))
        return self.attention(q, k, v)

    def heads(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Queries [windows, tokens, group, head_dim] and keys [windows, tokens, head_dim] of each KV head of a layer,
        which is then forgotten."""
        q, k = (np.stack(part) for part in zip(*self.kept, strict=True))
        self.kept.clear()
        group = q.shape[2] // k.shape[2]
        return [(q[:, :, h * group : (h + 1) * group], k[:, :, h]) for h in range(k.shape[2])]


class _Head:
    """One KV head: `keys` [n, dim] with what each counts [n, 1], second moments of queries [dim, dim]."""

    def __init__(self, q: np.ndarray, k: np.ndarray) -> None:
        counts = np.mean([_attended(*window) for window in zip(q, k, strict=True)], axis=0)
        at = np.arange(k.shape[1])
        kept = (at < FIRST) | (at % EVERY == 0)
        share = np.where(at < FIRST, 1, EVERY)[kept]
        self.keys = k[:, kept].reshape(-1, k.shape[2])
        self.counts = np.tile(counts[kept] * share, len(k)).astype(np.float32)[:, None]
        flat = q.reshape(-1, q.shape[-1])
        self.moments = flat.T @ flat / np.float32(len(flat))
        self.offset = (self.counts * self.keys).sum(0) / self.counts.sum()
        self.power = np.zeros(k.shape[2] // 2, np.int64)

    def fit(self) -> tuple[np.ndarray, np.ndarray]:
        """Powers [dim / 2], and offsets [dim] of keys that are divided by them."""
        groups = [slice(at, at + GROUP) for at in range(0, self.keys.shape[1], GROUP)]
        errors = np.concatenate([self._errors(g, self.power, self.offset) for g in groups], axis=1)
        whole = self._loss(errors, errors @ self.moments)
        for _ in range(SWEEPS):
            before = whole
            for g in groups:
                self._group(g, errors)
            whole = self._loss(errors, errors @ self.moments)
            if whole > ENOUGH * before:
                break
        return self.power, np.ldexp(self.offset, -np.repeat(self.power, 2))

    def _group(self, g: slice, errors: np.ndarray) -> None:
        """Move what is of the channels `g`; what the others do to the loss stays."""
        own = self.moments[g, g]
        rest = errors @ self.moments[:, g] - errors[:, g] @ own
        best = self._loss(errors[:, g], errors[:, g] @ own + 2 * rest)
        spread = self.keys.std(0)
        pairs = [(self.power, pair, move) for pair in range(g.start // 2, g.stop // 2) for move in ((-1, 1),)]
        channels = [(self.offset, j, [m * spread[j] for m in MOVES]) for j in range(g.start, g.stop)]
        for values, j, moves in [*pairs, *channels]:
            was = values[j]
            for move in moves:
                values[j] = was + move
                found = self._errors(g, self.power, self.offset)
                loss = self._loss(found, found @ own + 2 * rest)
                if loss < best:
                    best, errors[:, g] = loss, found
                    break
                values[j] = was

    def _errors(self, g: slice, power: np.ndarray, offset: np.ndarray) -> np.ndarray:
        """[n, channels] of the keys as they were."""
        scale = np.ldexp(np.float32(1), np.repeat(power[g.start // 2 : g.stop // 2], 2))
        less = (self.keys[:, g] - offset[g]) / scale
        return np.asarray((rounding.chip_keys(less, BITS) - less) * scale)

    def _loss(self, errors: np.ndarray, felt: np.ndarray) -> float:
        return float((errors * felt * self.counts).sum(dtype=np.float64))


def _attended(q: np.ndarray, k: np.ndarray) -> np.ndarray:
    """[tokens]: p (1 - p) of each key, the mean over queries that may see it or not."""
    rows = np.arange(FIRST, len(q), QUERIES)
    score = np.einsum("thd,sd->hts", q[rows], k) * np.float32(q.shape[-1] ** -0.5)
    score[:, np.arange(len(k)) > rows[:, None]] = -np.inf
    p = np.exp(score - score.max(-1, keepdims=True))
    p /= p.sum(-1, keepdims=True)
    return np.asarray((p * (1 - p)).mean((0, 1)))
