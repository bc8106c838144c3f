"""A chip's model over HTTP: tokens of its golden model, times and energy of its estimate."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..chip.spec import Chip
from ..compiler.binary import Binary
from ..errors import InputError, Unsupported
from ..families.tensor.sizing import core_of
from ..search import study as studies
from ..search.economy import Economy
from ..search.problem import economy
from ..workload.find import find_model
from . import image
from .balance import weights_for
from .generate import Placed, found_chip, place
from .networks import Weights, tokenizer_of
from .say import Say, silent

if TYPE_CHECKING:
    from ..endpoint.app import Service


@dataclass(frozen=True)
class Serving:
    """How it is served: requests at once and waiting, tokens of an answer, seconds of one, bytes of a body; keys;
    `record`: traffic is written there; `log_text`: prompts go to the log."""

    streams: int = 8
    waiting: int = 64
    tokens: int = 4096
    seconds: float = 600.0
    body_bytes: int = 2**20
    keys: tuple[str, ...] = ()
    record: Path | None = None
    log_text: bool = False


def service(
    chip: str | Chip,
    model: str,
    how: Serving | None = None,
    *,
    context: int | None = None,
    requantize: bool = False,
    say: Say = silent,
) -> Service:
    """`model` on `chip`, ready to be served: endpoint.app.Service."""
    check_serving()
    whole = found_chip(chip, say)
    core, tile = core_of(whole), whole.tile
    if tile is None:
        raise InputError(f"{whole.name}: only a generated chip has a golden model to serve")
    weights = weights_for(core, model, tile.formats, say, requantize)
    placed = place(core, weights, context)
    say("packing weights")
    path = image.checked(core, weights.network, weights.key, placed.memory.context, say)
    return assembled(whole, model, weights, placed, path, how or Serving())


def assembled(
    chip: Chip, name: str, weights: Weights, placed: Placed, path: Path, how: Serving, tokenizer: Any = None
) -> Service:
    """From the parts: the memory image of `placed` lies in the file `path`."""
    from ..endpoint.app import Service
    from ..endpoint.costs import costs
    from ..endpoint.engine import Engine
    from ..endpoint.guards import Limits
    from ..endpoint.metrics import Metrics
    from ..endpoint.record import Recorder

    core, net = core_of(chip), weights.network

    def memory() -> np.ndarray:
        return np.memmap(path, np.uint8, "c")  # what a stream writes is its own; the weights are one for all

    binary = Binary(core, net.name, net.vocabulary, placed.memory, placed.program, memory())
    priced = costs(chip, find_model(weights.model), core.columns, placed.memory.context, _economy(chip))
    metrics = Metrics(name, priced.usd_per_s, Recorder(how.record) if how.record else None)
    engine = Engine(binary, memory, priced, metrics, how.streams, how.waiting)
    metrics.watch(engine)
    limits = Limits(how.body_bytes, how.tokens, how.seconds, how.streams, how.waiting)
    text = tokenizer or tokenizer_of(weights.path)
    return Service(name, engine, text, metrics, limits, how.keys, how.log_text)


def _economy(chip: Chip) -> Economy:
    """Of the study that the chip was made for, else of a device."""
    return economy(studies.find_study(chip.name)) if chip.name in studies.names() else Economy("device")


def keys_of(file: Path | None) -> tuple[str, ...]:
    """Keys from SARTOR_API_KEY and from `file`, one a line."""
    given = os.environ.get("SARTOR_API_KEY", "").split()
    if file is None:
        return tuple(given)
    try:
        return (*given, *file.read_text(encoding="utf-8").split())
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"--key-file {file}: cannot be read: {error}") from None


def check_serving() -> None:
    """Raises Unsupported where a package of the endpoint is missing."""
    try:
        import fastapi  # noqa: F401
        import prometheus_client  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise Unsupported(f"serving: {error.name} is not installed (try: pip install 'sartor[serve]')") from None
