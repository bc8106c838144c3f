"""Matrices of the layers as a recipe has them: read, turned, smoothed, rounded, multiplied, dropped."""

from __future__ import annotations

import numpy as np

from ..compiler import turned
from . import gptq, rounding
from .classes import EMBEDDING, HEAD
from .model import Model
from .recipe import CHIP, GPTQ, Recipe
from .rotation import orthogonal


class Linear:
    """Calls multiply; the first `scored` windows are scored, the others calibrate."""

    def __init__(self, model: Model, recipe: Recipe, scored: int = 1) -> None:
        self.model, self.recipe, self.scored = model, recipe, scored
        self.activations = rounding.activations(recipe.activations)
        self.turn = orthogonal(model.shape.dim) if recipe.rotate else None

    def __call__(
        self, layer: int, parts: tuple[str, ...], x: np.ndarray, gamma: np.ndarray | None = None
    ) -> list[np.ndarray]:
        """[windows, tokens, n] of each matrix of `parts` times x [windows, tokens, k]. `gamma`: factors of the norm
        before, where it reads the residual stream; without, it writes to it."""
        matrices = [self._turned(self._headed(layer, part), gamma) for part in parts]
        if self.recipe.smooth is not None:
            s = self._smoothing(self.recipe.smooth, parts, matrices, x)
            matrices, x = [w * s for w in matrices], x / s
        if self.activations is not None:
            x = self.activations(x).astype(self.recipe.real)
        seen = self._seen(parts, x)
        found = []
        for part in parts:
            w = self._rounded(layer, part, matrices.pop(0), seen)
            found.append((x.reshape(-1, x.shape[-1]) @ w.T).reshape(*x.shape[:2], -1))
        return found

    def embedded(self, tokens: np.ndarray) -> np.ndarray:
        """The residual stream [windows, tokens, dim] before the first layer."""
        rows, where = np.unique(tokens, return_inverse=True)
        found = self._table(EMBEDDING, self.model.reader.embedding(rows), rows)[where.reshape(tokens.shape)]
        found = found.astype(self.recipe.real, copy=False)
        return found if self.turn is None else found @ self.turn

    def back(self, x: np.ndarray) -> np.ndarray:
        """The stream as the head knows it."""
        return x if self.turn is None else x @ self.turn.T

    def last(self, x: np.ndarray) -> np.ndarray:
        """What the head multiplies: rounded where the chip has no other numbers."""
        return rounding.chip_groups(x) if self.recipe.activations == CHIP else x

    def head(self, start: int, stop: int) -> np.ndarray:
        """Rows of the head, float32 [stop - start, dim]."""
        part = EMBEDDING if self.model.tied else HEAD
        return self._table(part, self.model.reader.head(start, stop), np.arange(start, stop))

    def _table(self, part: str, rows: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """Rows of embedding or head, with the numbers of the tokens they are of."""
        self.model.check(rows, 0, part, numbers)
        name = self.recipe.weights.get(part)
        return rows if name is None else rounding.weights(name, f"{self.model.name}: {part}")(rows)

    def _headed(self, layer: int, part: str) -> np.ndarray:
        """As it is stored, or for turned values."""
        w = self.model.matrix(layer, part)
        how = {"attn_v": turned.of_values, "attn_o": turned.of_output}.get(part)
        return w if how is None or not self.recipe.turned_values else how(w, self.model.shape.head_dim)

    def _turned(self, w: np.ndarray, gamma: np.ndarray | None) -> np.ndarray:
        if self.turn is None:
            return w
        return self.turn.T @ w if gamma is None else (w * gamma) @ self.turn

    def _smoothing(
        self, alpha: float, parts: tuple[str, ...], matrices: list[np.ndarray], x: np.ndarray
    ) -> np.ndarray:
        """SmoothQuant's factors by input channel (arXiv 2211.10438, equation 4): what the weights take over."""
        at = np.abs(x[self.scored :]).max((0, 1))
        if parts == ("attn_o",):  # folded into the rows of values, which heads share
            s = self.model.shape
            grouped = at.reshape(s.kv_heads, s.heads // s.kv_heads, s.head_dim).max(1, keepdims=True)
            at = np.broadcast_to(grouped, (s.kv_heads, s.heads // s.kv_heads, s.head_dim)).reshape(-1)
        of_weights = np.max([np.abs(w).max(0) for w in matrices], axis=0)
        return np.asarray(np.maximum(at, 1e-5) ** alpha / np.maximum(of_weights, 1e-5) ** (1 - alpha), np.float32)

    def _seen(self, parts: tuple[str, ...], x: np.ndarray) -> np.ndarray | None:
        """The inputs' second moments over the calibration windows, where a matrix asks for them."""
        if not any(self.recipe.weights.get(part, "").endswith(GPTQ) for part in parts):
            return None
        return gptq.moments(x[self.scored :].reshape(-1, x.shape[-1]))

    def _rounded(self, layer: int, part: str, w: np.ndarray, seen: np.ndarray | None) -> np.ndarray:
        name, where = self.recipe.weights.get(part), f"{self.model.name}: {part} of layer {layer}"
        if name is None:
            return w
        if name.endswith(GPTQ):
            assert seen is not None
            return gptq.rounded(w, name.removesuffix(GPTQ), seen, where)
        return rounding.weights(name, where)(w)
