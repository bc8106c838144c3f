"""Verbs that choose a chip: explore, price, compare."""

from __future__ import annotations

from typing import Annotated

import typer

from .. import api
from ..errors import InputError
from . import answers, compared, serving, show
from .console import bar
from .options import Batch, Context, Executor, Json, Model, Out, Points, Seed, app


@app.command()
def design(
    study: Annotated[str, typer.Argument(help="A study's name, or a TOML file.")] = "edge-smollm2",
    out: Out = None, points: Points = None, seed: Seed = None, executor: Executor = "process",
    build: Annotated[bool, typer.Option(help="Build the chosen chip and run the model on it (minutes).")] = True,
    traffic: Annotated[
        str | None, typer.Option(help="Other traffic than the study's: a profile, or a trace such as a recorded one.")
    ] = None,
    json: Json = False,
) -> None:  # fmt: skip
    """The whole job: explore, choose, compare, explain, build, verify, report."""
    show.design(study, out, points, seed, executor, build, traffic, json)


@app.command()
def explore(
    study: Annotated[str, typer.Argument(help="A study's name, or a TOML file.")],
    points: Points = None, seed: Seed = None, executor: Executor = "process", out: Out = None, json: Json = False,
) -> None:  # fmt: skip
    """Screen and refine designs; give the Pareto front. Ctrl-C keeps what was found; the same command resumes."""
    show.explore(study, points, seed, executor, out, json)


@app.command(name="list")
def list_(
    kind: Annotated[
        str, typer.Argument(help="studies, chips, models, formats, nodes, memories, links or traffic")
    ],
    json: Json = False,
) -> None:
    """What there is to choose from."""
    answers.listing(kind, json)


@app.command()
def read(
    model: Annotated[str, typer.Argument(help="A bundled model, or a config.json, GGUF or safetensors file.")],
    batch: Batch = 1, context: Context = 1024, json: Json = False,
) -> None:  # fmt: skip
    """What a model asks for: parameters, bytes, operations, cache, per phase."""
    answers.read(model, batch, context, json)


@app.command()
def estimate(
    chip: Annotated[str, typer.Option(help="A chip's name, a TOML file, or a study that has been designed.")],
    model: Model,
    phase: Annotated[str, typer.Option(help="prefill or decode")] = "decode",
    batch: Batch = 1, context: Context = 2048,
    weights: Annotated[str | None, typer.Option(help="Their format; a generated chip's own, else bf16.")] = None,
    kv: Annotated[str | None, typer.Option(help="Number format of the cache.")] = None,
    tensor_parallel: Annotated[int, typer.Option(help="Chips side by side.")] = 1,
    json: Json = False,
) -> None:  # fmt: skip
    """Time and energy of one phase of a model on a chip."""
    answers.estimate(api.estimate(chip, model, phase, batch, context, weights, kv, tensor_parallel), json)


@app.command()
def cost(
    chip: Annotated[
        str, typer.Argument(help="A chip's name, a TOML file, or a study that has been designed.")
    ],
    volume: Annotated[float, typer.Option(help="Chips made.")] = 100_000,
    device: Annotated[bool, typer.Option(help="In a device instead of a data center.")] = False,
    json: Json = False,
) -> None:
    """Die, yield, package, memory, what is paid once, and owning it; with ranges."""
    answers.cost(api.cost(chip, volume, device), json)


@app.command()
def compare(
    chips: Annotated[
        list[str], typer.Argument(help="Chips' names, TOML files, or studies that have been designed.")
    ],
    model: Annotated[
        str | None, typer.Option(help="A model; without one, the work of a study among the chips, or Llama-3.1-8B.")
    ] = None,
    trace: Annotated[
        str | None,
        typer.Option(help="A traffic profile or a trace file: a fleet of each chip, and of GPUs, is simulated for it."),
    ] = None,
    rate: Annotated[
        float | None, typer.Option(help="With --trace, requests a second at the busiest moment; the trace's own.")
    ] = None,
    ttft: Annotated[float, typer.Option(help="Time to first token, seconds.")] = 2.0,
    tpot: Annotated[float, typer.Option(help="Time per output token, seconds.")] = 0.05,
    batch: Annotated[int | None, typer.Option(help="Most requests served at once.")] = None,
    json: Json = False,
) -> None:
    """Chips side by side at the same work, each in its best configuration; with a trace, fleets of them."""
    if rate is not None and trace is None:
        raise InputError("--rate is the rate of a trace (give --trace too)")
    with bar() as shown:
        shown.add_task("the best configuration of each chip", total=None)
        rows = api.compare(list(chips), model, trace, ttft, tpot, batch=batch)
    fleets = None if trace is None else serving.fleets(list(chips), model, trace, rate, ttft, tpot, batch)
    compared.compare(rows, json, fleets)
    if fleets is not None and not json:
        serving.show_fleets(fleets)
