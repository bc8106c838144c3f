"""Logits compared block by block of the vocabulary, as if all of them were there."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sartor.compiler import accuracy
from sartor.quality import metrics


def heads(*logits: np.ndarray) -> list[tuple[np.ndarray, metrics.Head]]:
    """Logits as a head that picks them: the identity times themselves."""
    return [(np.eye(len(z), dtype=np.float32), lambda a, b, z=z: z.T[a:b]) for z in logits]


def of(p: np.ndarray, q: np.ndarray, tokens: np.ndarray) -> metrics.Metrics:
    return metrics.compare(*heads(p, q), tokens, p.shape[1])


def test_a_comparison_by_hand() -> None:
    # p = (1/2, 1/2), q = (1/4, 3/4): KL = 1/2 ln 2 + 1/2 ln (2/3) = 1/2 ln (4/3). Then p = q = (1/4, 3/4): 0.
    # The token after the first is 1, of probability 1/2 for p and 3/4 for q: perplexities 2 and 4/3.
    p, q = np.log(np.float32([[1, 1], [1, 3]])), np.log(np.float32([[1, 3], [1, 3]]))
    found = of(p, q, np.array([0, 1]))
    assert found.tokens == 2 and found.top1_agreement == 0.5
    assert found.kl == pytest.approx(np.log(4 / 3) / 4, rel=1e-5)
    assert found.worst_kl == pytest.approx(np.log(4 / 3) / 2, rel=1e-5)
    assert found.kl_error == pytest.approx(np.log(4 / 3) / 4 / np.sqrt(2), rel=1e-5)
    assert (found.perplexity, found.reference_perplexity) == (pytest.approx(4 / 3), pytest.approx(2))
    assert metrics.divergence(*heads(p, q), 2) == pytest.approx([np.log(4 / 3) / 2, 0], abs=1e-6)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**31), rows=st.integers(1, 90), size=st.sampled_from([0.01, 1.0, 20.0]))
def test_blocks_are_as_the_whole(seed: int, rows: int, size: float) -> None:
    rng = np.random.default_rng(seed)
    p = (rng.normal(size=(7, 83)) * size).astype(np.float32)
    q = (p + rng.normal(size=p.shape) * 0.1 * size).astype(np.float32)
    tokens = rng.integers(0, 83, 7)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(metrics, "ROWS", rows)
        found = of(p, q, tokens)
    whole = accuracy.compare(p, q)
    assert found.kl == pytest.approx(whole.mean_kl_nats, rel=1e-3, abs=3e-6)
    assert found.top1_agreement == pytest.approx(whole.agreement)
    logp = q - np.log(np.exp(q.astype(np.float64)).sum(-1, keepdims=True))
    surprise = -logp[np.arange(6), tokens[1:]].mean()
    assert np.log(found.perplexity) == pytest.approx(surprise, rel=1e-4, abs=1e-5)


def test_equal_logits_are_no_distance_apart() -> None:
    z = (np.random.default_rng(0).normal(size=(5, 9000)) * 5).astype(np.float32)
    found = of(z, z, np.arange(5))
    assert abs(found.kl) < 1e-9 and found.top1_agreement == 1 and found.perplexity == found.reference_perplexity
