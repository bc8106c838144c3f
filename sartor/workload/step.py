"""One pass through a model, and how much of the cache it looks at: numbers, arrays or symbols."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Number = Any  # float, int, array [designs] or a symbol


@dataclass(frozen=True)
class Step:
    """One pass through the model: `tokens` new tokens in each of `batch` sequences, each of which already has
    `context` tokens in its cache. Decode: tokens = 1. Prefill of a fresh prompt: context = 0."""

    batch: Number
    tokens: Number
    context: Number

    @property
    def rows(self) -> Number:
        """Token vectors in flight."""
        return self.batch * self.tokens


def held(tokens: Number, window: int | None) -> Number:
    """Of `tokens` positions those that a window keeps."""
    if window is None:
        return tokens
    return tokens - _positive(tokens - window)


def attended(step: Step, window: int | None) -> Number:
    """Mean number of positions that a new token looks at, itself among them: causal, at most `window`."""
    full = step.context + (step.tokens + 1) / 2
    if window is None:
        return full
    # Sum over the new tokens of min(window, position), position = context + 1 .. context + tokens.
    beyond = _positive(step.context + step.tokens - window)  # tokens past the window's edge ...
    beyond_before = _positive(step.context - window)  # ... of which these were cached already
    excess = (beyond * (beyond + 1) - beyond_before * (beyond_before + 1)) / 2
    return full - excess / step.tokens


def _positive(x: Number) -> Number:
    return (x + abs(x)) / 2
