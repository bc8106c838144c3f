"""What number formats cost a model in accuracy, on its real weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..formats.spec import format_named
from ..quality import text as texts
from ..quality.classes import STORED, parsed, shown
from ..quality.find import model_of
from ..quality.measure import Progress, measure, nobody
from ..quality.recipe import CACHES, CHIP, GPTQ, Recipe
from ..quality.rows import bits, check, keep, line
from ..quality.trained import warnings


def quality_of(
    model: str, weights: str = STORED, activations: str = STORED, kv: str = STORED, text: str | Path | None = None,
    *, tokens: int = texts.TOKENS, rotate: bool = False, smooth: float | None = None, per_class: bool = False,
    rows: str | Path | None = None, progress: Progress = nobody,
) -> dict[str, Any]:  # fmt: skip
    """KL(reference || compressed) of `model` in nats, mean over the first `tokens` tokens of `text` in one window.

    `weights`: a format of all linear layers, with `-gptq` behind it rounded with calibration, or
    "ffn_down=int8,attn_v=int8,int4-g32"; embedding and norms stay as they are. `activations`, `kv`: a format, or
    `chip`, as the generated chip has them. The reference is the model's own weights in binary32. `per_class`: also
    each class of tensors alone, in `classes`. `rows`: a CSV file that gets a line of each, for `[quality] rows` of a
    study.
    """
    recipe = Recipe(parsed(weights), activations.lower(), kv.lower(), rotate, smooth)
    known(recipe)
    if rows is not None:
        check(Path(rows))
    net, words = model_of(model)
    named = texts.read(text)
    windows = texts.windows(words, named, tokens, recipe.calibrated)
    texts.fits(net, tokens)
    found = measure(net, windows, recipe, progress)
    answer = {
        "model": net.name, "weights": shown(recipe.weights), "activations": recipe.activations, "kv": recipe.kv,
        "rotate": rotate, "smooth": smooth, "text": named[0], **found, "bits_per_weight": bits(net, recipe),
        "warnings": warnings(recipe, found["kl"], bits(net, Recipe())),
    }  # fmt: skip
    alone = [(part, one, measure(net, windows, one, progress)) for part, one in _alone(recipe)] if per_class else []
    if per_class:
        answer["classes"] = [{"class": part, "kl": one["kl"]} for part, _, one in alone]
    if rows is not None:
        all_of = [(recipe, found), *((one, result) for _, one, result in alone)]
        keep(Path(rows), [line(net, named[0], one, result) for one, result in all_of])
    return answer


def known(recipe: Recipe) -> None:
    """Raises UnknownName for a format that there is not."""
    for name in recipe.weights.values():
        format_named(name.removesuffix(GPTQ))
    for what, name, own in (("activations", recipe.activations, (CHIP,)), ("kv", recipe.kv, CACHES)):
        if name.endswith(GPTQ):
            raise InputError(f"--{what} {name}: {GPTQ} calibrates weights alone (try {name.removesuffix(GPTQ)})")
        if name not in (STORED, *own):
            format_named(name)


def _alone(recipe: Recipe) -> list[tuple[str, Recipe]]:
    """Each class by itself."""
    bare = replace(recipe, weights={}, activations=STORED, kv=STORED)
    found = [(part, replace(bare, weights={part: name})) for part, name in recipe.weights.items()]
    return found + [
        (part, replace(bare, **{part: name}))
        for part in ("activations", "kv")
        if (name := getattr(recipe, part)) != STORED
    ]
