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
from ..families.tensor.memory_map import MemoryMap
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


STREAMS = 8


@dataclass(frozen=True)
class Serving:
    """How it is served: requests on the chip at once (None: STREAMS, or as many as its memory holds) and waiting,
    tokens of an answer, seconds of one, bytes of a body; keys; `record`: traffic is written there; `log_text`: prompts
    go to the log."""

    streams: int | None = None
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
    how = how or Serving()
    whole = found_chip(chip, say)
    core, tile = core_of(whole), whole.tile
    if tile is None:
        raise InputError(f"{whole.name}: only a generated chip has a golden model to serve")
    weights = weights_for(core, model, tile.formats, say, requantize)
    one = place(core, weights, context)
    streams = streams_of(whole, one, how.streams)
    say("packing weights")
    path = image.checked(core, weights.network, weights.key, one.memory.context, say)
    return assembled(whole, model, weights, place(core, weights, one.memory.context, streams), path, how)


def streams_of(chip: Chip, one: Placed, asked: int | None) -> int:
    """Places for requests in the memory of `chip`, which holds the weights and a cache for each; `one`: for one."""
    cache_bytes = one.memory.cache_words * one.memory.core.port_bytes
    spare_bytes = chip.memory.capacity_bytes - one.memory.nbytes
    most, context = 1 + int(spare_bytes // cache_bytes), one.memory.context
    if most < 1:
        raise InputError(
            f"{one.weights.model} with a context of {context} needs {one.memory.nbytes / 1e6:.0f} MB of memory, "
            f"{-spare_bytes / 1e6:.0f} MB more than {chip.name} has (a smaller model or a shorter --context)"
        )
    if asked is not None and asked > most:
        raise InputError(
            f"--streams {asked} with a context of {context} each is more than the memory of {chip.name} holds: "
            f"{most} (fewer, or a shorter --context)"
        )
    return min(STREAMS, most) if asked is None else asked


def assembled(
    chip: Chip, name: str, weights: Weights, placed: Placed, path: Path, how: Serving, tokenizer: Any = None
) -> Service:
    """From the parts: `placed` with a place for each request at once, and the file `path` with the memory image for
    one."""
    from ..endpoint.app import Service
    from ..endpoint.costs import costs
    from ..endpoint.engine import Engine
    from ..endpoint.guards import Limits
    from ..endpoint.metrics import Metrics
    from ..endpoint.record import Recorder

    core, net, memory, program = core_of(chip), weights.network, placed.memory, placed.program
    binary = Binary(core, net.name, net.vocabulary, memory, program, _memory(memory, path))
    priced = costs(chip, find_model(weights.model), core.columns, memory.context, _economy(chip), program.together)
    metrics = Metrics(name, priced.usd_per_s, Recorder(how.record) if how.record else None)
    engine = Engine(binary, priced, metrics, how.waiting)
    metrics.watch(engine)
    limits = Limits(how.body_bytes, how.tokens, how.seconds, memory.sequences, how.waiting)
    text = tokenizer or tokenizer_of(weights.path)
    return Service(name, engine, text, metrics, limits, how.keys, how.log_text)


def _memory(memory: MemoryMap, path: Path) -> np.ndarray:
    """The image in the file, and behind it the caches of others, of which a page is there once it is written."""
    try:
        whole = np.zeros(memory.nbytes, np.uint8)
    except MemoryError:
        raise InputError(
            f"--streams {memory.sequences} need {memory.nbytes / 1e9:.1f} GB here (fewer, or a shorter --context)"
        ) from None
    image = np.memmap(path, np.uint8, "r")
    whole[: len(image)] = image
    return whole


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
