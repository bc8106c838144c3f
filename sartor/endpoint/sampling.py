"""From logits to a token: the chip's own choice, or one drawn on the host."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Sampling:
    """`temperature` 0: the largest logit, which is what the chip itself answers. `top_k` 0: all tokens.
    `logprobs`: of so many likeliest tokens; None for none. Penalties as OpenAI's and vLLM's APIs have them; `bias`:
    tokens, and what their logits have more."""

    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    logprobs: int | None = None
    presence: float = 0.0
    frequency: float = 0.0
    repetition: float = 1.0
    bias: tuple[tuple[int, float], ...] = ()

    @property
    def changes(self) -> bool:
        """Whether the logits are not those of the chip."""
        return bool(self.presence or self.frequency or self.repetition != 1 or self.bias)

    @property
    def chooses(self) -> bool:
        """Whether the token may be another one than the chip's."""
        return bool(self.temperature) or self.changes


@dataclass(frozen=True)
class Scored:
    """Natural logarithms of probabilities at temperature 1: of the token, and of the likeliest ones."""

    logprob: float
    top: tuple[tuple[int, float], ...]


def adjusted(logits: np.ndarray, how: Sampling, prompt: Sequence[int], said: Sequence[int]) -> np.ndarray:
    """`logits` [vocabulary] with bias, then the penalties of tokens that there were: in the order of vLLM's sampler.

    >>> adjusted(np.array([2.0, -2.0, 1.0]), Sampling(repetition=2.0, frequency=0.5), [1], [0, 0]).tolist()
    [0.0, -4.0, 1.0]
    """
    if not how.changes:
        return logits
    x = logits.astype(np.float64)
    for token, more in how.bias:
        x[token] += more
    seen = np.unique([*prompt, *said])
    x[seen] = np.where(x[seen] > 0, x[seen] / how.repetition, x[seen] * how.repetition)
    tokens, counts = np.unique(np.asarray(said, int), return_counts=True)
    x[tokens] -= how.frequency * counts + how.presence
    return x


def pick(logits: np.ndarray, how: Sampling, rng: np.random.Generator) -> int:
    """A token by `logits` [vocabulary]; -inf is never taken."""
    if how.temperature == 0:
        return int(np.argmax(logits))
    p, order = _likeliest(logits, how)
    return int(
        order[np.searchsorted(np.cumsum(p), rng.random() * p.sum(), side="right").clip(max=len(p) - 1)]
    )


def _likeliest(logits: np.ndarray, how: Sampling) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities in falling order, and the tokens: the fewest that reach `top_p`, of the `top_k` likeliest."""
    order = np.argsort(-logits, kind="stable")[: how.top_k or None]
    x = logits[order].astype(np.float64)
    with np.errstate(over="ignore"):  # next to 0 all but the likeliest are at -inf
        p = np.exp((x - x[0]) / how.temperature)
    p /= p.sum()
    keep = int(np.searchsorted(np.cumsum(p), how.top_p)) + 1
    return p[:keep], order[:keep]


def scored(logits: np.ndarray, token: int, how: Sampling) -> Scored | None:
    """What the answer says of `token`, if it is asked for."""
    if how.logprobs is None:
        return None
    x = logits.astype(np.float64)
    x -= x.max()
    x -= np.log(np.exp(x).sum())
    best = np.argsort(-x, kind="stable")[: how.logprobs]
    return Scored(float(x[token]), tuple((int(i), float(x[i])) for i in best))
