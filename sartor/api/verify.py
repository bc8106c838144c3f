"""A model with its real weights on a generated chip: the RTL beside the golden model, token by token."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..chip.spec import Chip
from ..errors import InputError
from ..families.tensor.core import Core
from ..families.tensor.sizing import core_of
from ..workload.fetch import cache_folder
from . import image
from .balance import weights_for
from .generate import check_tools, found_chip, model_of, module_name, one_core
from .job import Job, Shown, Watch, answer, mean_s, said
from .networks import check_there, tokenizer_of
from .say import Say, silent
from .verilog import verilog

PROMPT = "The capital of South Korea is"
TOKENS = 8
STALLED = 0.2  # chance of each wait, in each cycle


def verify(
    chip: str | Chip,
    model: str | None = None,
    prompt: str = PROMPT,
    tokens: int = TOKENS,
    seed: int = 0,
    stalls: bool = False,
    structural: bool = False,
    say: Say = silent,
    watch: Watch | None = None,
    requantize: bool = False,
    batch: int = 1,
) -> dict[str, Any]:
    """Generate `tokens` tokens after `prompt` on the RTL of `chip` and on the golden model.

    Every instruction's writes must be equal: the first difference raises CheckFailed with the instruction, the
    tensor and both values. `model`: a bundled one with known weights, a GGUF file, or a Hugging Face folder, whose
    weights are quantized to the chip's format; None: that of the study the chip was made for. `requantize`: weights
    that are quantized to another format already are rounded once more. `stalls`: the memory waits at random, by
    `seed`. `structural`: what runs is the file that `build` writes, carry-save trees and all, which is slow; else the
    same hardware with products that simulate fast. `batch`: decode so many sequences a step, up to the columns of the
    tile; each begins with the prompt less its last tokens, one more than the one before, and must say what it says
    alone. Of a chip with several cores one core is run, with its share of
    the memory.
    """
    _check(prompt, tokens, seed)
    check_there(model)
    whole = found_chip(chip, say)
    core = core_of(whole)
    check_tools()
    assert whole.tile is not None  # core_of checked it
    weights = weights_for(core, model_of(whole) if model is None else model, whole.tile.formats, say, requantize)
    job = Job(one_core(whole), core, weights, prompt, tokens, tokenizer_of(weights.path), batch)
    library = functools.partial(_structural, whole, core) if structural else None
    found = _run(job, seed if stalls else None, library, say, watch or (lambda progress: None))
    return {**found, "structural": structural, "cores": whole.cores}


def _structural(chip: Chip, core: Core, say: Say) -> Path:
    """The simulator of the Verilog that `build` writes."""
    from ..sim import delivered

    text = verilog(chip, core, say)
    return delivered.library(
        core, text, module_name(chip.name), progress=lambda what, s: say(f"building the simulator: {what}")
    )


def _check(prompt: str, tokens: int, seed: int) -> None:
    if not prompt.strip():
        raise InputError(f"the prompt is empty (try --prompt {PROMPT!r})")
    if not 1 <= tokens <= 10_000:
        raise InputError(f"tokens = {tokens} must be between 1 and 10,000")
    if seed < 0:
        raise InputError(f"seed = {seed} must be at least 0")


def _run(job: Job, seed: int | None, library: Any, say: Say, watch: Watch) -> dict[str, Any]:
    from ..proof import verify as proof
    from ..sim.simulator import Stalls

    say("packing weights")
    image.checked(job.core, job.weights.network, job.weights.key, job.context, say, job.batch)
    stalls = None if seed is None else Stalls(STALLED, STALLED, seed)
    try:
        ready = proof.bench(
            job.chip, job.weights.network, job.weights.key, job.context, stalls=stalls, say=say, library=library,
            sequences=job.batch,
        )  # fmt: skip
    except OSError as error:  # a library in the cache that is damaged
        raise InputError(
            f"{cache_folder() / 'sim'}: {error} (remove this folder: simulators are built again)"
        ) from None
    say("running")
    shown = Shown(job, watch)
    ready.pair.cycles = shown.cycles
    found = proof.verify(ready, job.prompts, job.tokens, shown.step)
    return facts(job, found)


def facts(job: Job, found: Any) -> dict[str, Any]:
    """What the verification found, as plain data; tokens at the top are the first sequence's."""
    sequences = [
        {"text": said(job, prompt, rtl), "answer": answer(job, rtl), "prompt_tokens": prompt, "rtl_tokens": rtl,
         "golden_tokens": golden}
        for prompt, rtl, golden in zip(found.prompts, found.of_each("rtl"), found.of_each("golden"), strict=True)
    ]
    cycles, estimated = found.decode_cycles, sum(job.estimated)
    return {
        "chip": job.chip.name, "model": job.weights.model, "prompt": job.prompt, **sequences[0], "batch": job.batch,
        "sequences": sequences, "mismatches": found.mismatches,
        "instructions": sum(len(p.result.retired) for p in (*found.prefill, *found.decode)),
        "cycles_rtl": cycles, "cycles_estimated": estimated, "cycles_error": estimated / cycles - 1,
        "memory_utilization": found.memory_utilization, "counters": dict(_summed(found.decode)),
        "prefill_cycles": found.prefill_cycles, "clock_hz": job.chip.clock_hz, "context": job.context,
        "tokens_per_s_chip": job.batch * job.tokens * job.chip.clock_hz / cycles,
        "seconds_per_token": mean_s([step.seconds for step in found.steps]), "build_s": found.build_s,
        "passes": [
            {"position": p.start.positions[0], "positions": list(p.start.positions), "cycles": p.result.cycles,
             "estimated": e}
            for p, e in zip(found.decode, job.estimated, strict=True)
        ],
    }  # fmt: skip


def _summed(passes: list[Any]) -> Iterator[tuple[str, int]]:
    """The hardware's counters, added up."""
    for name in passes[0].result.counters:
        yield name, sum(p.result.counters[name] for p in passes)
