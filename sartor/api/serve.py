"""A chip's model over HTTP: tokens of its golden model, times and energy of its estimate."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
from .places import check_rtl, image_of, simulated, streams_of
from .say import Say, silent

if TYPE_CHECKING:
    from ..endpoint.app import Service


@dataclass(frozen=True)
class Serving:
    """How it is served: requests on the chip at once (None: STREAMS, or as many as its memory holds) and waiting,
    tokens of an answer, seconds of one, bytes of a body; keys; `record`: traffic is written there; `log_text`: prompts
    go to the log; `log_json`: its lines are objects, one for each request; `rtl`: on the RTL in its simulator, not on
    the golden model."""

    streams: int | None = None
    waiting: int = 64
    tokens: int = 4096
    seconds: float = 600.0
    body_bytes: int = 2**20
    keys: tuple[str, ...] = ()
    record: Path | None = None
    log_text: bool = False
    rtl: bool = False
    log_json: bool = False


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
    if how.rtl:
        check_rtl(whole)
    weights = weights_for(core, model, tile.formats, say, requantize)
    one = place(core, weights, context)
    streams = streams_of(whole, one, how.streams)
    say("packing weights")
    path = image.checked(core, weights.network, weights.key, one.memory.context, say)
    return assembled(whole, model, weights, place(core, weights, one.memory.context, streams), path, how, say=say)


def assembled(
    chip: Chip, name: str, weights: Weights, placed: Placed, path: Path, how: Serving, tokenizer: Any = None,
    say: Say = silent,
) -> Service:  # fmt: skip
    """From the parts: `placed` with a place for each request at once, and the file `path` with the memory image for
    one."""
    from ..endpoint.app import Service
    from ..endpoint.costs import costs
    from ..endpoint.engine import Engine
    from ..endpoint.guards import Limits
    from ..endpoint.machine import OnGolden
    from ..endpoint.metrics import Metrics
    from ..endpoint.record import Recorder

    core, net, memory, program = core_of(chip), weights.network, placed.memory, placed.program
    binary = Binary(core, net.name, net.vocabulary, memory, program, image_of(memory, path, how.rtl))
    priced = costs(chip, find_model(weights.model), core.columns, memory.context, _economy(chip), program.together)
    metrics = Metrics(name, priced.usd_per_s, Recorder(how.record) if how.record else None)
    machine = simulated(chip, binary, path, say) if how.rtl else OnGolden(binary)
    engine = Engine(binary, machine, priced, metrics, how.waiting)
    metrics.watch(engine)
    limits = Limits(how.body_bytes, how.tokens, how.seconds, memory.sequences, how.waiting)
    text = tokenizer or tokenizer_of(weights.path)
    return Service(name, engine, text, metrics, limits, how.keys, how.log_text, how.log_json)


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
        raise Unsupported(
            f"serving: {error.name} is not installed (try: .venv/bin/pip install -e '.[serve]')"
        ) from None
