"""Batches of requests that start and end together, as others measured them, beside a prefill and its decode steps.

    python benchmarks/batches.py FILE...
    python benchmarks/trust.py --batches FILE...

FILE: `Plots/All_results.csv` of argonne-lcf/LLM-Inference-Bench on GitHub (BSD 3-clause; arXiv 2411.00136), or
`docs/source/performance.md` of TensorRT-LLM 0.8.0 or 0.9.0 (Apache-2.0), its last with batches of a fixed size; of the
first also `Plots/Fig_16_a_b/power_results.csv` (batches_watts.py). None of our figures was fitted to a row of them, and
the GH200, the H200 and the L40S to no step at all. Nothing of a file is kept but the errors.

A stack's own work between steps is not the chip's. Of vLLM 0.5, whose steps begin in Python, two figures are fitted to
the H100's rows (a step's, and a request's in it) and added on every chip: rows named `vllm`. TensorRT-LLM's runtime is
taken as it is.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))

import batches_watts
from batches_files import Batch, read
from error_lines import error_lines

from sartor.families.gpu.estimate import Replica
from sartor.families.gpu.family import Existing
from sartor.families.gpu.passes import Setting
from sartor.validation import names
from sartor.validation.points_room import room
from sartor.validation.record import Recorded, record
from sartor.validation.summary import Pair
from sartor.workload.derive import operators
from sartor.workload.step import Step

FIRST, TOKENS, _ = WORDS = ("batches", "first tokens", batches_watts.WATTS)  # of the groups' names
FITTED_ON = "h100-sxm"
SAME = ("gh200", "h200-sxm")  # of its generation
PLAIN = "llama-2-7b"  # kernels of these stacks read what grouped queries share once for each of them, or nearly
CONTEXTS = 9  # at which the decode steps of a request are priced; between them straight


def replica(batch: Batch) -> tuple[Existing, Replica]:
    """Stacks cast activations in the passes before, and pad nothing."""
    chip = names.chip(batch.chip)
    assert chip is not None
    existing = Existing(chip, batch.format, batch.format)
    setting = Setting(casts=False, pads=False)
    return existing, Replica(existing.machine, batch.chips, batch.format, batch.format, {}, setting)


def predicted_s(batch: Batch) -> float:
    """A prefill, and a decode step for each further token, at the context it has."""
    model, (_, chips) = names.model(batch.model), replica(batch)
    assert model is not None
    prefill = chips.phase(operators(model, "prefill"), Step(batch.requests, batch.prompt, 0.0))
    contexts = np.linspace(batch.prompt, batch.prompt + batch.output - 1, CONTEXTS)
    step = chips.phase(operators(model, "decode"), Step(batch.requests, 1, contexts)).latency_s
    mean = np.mean((step + np.roll(step, 1))[1:]) / 2 if np.ndim(step) else step
    return float(prefill.latency_s + (batch.output - 1) * mean)


def refusal(batch: Batch) -> str | None:
    """Why no batch can be as `batch` says, or cannot be run in one; None where it can."""
    model, (existing, _) = names.model(batch.model), replica(batch)
    assert model is not None
    if batch.prompt + batch.output > model.max_context:
        return "longer than the model holds"
    held = room(existing, model, batch.format, batch.chips, 1, batch.prompt + batch.output)
    if batch.requests > held < np.inf:
        return "no room for the caches of all: they run one after another"
    read_s = model_bytes(batch) / batch.chips / existing.chip.memory.bandwidth_bytes_per_s
    return "faster than the DRAM's peak" if batch.seconds < (batch.output - 1) * read_s else None


def model_bytes(batch: Batch) -> float:
    """Weights that a step of one reads: of experts those of one token."""
    model = names.model(batch.model)
    assert model is not None
    bits = {"bf16": 16, "fp8-e4m3": 8}[batch.format]
    return sum(float(g.weight_elements_read(Step(1, 1, 0))) for g in operators(model, "decode").gemms) * bits / 8


def pairs(batches: Sequence[Batch], beside_s: Callable[[Batch], float] = lambda batch: 0.0) -> list[Pair]:
    """Predicted beside measured; `beside_s` is a stack's own."""
    return [Pair(b.where, {"model": b.model}, "latency", predicted_s(b) + beside_s(b), b.seconds) for b in batches]


