"""The model of a row of kind `gpu`: ours by its name, or a dense decoder whose shapes the row says itself."""

from __future__ import annotations

import functools

from ..errors import InputError
from ..workload.model import FeedForward, GroupedAttention, Layer, Model
from . import names
from .kind import Column, Inputs

# As sartor/measuring measures models: gated widths, no biases, the head a matrix of its own.
COLUMNS = {"layers": "layers", "hidden": "hidden", "ffn": "width", "hq": "heads", "hkv": "kv_heads", "d": "head_dim",
           "vocab": "words"}  # fmt: skip
OPTIONAL = {at: Column(name, optional=True, count=True, instead=True) for at, name in COLUMNS.items()}
Said = tuple[int, ...]


def said(inputs: Inputs) -> Said:
    """What a row says of its model's shapes, 0 where nothing."""
    return tuple(int(float(inputs.get(name) or 0)) for name in COLUMNS.values())


def model(inputs: Inputs) -> Model | None:
    """By all shapes, where a row has them; else by its name."""
    shapes = said(inputs)
    return _built(inputs["model"], shapes) if all(shapes) else names.model(inputs["model"])


def why_not(inputs: Inputs) -> str | None:
    """Why the shapes of a row are of no model; None where they are of one."""
    shapes, called = said(inputs), inputs["model"]
    try:
        found = model(inputs)
    except InputError as error:
        return f"model {called!r}: {error}"
    if found is None:
        missing = ", ".join(at for at, value in zip(COLUMNS, shapes, strict=True) if not value)
        return f"model {called!r} is not known" + (f", and {missing} not said" if any(shapes) else "")
    own = _shapes(found)
    other = next((at for at, a, b in zip(COLUMNS, shapes, own, strict=True) if a and b and a != b), None)
    if other is None:
        return None
    return f"model {called!r} has another {other} than {found.name} (try all of {', '.join(COLUMNS)})"


@functools.cache
def _built(called: str, shapes: Said) -> Model:
    """The bundled model of that name where its shapes are these, for it may have more to it than shapes."""
    known = names.model(called)
    if known and _shapes(known) == shapes:
        return known
    layers, hidden, width, heads, kv_heads, head_dim, words = shapes
    one = Layer(GroupedAttention(heads, kv_heads, head_dim), FeedForward(width), layers)
    return Model(called, "llama", hidden, words, (one,), tied=False, max_context=1 << 20)


def _shapes(model: Model) -> Said:
    """Of a dense model of equal layers; zeros where it is none."""
    first, mixer, mlp = model.layers[0], model.layers[0].mixer, model.layers[0].mlp
    if len(model.layers) > 1 or not isinstance(mixer, GroupedAttention) or not isinstance(mlp, FeedForward):
        return (0,) * len(COLUMNS)
    return (first.count, model.hidden, mlp.width, mixer.heads, mixer.kv_heads, mixer.head_dim, model.vocabulary)
