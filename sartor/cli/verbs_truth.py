"""Verbs that measure, fit and check the estimates, and the tools that are here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .. import api
from . import answers, on_record, truth
from .options import Json, app


@app.command()
def validate(
    kind: Annotated[
        str, typer.Argument(help="What is checked: gpu, serving, dram, area, cost or rtl. None: all errors on record.")
    ] = "",
    data: Annotated[
        list[Path] | None, typer.Option(help="Measurements, a file or folder (docs/validation.md); may be given again.")
    ] = None,
    layers: Annotated[
        Path | None, typer.Option(help="For recorded runs: folder of measured layer times. None: the chip's estimate.")
    ] = None,
    name: Annotated[
        list[str] | None,
        typer.Option(help="THEIRS=OURS: what the file calls a chip, model or format, and its name here, or its file "
                          "(chip.toml, config.json); may be given again."),
    ] = None,
    json: Json = False,
) -> None:
    """How wrong the estimates are against measurements, and what they do not cover."""
    if not kind and not data:
        on_record.show(json)
    else:
        truth.validate(kind, data or [], layers, name or [], json)


@app.command()
def fit(
    kind: Annotated[str, typer.Argument(help="What is fitted: gpu.")],
    data: Annotated[
        list[Path] | None, typer.Option(help="A file of measurements (docs/validation.md); may be given again.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="A CSV file for the figures, in the form of gpu.csv.")] = None,
    json: Json = False,
) -> None:
    """Fit the figures of a GPU generation to measurements, and say how they do on models and shapes left out."""
    truth.fit(kind, data or [], out, json)


@app.command()
def measure(
    kind: Annotated[str, typer.Argument(help="What is measured: gpu.")] = "gpu",
    out: Annotated[
        Path | None, typer.Option(help="The file; the GPU's name by default. One that is there goes on.")
    ] = None,
    sections: Annotated[
        str | None, typer.Option(help="With commas, of: ceiling, gemm, attn, decode, prefill. All by default.")
    ] = None,
    models: Annotated[str | None, typer.Option(help="With commas: bundled dense models.")] = None,
    weights: Annotated[str | None, typer.Option(help="With commas: bf16, fp8, int4. The first two by default.")] = None,
    budget: Annotated[float | None, typer.Option(help="Seconds after which no point is begun.", min=0)] = None,
    json: Json = False,
) -> None:
    """Measure the GPU that is here. Ctrl-C keeps what was measured; the same command goes on."""
    truth.measure(kind, out, sections, models, weights, budget, json)


@app.command()
def doctor(json: Json = False) -> None:
    """Which tools are here, what each missing one would add, how to get it."""
    answers.doctor(api.doctor(), json)
