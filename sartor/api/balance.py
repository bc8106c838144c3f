"""A model's weights for a chip whose cache is of 4 bits: its keys are balanced, calibrated once (docs/quality.md)."""

from __future__ import annotations

from dataclasses import replace

from ..compiler import balance
from ..families.tensor.core import Core
from .networks import Weights
from .say import Say, silent


def balanced(weights: Weights, core: Core, say: Say = silent) -> Weights:
    """`weights`, their keys balanced on the end of the English text where the cache of `core` asks for it."""
    if not core.balanced:
        return weights
    from ..quality import text  # tokenizers: only those who calibrate need them
    from ..quality.balance import fitted
    from ..quality.find import model_of

    say("balancing the keys of a cache of 4 bits")
    model, words = model_of(weights.model)
    windows = text.windows(words, text.read(None), min(text.TOKENS, model.context), True)
    how = fitted(model, windows[1:])
    network = balance.balanced(weights.network, how)
    return replace(weights, network=network, key=f"{weights.key} balanced {how.key}")
