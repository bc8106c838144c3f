"""The float reference against llama.cpp, and the golden model against the float reference, on real weights."""

import sys
from pathlib import Path

import numpy as np
import pytest
from tiny_network import machine, tiny

from sartor.compiler.accuracy import Accuracy, compare, measure, together
from sartor.compiler.gguf import network
from sartor.compiler.reference import Reference
from sartor.compiler.tokenizer import tokenizer
from sartor.families.tensor.core import Core

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import golden_accuracy


def test_a_comparison_by_hand() -> None:
    # p = (1/2, 1/2) against q = (1/4, 3/4): KL = 1/2 ln 2 + 1/2 ln (2/3) = 1/2 ln (4/3) = 0.1438. Of equal
    # logits the first is the greedy token; q's is the second, which costs nothing.
    # p = (3/4, 1/4) against itself the other way around: KL = 1/2 ln 3 = 0.5493, regret 1/2.
    p, q = np.log([[1, 1], [3, 1]]), np.log([[1, 3], [1, 3]])
    found = compare(p, q)
    assert (found.positions, found.agreeing, found.agreement) == (2, 0, 0.0)
    assert found.mean_kl_nats == pytest.approx((np.log(4 / 3) + np.log(3)) / 4)
    assert (found.worst_kl_nats, found.worst_regret) == (pytest.approx(np.log(3) / 2), pytest.approx(0.5))
    assert compare(p, p) == Accuracy(2, 2, 0.0, 0.0, 0.0)


def test_parts_count_by_their_positions() -> None:
    assert together([Accuracy(1, 1, 0.3, 0.3, 0), Accuracy(3, 2, 0.1, 0.2, 0.5)]) == Accuracy(
        4, 3, pytest.approx(0.15), 0.3, 0.5
    )


def test_a_small_network_is_close_to_its_reference() -> None:
    net = tiny()
    found = measure(*machine(Core(), net), Reference(net), list(range(20)), 3)
    assert found.positions == 17 and found.agreeing >= 16 and 0 < found.mean_kl_nats < 0.01


def test_a_reference_continues_where_it_was() -> None:
    """Token by token as all at once, and from the start again after a reset."""
    reference = Reference(tiny())
    whole = reference.logits([1, 2, 3, 4])
    reference.reset()
    parts = [reference.logits([1, 2]), reference.logits([3]), reference.logits([4])]
    assert np.allclose(np.concatenate(parts), whole, atol=1e-5)


@pytest.mark.slow
def test_the_reference_as_llama_cpp_has_it(smollm2, llama_cpp) -> None:
    """llama.cpp quantizes activations to 8 bits, so that the two are close, not equal: 0.11 nats a token in the
    mean over the 20 likeliest; a wrong sign of one sine makes it more than 1."""
    reference, words, errors = Reference(network(smollm2)), tokenizer(smollm2), []
    for text in list(golden_accuracy.TEXTS.values())[:5]:
        tokens = words.encode(text)
        reference.reset()
        logits = reference.logits(tokens).astype(np.float64)
        for length in (6, len(tokens)):
            row = logits[length - 1] - np.log(np.exp(logits[length - 1]).sum())
            theirs = llama_cpp.logprobs(tokens[:length], 20)
            errors += [theirs[t] - row[t] for t in theirs]
    assert len(errors) == 200
    assert np.abs(errors).mean() < 0.15 and abs(np.mean(errors)) < 0.05


@pytest.mark.slow
def test_the_golden_model_is_close_to_the_reference(smollm2) -> None:
    found = golden_accuracy.accuracies()
    whole = together(list(found.values()))
    assert len(found) == 10 and min(a.positions for a in found.values()) >= 20
    assert whole.agreement >= golden_accuracy.LEAST_AGREEMENT
    assert whole.mean_kl_nats <= golden_accuracy.MOST_KL_NATS
