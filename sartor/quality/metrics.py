"""Two sets of logits compared without holding them: over the vocabulary a block of rows of the head at a time.

KL(p || q) = E_p[zp - zq] - log Zp + log Zq, with zp, zq the logits and Z their sums of exponentials: sums over the
vocabulary, kept relative to the largest logit so far.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

ROWS = 4096  # of the head at a time

Head = Callable[[int, int], np.ndarray]


@dataclass(frozen=True)
class Metrics:
    """Of `tokens` positions: mean and worst KL(reference || this) in nats, the share with the same likeliest token;
    of the tokens after the first: perplexities."""

    tokens: int
    kl: float
    worst_kl: float
    kl_error: float  # standard error of the mean over positions
    top1_agreement: float
    perplexity: float
    reference_perplexity: float


class _Sums:
    """Running sums of one set of logits over the vocabulary; float64 [positions]."""

    def __init__(self, positions: int) -> None:
        self.most = np.full(positions, -np.inf)
        self.best = np.zeros(positions, np.int64)
        self.total, self.moment, self.target = np.zeros(positions), np.zeros(positions), np.zeros(positions)

    def add(self, start: int, z: np.ndarray, difference: np.ndarray | None) -> None:
        """Logits [positions, rows] from row `start`; `difference` to the other set, whose mean is asked for."""
        at = z.argmax(-1)
        found = np.take_along_axis(z, at[:, None], 1)[:, 0].astype(np.float64)
        higher = found > self.most
        self.best[higher] = at[higher] + start
        most = np.where(higher, found, self.most)
        shrunk = np.exp(self.most - most)
        p = np.exp(z - most[:, None].astype(np.float32))
        self.total = self.total * shrunk + p.sum(-1)
        if difference is not None:
            self.moment = self.moment * shrunk + np.einsum("ij,ij->i", p, difference)
        self.most = most

    @property
    def log_total(self) -> np.ndarray:
        # The largest logit is subtracted in binary32, as it was above.
        return self.most.astype(np.float32) + np.log(self.total)


def compare(
    reference: tuple[np.ndarray, Head], other: tuple[np.ndarray, Head], tokens: np.ndarray, vocabulary: int
) -> Metrics:
    """Of the scored `tokens`. Each of the two: what the head multiplies, float32 [positions, dim], and the head's rows
    by start and stop."""
    return _metrics(*_sums(reference, other, tokens, vocabulary))


def divergence(reference: tuple[np.ndarray, Head], other: tuple[np.ndarray, Head], vocabulary: int) -> np.ndarray:
    """KL(reference || other) in nats [positions]; likewise."""
    return _kl(*_sums(reference, other, np.zeros(len(reference[0]), np.int64), vocabulary))


def _sums(
    reference: tuple[np.ndarray, Head], other: tuple[np.ndarray, Head], tokens: np.ndarray, vocabulary: int
) -> tuple[_Sums, _Sums]:
    p, q = _Sums(len(tokens)), _Sums(len(tokens))
    following, position = np.append(tokens[1:], -1), np.arange(len(tokens))
    for start in range(0, vocabulary, ROWS):
        stop = min(start + ROWS, vocabulary)
        zp, zq = (hidden @ head(start, stop).T for hidden, head in (reference, other))
        here = position[(following >= start) & (following < stop)]
        for sums, z in ((p, zp), (q, zq)):
            sums.target[here] = z[here, following[here] - start]
        p.add(start, zp, zp - zq)
        q.add(start, zq, None)
    return p, q


def _kl(p: _Sums, q: _Sums) -> np.ndarray:
    return np.asarray(p.moment / p.total - p.log_total + q.log_total)


def _metrics(p: _Sums, q: _Sums) -> Metrics:
    kl = _kl(p, q)
    surprise = [(s.log_total - s.target)[:-1].mean() for s in (q, p)]
    return Metrics(
        len(kl), float(kl.mean()), float(kl.max()), float(kl.std() / np.sqrt(len(kl))),
        float((p.best == q.best).mean()), *(float(np.exp(s)) for s in surprise),
    )  # fmt: skip
