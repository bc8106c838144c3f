"""One measurement: the reference, the same model as a recipe compresses it, and how far apart their logits are."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np

from ..errors import InputError
from .balance import fitted
from .forward import Forward
from .metrics import Head, compare
from .model import Model
from .recipe import Recipe
from .store import Store, named

Progress = Callable[[str, int, int], None]  # what, layers done, of how many


def nobody(what: str, done: int, of: int) -> None:
    """Progress that nobody watches."""


def measure(model: Model, windows: np.ndarray, recipe: Recipe, progress: Progress = nobody) -> dict[str, Any]:
    """Metrics of `recipe` on the first of `windows` [windows, tokens], the others calibrate; `cached`: found before."""
    store = Store((model.key, named(windows), recipe.text))
    known = store.result()
    if known is not None:
        return {**known, "cached": True}
    wall, cpu = time.perf_counter(), time.process_time()
    with np.errstate(over="ignore", invalid="ignore"):  # refused right after
        reference = last_states(model, windows[:1], Recipe(), progress)
        other = last_states(model, windows, recipe, progress)
        progress("comparing logits", 0, 1)
        found = asdict(compare(reference, other, windows[0], model.vocabulary))
    if not math.isfinite(found["kl"]):
        raise InputError(f"{model.name}: the logits are no finite numbers: its weights or norms are so large that sums "
                         "overflow binary32")  # fmt: skip
    found |= {"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}
    store.keep(found)
    store.forget()
    return {**found, "cached": False}


def last_states(
    model: Model, windows: np.ndarray, recipe: Recipe, progress: Progress = nobody
) -> tuple[np.ndarray, Head]:
    """What the head multiplies, float32 [tokens, dim] of the first window, and the head. Layers that a run before
    has finished are not run again; the reference is kept whole."""
    store = Store((model.key, named(windows), recipe.text, "state"))
    forward = Forward(model, recipe, fitted(model, windows[1:]) if recipe.balanced else None)
    done, x = store.state() or (0, forward.begin(windows))
    for i in range(done, model.layers):
        progress("reference" if recipe.exact else "compressed", i, model.layers)
        x = forward.layer(i, x)
        store.finished(i + 1, x[:1] if i + 1 == model.layers else x)
    found = forward.end(x)
    if not recipe.exact:
        store.forget()
    return found, forward.linear.head
