"""What a reader of figures must know: formats that a model must be trained for, weights that were rounded before."""

from __future__ import annotations

from ..formats.spec import format_named
from .recipe import GPTQ, Recipe

LEAST_BITS = 3.0  # an element; below, no rounding after training is known to keep a small model
ROUNDED_BITS = 8.0  # weights stored in fewer lie on a grid that is coarse beside that of most formats
DESTROYED = 1.0  # KL in nats: what is said has little to do with the reference


def needs_training(name: str) -> bool:
    """Whether a weight format is offered only for checkpoints that were trained for it.

    >>> needs_training("ternary"), needs_training("int4-g32-gptq")
    (True, False)
    """
    name = name.removesuffix(GPTQ)
    return "-2:4" in name or format_named(name).element_bits < LEAST_BITS


def warnings(recipe: Recipe, kl: float, stored_bits: float) -> list[str]:
    """`stored_bits`: of a weight of the linear layers in the file."""
    odd = sorted({name for name in recipe.weights.values() if needs_training(name)})
    found = [
        f"{name} needs a checkpoint that was trained for it: rounded afterwards, as here, it destroys the model"
        for name in odd
    ]
    if kl > DESTROYED and not odd:
        found.append(f"KL {kl:.2f} nats: the model is destroyed")
    if recipe.weights and not recipe.rotate and stored_bits < ROUNDED_BITS:
        found.append(f"the file's weights have {stored_bits:g} bits already: formats near its grid look better than on "
                     "trained weights (--rotate compares fairly)")  # fmt: skip
    return found
