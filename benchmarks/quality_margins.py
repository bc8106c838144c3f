"""Whether one compression harms less than another beyond the error of measuring: both on more text.

    python benchmarks/quality_margins.py WEIGHTS WEIGHTS ... [--windows N] [--json]

Weights two by two; SmolLM2-135M-Instruct with the residual stream turned, the first N windows of 1,024 tokens of the
English text (4; its calibration is what it always is). Both meet the same positions, so that the difference is known
better than either: its standard error is over positions. A calibrated recipe takes two CPU minutes, a plain one half a
minute.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

import numpy as np

from sartor.quality import text
from sartor.quality.classes import parsed
from sartor.quality.find import model_of
from sartor.quality.forward import Forward
from sartor.quality.metrics import divergence
from sartor.quality.model import Model
from sartor.quality.recipe import Recipe

MODEL, WINDOWS = "smollm2-135m", 4


def windows(words: object, scored: int) -> np.ndarray:
    """[scored + those of calibration, TOKENS]."""
    name, content = text.read(None)
    calibration = text.windows(words, (name, content), text.TOKENS, True)[1:]
    first = text.windows(words, (name, content), text.TOKENS * scored, False).reshape(scored, text.TOKENS)
    if scored * text.TOKENS + calibration.size > len(words.encode(content)):  # type: ignore[attr-defined]
        raise SystemExit(
            f"--windows {scored}: the text is too short to calibrate on other tokens (try fewer)"
        )
    return np.concatenate([first, calibration])


def states(model: Model, tokens: np.ndarray, recipe: Recipe, scored: int) -> tuple[Forward, list[np.ndarray]]:
    """What the head multiplies, window by window."""
    forward = Forward(model, recipe, scored=scored)
    x = forward.begin(tokens if recipe.calibrated else tokens[:scored])
    for i in range(model.layers):
        print(f"{recipe.text}: layer {i} of {model.layers}", end="\r", file=sys.stderr, flush=True)
        x = forward.layer(i, x)
    return forward, [forward.end(x[i : i + 1]) for i in range(scored)]


def harms(names: list[str], scored: int) -> np.ndarray:
    """KL in nats [recipes, scored * TOKENS]."""
    model, words = model_of(MODEL)
    tokens = windows(words, scored)
    reference, exact = states(model, tokens, Recipe(), scored)
    found = []
    for name in names:
        forward, states_ = states(model, tokens, Recipe(parsed(name), rotate=True), scored)
        heads = reference.linear.head, forward.linear.head
        found.append(np.concatenate([
            divergence((p, heads[0]), (q, heads[1]), model.vocabulary) for p, q in zip(exact, states_, strict=True)
        ]))  # fmt: skip
    return np.array(found)


def compared(kl: np.ndarray) -> dict[str, float]:
    """Of KL [2, positions]: means and the difference second - first with standard errors, nats."""
    less, root = kl[1] - kl[0], kl.shape[1] ** 0.5
    each = zip(("first", "second", "difference"), (*kl, less), strict=True)
    return {
        name + more: value for name, x in each for more, value in (("", x.mean()), ("_error", x.std() / root))
    }


def said(names: list[str], kl: np.ndarray) -> dict[str, object]:
    """Of two recipes and their KL [2, windows, TOKENS]."""
    found = {name: float(value) for name, value in compared(kl.reshape(2, -1)).items()}
    return {"weights": names, **found, "windows": kl.mean(-1).tolist()}


def shown(pair: dict[str, Any]) -> str:
    lines = [
        f"{pair[which]:.5f} +- {pair[which + '_error']:.5f}  {name}"
        for which, name in zip(("first", "second"), pair["weights"], strict=True)
    ]
    less = ", ".join(f"{b - a:+.5f}" for a, b in zip(*pair["windows"], strict=True))
    error = f"{pair['difference']:+.5f} +- {pair['difference_error']:.5f}"
    return "\n".join([*lines, f"{error}  the second's less the first's; by window {less}"])


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("weights", nargs="+", help="as sartor quality --weights takes them, two by two")
    parser.add_argument("--windows", type=int, default=WINDOWS, help="of 1,024 tokens, scored")
    parser.add_argument("--json", action="store_true", help="one JSON object and nothing else")
    options = parser.parse_args()
    if len(options.weights) % 2:
        parser.error("weights are compared two by two")
    kl = harms(options.weights, options.windows).reshape(-1, 2, options.windows, text.TOKENS)
    firsts = range(0, len(options.weights), 2)
    pairs = [said(options.weights[i : i + 2], both) for i, both in zip(firsts, kl, strict=True)]
    print(json.dumps({"pairs": pairs}) if options.json else "\n\n".join(shown(pair) for pair in pairs))
    return 0


if __name__ == "__main__":
    sys.exit(main())