def of_stack(batches: Sequence[Batch]) -> Callable[[Batch], float]:
    """Seconds of the stack beside the chip, fitted to `batches`: a step's and a request's in it."""
    steps = np.array([b.output for b in batches], float)
    each = np.array([b.requests for b in batches], float)
    seconds = np.array([b.seconds for b in batches])
    columns = np.stack((steps, steps * each), axis=1) / seconds[:, None]
    missing = 1 - np.array([predicted_s(b) for b in batches]) / seconds
    step_s, request_s = np.linalg.lstsq(columns, missing, rcond=None)[0]
    return lambda b: float(b.output * (step_s + request_s * b.requests))


def groups(files: Sequence[Path]) -> Mapping[str, Sequence[Pair]]:
    """By the names they are on record with."""
    found: dict[str, list[Pair]] = defaultdict(list)
    for path in files:
        usable = [b for b in read(path) if refusal(b) is None and not b.watts]
        of_vllm = [b for b in usable if b.stack == "vllm"]
        host = of_stack([b for b in of_vllm if b.chip == FITTED_ON and b.chips == 1]) if of_vllm else None
        for batch in usable:
            (pair,) = pairs([batch], host if host and batch.stack == "vllm" else lambda b: 0.0)
            for name in _names(batch):
                if not name.startswith(TOKENS):  # of one prompt a stack's own time is most
                    found[name].append(pair)
        for name, pair in (*_beside(usable), *_watts(path)):
            found[name].append(pair)
    return dict(sorted(found.items()))


def _watts(path: Path) -> Iterator[tuple[str, Pair]]:
    """Of batches whose power was read."""
    for batch in read(path):
        if batch.watts and refusal(batch) is None:
            yield from batches_watts.pairs(batch, *replica(batch), CONTEXTS)


def _names(batch: Batch) -> list[str]:
    """By chip, format and stack; and of one chip those of PLAIN, which has a cache for each head."""
    what = TOKENS if batch.output == 1 else FIRST
    more = [word for word, said in (("vllm", batch.stack == "vllm"), ("several", batch.chips > 1)) if said]
    words = [what, batch.chip, batch.format, *more]
    model = names.model(batch.model)
    plain = model and model.name == PLAIN and words[-1] == batch.format and batch.output > 1
    return [" ".join(words), *([" ".join((*words, PLAIN))] if plain else [])]


def _beside(batches: Sequence[Batch]) -> Iterator[tuple[str, Pair]]:
    """How many times as long as on the H100, where one file has both."""
    known = {b.sizes: b for b in batches if b.chip == FITTED_ON and b.stack != "vllm" and b.chips == 1}
    for batch in batches:
        other = known.get(batch.sizes)
        if other and batch.chip in SAME:
            times = predicted_s(batch) / predicted_s(other), batch.seconds / other.seconds
            for name in _names(batch):
                yield f"{name} over {FITTED_ON}", Pair(batch.where, {"model": batch.model}, "latency", *times)


def records(files: Sequence[Path]) -> list[Recorded]:
    """Errors by group: no figure was fitted to any of the rows, but vLLM's two to the H100's."""
    return [record("gpu", "unseen", name, found) for name, found in groups(files).items()]


def main() -> int:
    files = [Path(name) for name in sys.argv[1:]]
    for path in files:
        batches = read(path)
        why = [refusal(b) for b in batches]
        print(f"{path.name}: {len(batches)} batches", {w: why.count(w) for w in sorted({w for w in why if w})})
    print(*error_lines(groups(files)), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
