"""The program, and options that several verbs have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode="rich", pretty_exceptions_enable=False,
    help="From a language model and its traffic to the chip tailored to it.",
    context_settings={"help_option_names": ["-h", "--help"]},
)  # fmt: skip

Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout and nothing else.")]
Out = Annotated[Path | None, typer.Option("--out", help="Folder for the results.")]
Points = Annotated[int | None, typer.Option(help="Designs to screen.", min=1)]
Seed = Annotated[int | None, typer.Option(help="Seed of the search.", min=0)]
Executor = Annotated[str, typer.Option(help="Where designs are priced: process, pool or ray.")]
Batch = Annotated[int, typer.Option(help="Sequences at once.")]
Context = Annotated[int, typer.Option(help="Tokens in the cache (decode) or in the prompt (prefill).")]
Model = Annotated[str, typer.Option(help="A bundled model, or a config.json, GGUF or safetensors file.")]
