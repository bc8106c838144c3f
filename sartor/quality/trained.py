"""Formats that a model must be trained for: rounded to them afterwards it is destroyed."""

from __future__ import annotations

from ..formats.spec import format_named
from .recipe import GPTQ, Recipe

LEAST_BITS = 3.0  # an element; below, no rounding after training is known to keep a small model
DESTROYED = 1.0  # KL in nats: what is said has little to do with the reference


def needs_training(name: str) -> bool:
    """Whether a weight format is offered only for checkpoints that were trained for it.

    >>> needs_training("ternary"), needs_training("int4-g32-gptq")
    (True, False)
    """
    name = name.removesuffix(GPTQ)
    return "-2:4" in name or format_named(name).element_bits < LEAST_BITS


def warnings(recipe: Recipe, kl: float) -> list[str]:
    """What a reader of the figures must know."""
    odd = sorted({name for name in recipe.weights.values() if needs_training(name)})
    found = [
        f"{name} needs a checkpoint that was trained for it: rounded afterwards, as here, it destroys the model"
        for name in odd
    ]
    if kl > DESTROYED and not odd:
        found.append(f"KL {kl:.2f} nats: the model is destroyed")
    return found
