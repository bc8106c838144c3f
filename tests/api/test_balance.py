"""Weights for a chip whose cache is of 4 bits: calibrated once, on their own text, and named by it."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from tiny_model import SHAPE, tiny
from tiny_network import tiny as tiny_network

from sartor.api.balance import balanced
from sartor.api.networks import Weights
from sartor.compiler.reference import Reference
from sartor.families.tensor.core import Core
from sartor.quality import find

NET = tiny_network(heads=SHAPE.heads, kv_heads=SHAPE.kv_heads)
WEIGHTS = Weights("tiny", NET, Path("tiny.gguf"), "key")


def test_keys_are_balanced_where_the_cache_asks_for_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SARTOR_CACHE", str(tmp_path))
    assert balanced(WEIGHTS, Core()) is WEIGHTS
    tokens = np.random.default_rng(0).integers(0, 80, 256 + 2048)
    words = SimpleNamespace(encode=lambda text: list(tokens))
    asked: list[str] = []
    monkeypatch.setattr(find, "model_of", lambda name: (tiny(layers=2), words))
    found = balanced(WEIGHTS, Core(cache_bits=4), asked.append)
    assert asked == ["balancing the keys of a cache of 4 bits"]
    assert found.key.startswith("key balanced ") and found.network.layers[0].key_offset is not None
    # What it computes stays what it was.
    logits = [Reference(net).logits([1, 2, 3, 4]) for net in (NET, found.network)]
    assert np.allclose(*logits, atol=1e-4)
    # The same text again: the same key, and so the same memory image.
    assert balanced(WEIGHTS, Core(cache_bits=4)).key == found.key
    tokens[:] = tokens[::-1].copy()
    assert balanced(WEIGHTS, Core(cache_bits=4)).key != found.key
