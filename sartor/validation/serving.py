"""Kind `serving`: recorded runs of vLLM, beside the same requests simulated: on measured layers, or, without, by the
estimate of the run's chip.

What is compared are means and percentiles over a run's requests: when a single request gets its tokens depends on who
was in its batches, what users see of a service are its distributions.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, UnknownName
from ..serve.outcome import Answers
from ..serve.replay import replay
from ..serve.replay_chip import replay_on
from ..serve.vllm_run import VllmRun, find_runs, read_run
from ..workload.find import bundled, names
from ..workload.model import Model
from .names import chip as known_chip
from .names import ours
from .record import Recorded, by_quantity
from .summary import Pair, figures

QUANTITIES = {"tpot": "tpot_s", "ttft": "ttft_s", "latency": "latency_s"}
# Of single rows: a run that cannot be read or simulated is an error.
SAID = ("refused", "excluded", "unjudged", "repeated", "wrong_units", "unlike", "unread", "absent")
FIGURES = {"mean": None, "p50": 50, "p90": 90, "p99": 99}


def serving(data: Sequence[Path], layers: Path | None) -> dict[str, Any]:
    """Errors over all runs in the folders `data`, by quantity (`tpot_mean`, ...) and by run and quantity."""
    if not data:
        raise InputError(
            "validate serving: no recorded runs come with the package (try --data FILE.csv with measured points, or "
            "--data DIR with folders of vLLM runs, --layers DIR beside it with the layers' times: docs/validation.md)"
        )
    runs = [read_run(folder) for path in data for folder in find_runs(path)]
    pairs = [pair for run in runs for pair in compared(run, layers)]
    means = [p for p in pairs if p.quantity.endswith("_mean")]
    return {
        "kind": "serving", "files": [run.name for run in runs], **figures(means),
        "rows": {"held_out": 0, "other": len(runs)}, "by": _groups(pairs),
        "coverage": {"rows": len(runs), "predicted": len(runs), "share": 1.0, "excluded_n": 0,
                     **{name: [] for name in SAID}},
    }  # fmt: skip


def compared(run: VllmRun, layers: Path | None) -> list[Pair]:
    """One pair for each figure. Of the run only requests and settings go into the simulation."""
    measured = Answers(run.arrival_s, run.first_s, run.last_s, run.output_tokens)
    predicted = _simulated(run, model_of(run.settings.model), layers)
    labels = {"run": run.name}
    return [
        Pair(run.name, labels, f"{name}_{figure}", _figure(predicted, at, percent), _figure(measured, at, percent))
        for name, at in QUANTITIES.items()
        for figure, percent in FIGURES.items()
    ]


def on_file(data: Path, layers: Path) -> list[Recorded]:
    """The errors of TPOT and TTFT over all runs in `data`, on measured layers and by the estimates of their chips."""
    runs = [read_run(folder) for folder in find_runs(data)]
    return [
        one
        for form, tables in (("runs on layers ", layers), ("runs on chips ", None))
        for one in by_quantity("serving", "unseen", _of_tokens([compared(run, tables) for run in runs]), form, label="")
    ]


def _of_tokens(pairs: Sequence[Sequence[Pair]]) -> list[Pair]:
    return [pair for some in pairs for pair in some if not pair.quantity.startswith("latency")]


def _simulated(run: VllmRun, model: Model, layers: Path | None) -> Answers:
    if layers is not None:
        return replay(run, model, layers)
    if chip := known_chip(run.machine.hardware):
        return replay_on(run, model, chip)
    raise InputError(
        f"{run.name}: chip {run.machine.hardware!r} is not known (try --layers DIR with the layers' measured times)"
    )


def _figure(answers: Answers, name: str, percent: int | None) -> float:
    values = getattr(answers, name)
    return float(np.nanmean(values) if percent is None else np.nanpercentile(values, percent))


def _groups(pairs: list[Pair]) -> dict[str, dict[str, Any]]:
    groups: dict[str, list[Pair]] = {pair.quantity: [] for pair in pairs}
    for pair in pairs:
        for name in (pair.quantity, f"{pair.labels['run']} {pair.quantity}"):
            groups.setdefault(name, []).append(pair)
    return {name: figures(some) for name, some in groups.items()}


def model_of(name: str) -> Model:
    """The bundled model of a Hugging Face name; variants of a model (-Instruct, -2507) have its shapes.

    >>> model_of("Qwen/Qwen3-30B-A3B-Instruct-2507").name
    'qwen3-30b-a3b'
    """
    short = ours("models", name.rstrip("/").rsplit("/", 1)[-1].lower())
    found = [own for own in names() if short == own or short.startswith(f"{own}-")]
    if not found:
        raise UnknownName("model", name, names())
    return bundled(max(found, key=len))
