"""Verbs that make a chip and prove it, and what its formats cost a model."""

from __future__ import annotations

from typing import Annotated

import typer

from .. import api
from . import accuracy, hardware
from .options import Json, Out, app

Generated = Annotated[
    str, typer.Argument(help="A chip's TOML file or a study; a study without a chip is explored first.")
]
Requantize = Annotated[
    bool,
    typer.Option("--requantize", help="Round weights that are quantized to another format already once more."),
]


@app.command()
def build(
    chip: Generated,
    out: Out = None,
    model: Annotated[
        str | None, typer.Option(help="Add memory map and program of this model; a study's chip has its own.")
    ] = None,
    context: Annotated[int | None, typer.Option(help="Tokens in the KV cache; the longest that fits.", min=1)] = None,
    requantize: Requantize = False,
    json: Json = False,
) -> None:
    """Verilog of a core with its register map, memory map, program listing and data sheet."""
    hardware.build(chip, model, context, out, requantize, json)


@app.command()
def verify(
    chip: Generated,
    model: Annotated[
        str | None,
        typer.Option(
            help="A model with known weights, a GGUF file, or a Hugging Face folder, which is quantized to the chip's "
            "format; by default the study's."
        ),
    ] = None,
    prompt: Annotated[str, typer.Option(help="What the model goes on with.")] = api.PROMPT,
    tokens: Annotated[int, typer.Option(help="Tokens to generate.")] = api.TOKENS,
    seed: Annotated[int, typer.Option(help="Seed of the waits of --stalls.")] = 0,
    stalls: Annotated[bool, typer.Option("--stalls", help="Let the memory wait at random.")] = False,
    requantize: Requantize = False,
    structural: Annotated[
        bool, typer.Option("--structural", help="Run the file that `build` writes as it is: slower, builds longer.")
    ] = False,
    batch: Annotated[
        int, typer.Option(help="Sequences that a step decodes, up to the tile's columns; each has less of the prompt.")
    ] = 1,
    json: Json = False,
) -> None:
    """Run a real model on the generated RTL, every instruction beside the golden model, bit for bit."""
    hardware.verify(chip, model, prompt, tokens, seed, stalls, requantize, structural, batch, json)


@app.command()
def synth(
    chip: Generated,
    liberty: Annotated[str | None, typer.Option(help="Cells to map on: a .lib or .lib.gz file.")] = None,
    json: Json = False,
) -> None:
    """Gate equivalents of a core by component, and their area; on a library's cells also clock, energy of a MAC and of
    a token."""
    hardware.synth(chip, liberty, json)


@app.command()
def quality(
    model: Annotated[str, typer.Option(help="A model with known weights, a GGUF file, or a Hugging Face folder.")],
    weights: Annotated[
        str,
        typer.Option(help="Format of the linear layers (-gptq: calibrated), or of classes: ffn_down=int8,int4-g32."),
    ] = "none",
    activations: Annotated[str, typer.Option(help="Format of the linear layers' inputs; chip: as ours.")] = "none",
    kv: Annotated[
        str, typer.Option(help="Format of the cache; chip, chip-k8v4, chip-int4 (-plain, -turned): as ours.")
    ] = "none",
    text: Annotated[str, typer.Option(help="The text that is scored: en, ko, or a file.")] = "en",
    tokens: Annotated[int, typer.Option(help="Tokens of it, in one window.")] = 1024,
    rotate: Annotated[bool, typer.Option("--rotate", help="Turn the residual stream before rounding.")] = False,
    smooth: Annotated[float | None, typer.Option(help="SmoothQuant with this alpha, such as 0.5.")] = None,
    per_class: Annotated[bool, typer.Option("--per-class", help="Also each class of tensors by itself.")] = False,
    rows: Annotated[str | None, typer.Option(help="A CSV file that gets the figures, for [quality] rows.")] = None,
    json: Json = False,
) -> None:  # fmt: skip
    """What formats cost in accuracy on real weights: KL to the model's own logits, perplexity, tokens that agree."""
    accuracy.quality(
        json, model=model, weights=weights, activations=activations, kv=kv, text=text, tokens=tokens, rotate=rotate,
        smooth=smooth, per_class=per_class, rows=rows,
    )  # fmt: skip
