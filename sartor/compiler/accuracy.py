"""What the chip's arithmetic costs: the golden model beside the float reference, on the same tokens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..families.tensor.golden import Golden
from .binary import Binary
from .reference import Reference
from .session import Session, chunks


@dataclass(frozen=True)
class Accuracy:
    """Over positions: how often the greedy token agrees, KL(reference || golden) in nats, the probability that
    the reference gives its own greedy token less that of the golden model's."""

    positions: int
    agreeing: int
    mean_kl_nats: float
    worst_kl_nats: float
    worst_regret: float

    @property
    def agreement(self) -> float:
        return self.agreeing / self.positions


def compare(reference: np.ndarray, golden: np.ndarray) -> Accuracy:
    """Logits [positions, vocabulary] of both."""
    p, q = _log_softmax(reference), _log_softmax(golden)
    kl = (np.exp(p) * (p - q)).sum(-1)
    first, second = p.argmax(-1), q.argmax(-1)
    at = np.arange(len(p))
    regret = np.exp(p[at, first]) - np.exp(p[at, second])
    return Accuracy(
        len(p), int((first == second).sum()), float(kl.mean()), float(kl.max()), float(regret.max())
    )


def forced(binary: Binary, golden: Golden, tokens: list[int], skip: int) -> np.ndarray:
    """Logits [tokens - skip, vocabulary] of the golden model after each of `tokens`, but for the first `skip`,
    which are prefilled."""
    session, rows = Session(binary, golden), []
    for start, chunk in chunks(binary, tokens[: skip + 1]):
        golden.run(binary.program.prefill, start, [binary.row(t) for t in chunk])
    session.position = skip
    for token in tokens[skip:]:
        session.step(token)
        assert golden.state.logits is not None
        rows.append(golden.state.logits[0, 0, : binary.vocabulary].copy())
    return np.array(rows)


def measure(binary: Binary, golden: Golden, reference: Reference, tokens: list[int], skip: int) -> Accuracy:
    """Over the positions of `tokens` from `skip` on, each with the same tokens before it."""
    reference.reset()
    return compare(reference.logits(tokens)[skip:], forced(binary, golden, tokens, skip))


def together(parts: list[Accuracy]) -> Accuracy:
    """Of all positions of `parts`."""
    positions = sum(a.positions for a in parts)
    mean = sum(a.mean_kl_nats * a.positions for a in parts) / positions
    worst = max(a.worst_kl_nats for a in parts), max(a.worst_regret for a in parts)
    return Accuracy(positions, sum(a.agreeing for a in parts), mean, *worst)


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    x = logits.astype(np.float64)
    x -= x.max(-1, keepdims=True)
    return np.asarray(x - np.log(np.exp(x).sum(-1, keepdims=True)))
