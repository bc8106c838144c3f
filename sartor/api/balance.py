"""A model's weights for a chip: where its cache is of 4 bits, values turned and keys balanced (docs/quality.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..compiler import balance
from ..families.tensor.core import Core
from .networks import Weights, weights_of
from .say import Say, silent


def weights_for(
    core: Core, model: str, form: str | Mapping[str, str], say: Say = silent, requantize: bool = False
) -> Weights:
    """The weights of `model`, as networks.weights_of has them, for a chip of `core`."""
    return balanced(weights_of(model, form, say, requantize, turned_values=core.cache_bits == 4), core, say)


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
