"""What every number format costs a real model in accuracy, and how far the sum over its classes of tensors tells it.

    python benchmarks/quality.py [--write] [--only WORD] [--winners] [--json]

SmolLM2-135M-Instruct, the first 1,024 tokens of the English text, one row a recipe: weights plain, with the residual
stream turned (its weights are 4-bit already, which flatters formats like theirs), with calibration; activations; the
cache; each class of tensors alone. `--write` keeps the rows in sartor/data/measured/quality.csv, row by row: what is
there is not measured again, so that an interrupted run goes on. `--only` takes the recipes whose text contains WORD,
`--winners` the mixes that docs/mixed.py found, and the formats that they beat.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from sartor.formats.measured import lines
from sartor.formats.spec import formats
from sartor.quality import text
from sartor.quality.classes import EMBEDDING, LINEAR, parsed
from sartor.quality.find import model_of
from sartor.quality.measure import measure
from sartor.quality.model import Model
from sartor.quality.recipe import GPTQ, Recipe, alone
from sartor.quality.rows import keep, line, of

FILE = Path(__file__).parents[1] / "sartor/data/measured/quality.csv"
FOUND = Path(__file__).parents[1] / "docs/pictures/mixed.json"
MODEL = "smollm2-135m"
# Every format by itself on plain and on turned weights; the likeliest to be chosen first, since a run may be cut short.
WEIGHTS = ("int4-g32", "nvfp4", "mxfp4", "int4-g128", "int8", "nf4", "bcq4-g64", "bcq3-g64", "int3-g64", "mxfp6-e2m3",
           "mxfp8-e4m3", "fp8-e4m3", "mxint8", "int4-g32-asym", "int4-g64", "ternary", "bcq2-g64", "int8-2:4",
           "fp8-e4m3-b128", "fp8-e5m2", "int8-g32", "q8_0", "q4_0", "q4_1", "q5_0", "mxfp6-e3m2", "int4-g128-asym",
           "bcq4-g128", "bcq3-g128", "int3-g32", "int3-g128", "int2-g32", "int4-g32-2:4")  # fmt: skip
FIRST = 18
UNWRITTEN = ("kivi", "pair", "kquants")  # codecs of a cache, and those that are only read
WEIGHTS += tuple(name for name, form in formats().items() if name not in WEIGHTS and form.codec not in UNWRITTEN)
CALIBRATED = ("int4-g128", "nvfp4", "int3-g64", "bcq3-g64", "mxfp4", "int4-g32", "int4-g32-asym", "cb4-g64")
ACTIVATIONS = ("chip", "int8", "mxint8", "fp8-e4m3", "mxfp8-e4m3", "nvfp4", "mxfp4", "int4-g32")
KV = ("chip", "int8", "int4", "fp8-e4m3", "int3", "nvfp4", "mxint8", "fp8-e5m2", "mxfp4",
      "chip-int4", "chip-int4-plain", "chip-k8v4", "chip-int4-turned", "chip-k8v4-turned")
# What mixes are made of: all layers together, then class by class, turned.
CLASSES = ("int4-g32", "mxint8", "int4-g32-asym", "int3-g32", "mxfp6-e2m3", "int3-g64", "nvfp4", "int4-g64", "int8-g32",
           "int4-g128", "int8", "mxfp4", "bcq4-g64", "bcq3-g64", "int5-g32", "int6-g32")  # fmt: skip
# With calibration: together, then class by class; the embedding is not calibrated.
CLASSES_CALIBRATED = ("int4-g32-asym", "int4-g64", "mxfp6-e2m3", "int6-g32", "int5-g32", "mxint8", "int4-g32",
                      "int3-g32", "int3-g64", "int8-g32", "int4-g128", "nvfp4", "mxfp4", "int8", "bcq4-g64",
                      "bcq3-g64")  # fmt: skip
# Mixes that docs/mixed.py found, and others: what the sum over classes says of them is compared with these.
MIXED = (
    "attn_qkv=mxfp6-e2m3,ffn_down=int4-g32,embedding=mxfp6-e2m3,int4-g64",
    "attn_qkv=int4-g32-asym,embedding=int4-g32,int4-g64",
    "attn_qkv=mxfp6-e2m3,embedding=int4-g32,int4-g64",
    "attn_qkv=int8-g32,attn_o=mxfp6-e2m3,embedding=int8-g32,mxint8",
    "ffn_in=int4-g32-asym,embedding=mxfp6-e2m3,mxfp6-e2m3",
    "attn_qkv=int4-g32,attn_o=int3-g32,embedding=int4-g64,int4-g64",
    "attn_qkv=int4-g64,embedding=int3-g64,int3-g64",
    "ffn_in=int3-g32,attn_qkv=mxint8,int4-g32",
    "ffn_down=int8,attn_v=int8,int4-g32",
    "attention=int8,nvfp4",
    "embedding=mxfp6-e2m3,mxfp6-e2m3",
    "attn_v=int8-g32,attn_o=int4-g32,embedding=mxfp6-e2m3,mxfp6-e2m3",
    "attn_v=int8-g32,attn_o=int4-g32-asym,embedding=mxfp6-e2m3,mxfp6-e2m3",
    "attn_v=mxint8,attn_o=int4-g32,embedding=mxfp6-e2m3,mxfp6-e2m3",
    "attn_v=mxint8,attn_o=int4-g64,embedding=mxfp6-e2m3,mxfp6-e2m3",
    "attn_v=mxfp6-e2m3,embedding=int4-g32-asym,int4-g64",
    "attn_v=mxint8,embedding=int4-g32-asym,int4-g64",
    "attn_qk=int3-g32,attn_v=mxfp6-e2m3,embedding=int4-g64,int4-g64",
    "embedding=int4-g32-asym,int4-g32-asym",
    "embedding=int4-g32,int4-g32",
    "embedding=int6-g32,int6-g32",
    "attn_v=int8-g32,embedding=int6-g32,int6-g32",
    "embedding=int5-g32,int5-g32",
    "attn_v=int8-g32,embedding=int6-g32,int5-g32",
    "embedding=int6-g32,int6-g32-gptq",
    "attn_qk=int5-g32-gptq,attn_o=int5-g32-gptq,ffn_in=mxfp6-e2m3-gptq,embedding=mxint8,int6-g32-gptq",
    "attn_qk=int5-g32-gptq,attn_o=int5-g32-gptq,ffn_in=mxfp6-e2m3-gptq,embedding=int8-g32,int6-g32-gptq",
    "embedding=mxint8,mxint8-gptq",
    "attn_qk=int6-g32-gptq,attn_o=int6-g32-gptq,embedding=int8-g32,mxint8-gptq",
)  # fmt: skip


def winners() -> list[str]:
    """What docs/mixed.py wants measured as a whole."""
    return list(json.loads(FOUND.read_text(encoding="utf-8")).get("winners", []))


def recipes(all_of: bool = True) -> Iterator[Recipe]:
    yield from (Recipe(parsed(name), rotate=True) for name in winners())
    if not all_of:
        return
    yield from (Recipe(parsed(name), rotate=True) for name in MIXED)
    for name in CLASSES:
        yield Recipe(parsed(name), rotate=True)
        yield from (alone(part, name, True) for part in (*LINEAR, EMBEDDING))
    for name in CLASSES_CALIBRATED:
        yield Recipe(parsed(name + GPTQ), rotate=True)
        yield from (alone(part, name + GPTQ, True) for part in LINEAR)
    yield from (Recipe(parsed(name), rotate=True) for name in WEIGHTS[:FIRST])
    yield from (Recipe(activations=name) for name in ACTIVATIONS[:4])
    yield from (Recipe(kv=name) for name in KV[:5])
    yield Recipe(parsed("int4-g128" + GPTQ), rotate=True)
    yield from (Recipe(parsed(name)) for name in WEIGHTS[:FIRST])
    yield from (Recipe(parsed("int4-g32"), "chip", "chip", rotate=r) for r in (True, False))
    yield from (Recipe(activations="chip", kv=name) for name in (KV[0], *KV[9:]))
    yield from (Recipe(parsed(name + GPTQ), rotate=True) for name in CALIBRATED[1:])
    yield from (Recipe(parsed("int8"), "int8", smooth=smooth) for smooth in (None, 0.5))
    yield from (Recipe(activations=name) for name in ACTIVATIONS[4:])
    yield from (Recipe(kv=name) for name in KV[5:])
    yield from (Recipe(parsed(name), rotate=r) for r in (True, False) for name in WEIGHTS[FIRST:])
    yield from (alone(EMBEDDING, name) for name in ("int8", "int4-g32"))


def row(model: Model, words: Any, recipe: Recipe) -> dict[str, str]:
    windows: np.ndarray = text.windows(words, text.read(None), text.TOKENS, recipe.calibrated)
    return line(model, "en", recipe, measure(model, windows, recipe))


def rows(known: list[dict[str, str]], only: str, all_of: bool) -> Iterator[dict[str, str]]:
    """Those that are not known yet."""
    model, words = model_of(MODEL)
    for recipe in recipes(all_of):
        asked = of(recipe)
        if only in recipe.text and not any(all(r[c] == v for c, v in asked.items()) for r in known):
            yield row(model, words, recipe)


def kept() -> list[dict[str, str]]:
    return list(csv.DictReader(lines(FILE))) if FILE.is_file() else []


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", action="store_true", help="keep the rows in the package's data")
    parser.add_argument("--only", default="", help="recipes whose text contains this")
    parser.add_argument("--winners", action="store_true", help="mixes that the search found, and what they beat")
    parser.add_argument("--json", action="store_true", help="one JSON object and nothing else")
    options = parser.parse_args()
    known = kept() if options.write else []
    for new in rows(known, options.only, not options.winners):
        known.append(new)
        if options.write:
            keep(FILE, [new])
        say = ("weights", "activations", "kv", "rotate", "bits_per_weight", "kl", "perplexity", "top1_agreement")
        print("  ".join(f"{new[name]:>12}" for name in say), file=sys.stderr, flush=True)
    if options.json:
        print(json.dumps({"rows": known}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
