"""A model with its real weights on a generated chip: the RTL beside the golden model, token by token."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ..chip.spec import Chip
from ..errors import InputError
from ..families.tensor import memory_map
from ..families.tensor.core import Core
from ..families.tensor.sizing import core_of
from ..workload.fetch import cache_folder
from . import image
from .estimate import estimate
from .generate import (
    Say,
    Weights,
    check_tools,
    found_chip,
    model_of,
    one_core,
    silent,
    tokenizer_of,
    weights_of,
)  # fmt: skip

PROMPT = "The capital of South Korea is"
TOKENS = 8
STALLED = 0.2  # chance of each wait, in each cycle


@dataclass(frozen=True)
class Progress:
    """What is known while it runs. `text`: prompt and answer so far; `cycles`: of the pass that runs."""

    text: str
    tokens: int
    of: int
    cycles: int
    total_cycles: int
    seconds_per_token: float | None


Watch = Callable[[Progress], None]


def verify(
    chip: str | Chip,
    model: str | None = None,
    prompt: str = PROMPT,
    tokens: int = TOKENS,
    seed: int = 0,
    stalls: bool = False,
    say: Say = silent,
    watch: Watch | None = None,
) -> dict[str, Any]:
    """Generate `tokens` tokens after `prompt` on the RTL of `chip` and on the golden model.

    Every instruction's writes must be equal: the first difference raises CheckFailed with the instruction, the
    tensor and both values. `model`: a bundled one with known weights, or a GGUF file; None: that of the study
    the chip was made for. `stalls`: the memory waits at random, by `seed`. Of a chip with several cores one
    core is run, with its share of the memory.
    """
    _check(prompt, tokens, seed)
    whole = found_chip(chip, say)
    core = core_of(whole)
    check_tools()
    weights = weights_of(model or model_of(whole), say)
    job = _Job(one_core(whole), core, weights, prompt, tokens, tokenizer_of(weights.path))
    return {**_run(job, seed if stalls else None, say, watch or (lambda progress: None)), "cores": whole.cores}


def _check(prompt: str, tokens: int, seed: int) -> None:
    if not prompt.strip():
        raise InputError(f"the prompt is empty (try --prompt {PROMPT!r})")
    if not 1 <= tokens <= 10_000:
        raise InputError(f"tokens = {tokens} must be between 1 and 10,000")
    if seed < 0:
        raise InputError(f"seed = {seed} must be at least 0")


class _Job:
    """What is run: it is checked before anything long begins."""

    def __init__(self, chip: Chip, core: Core, weights: Weights, prompt: str, tokens: int, text: Any) -> None:
        self.chip, self.core, self.weights, self.prompt, self.text = chip, core, weights, prompt, text
        self.ids: list[int] = text.encode(prompt)
        self.tokens = tokens
        self.context = memory_map.longest(core, weights.network)
        self._check()
        self.positions = [len(self.ids) - 1 + i for i in range(tokens)]
        self.estimated = [self._cycles(position) for position in self.positions]

    def _check(self) -> None:
        need = len(self.ids) + self.tokens - 1
        if need > self.context:
            raise InputError(
                f"a prompt of {len(self.ids)} tokens and {self.tokens} more need {need} places in the KV cache, but "
                f"{self.chip.name} has {self.context} for {self.weights.model} (a shorter prompt or fewer tokens)"
            )
        size, capacity = self._bytes(), self.chip.memory.capacity_bytes
        if size > capacity:
            raise InputError(
                f"{self.weights.model} with a context of {self.context} needs {size / 1e6:.0f} MB of memory, "
                f"{(size - capacity) / 1e6:.0f} MB more than {self.chip.name} has (a smaller model, or more memory)"
            )

    def _bytes(self) -> int:
        from ..compiler import store

        return store.planned(self.core, self.weights.network, self.context).nbytes

    def _cycles(self, position: int) -> float:
        """The estimate of one decode pass with `position` tokens in the cache."""
        step = estimate(self.chip, self.weights.model, "decode", 1, max(position, 1))
        return float(step["latency_s"] * self.chip.clock_hz)


def _run(job: _Job, seed: int | None, say: Say, watch: Watch) -> dict[str, Any]:
    from ..proof import verify as proof
    from ..sim.simulator import Stalls

    say("packing weights")
    image.checked(job.core, job.weights.network, job.weights.key, job.context, say)
    stalls = None if seed is None else Stalls(STALLED, STALLED, seed)
    try:
        ready = proof.bench(
            job.chip, job.weights.network, job.weights.key, job.context, stalls=stalls, say=say
        )
    except OSError as error:  # a library in the cache that is damaged
        raise InputError(
            f"{cache_folder() / 'sim'}: {error} (remove this folder: simulators are built again)"
        ) from None
    say("running")
    shown = _Shown(job, watch)
    ready.pair.cycles = shown.cycles
    found = proof.verify(ready, job.ids, job.tokens, shown.token)
    return facts(job, found)


class _Shown:
    """Tells `watch` after each token and while a pass runs."""

    def __init__(self, job: _Job, watch: Watch) -> None:
        self._job, self._watch = job, watch
        self._ids: list[int] = []
        self._total, self._seconds = 0, 0.0
        self._text = job.prompt

    def cycles(self, now: int) -> None:
        self._tell(now)

    def token(self, token: Any) -> None:
        self._ids.append(token.rtl)
        self._total += token.cycles
        self._seconds += token.seconds
        self._text = said(self._job, self._ids)
        self._tell(0)

    def _tell(self, now: int) -> None:
        done = len(self._ids)
        each = self._seconds / done if done else None
        self._watch(Progress(self._text, done, self._job.tokens, now, self._total, each))


def said(job: _Job, ids: list[int]) -> str:
    """Prompt and answer; a character that is not whole yet is left out."""
    return job.prompt + str(job.text.decode(ids)).rstrip("\ufffd")


def facts(job: _Job, found: Any) -> dict[str, Any]:
    """What the verification found, as plain data."""
    rtl, golden = [t.rtl for t in found.tokens], [t.golden for t in found.tokens]
    cycles, estimated = found.decode_cycles, sum(job.estimated)
    seconds = sum(t.seconds for t in found.tokens)
    return {
        "chip": job.chip.name, "model": job.weights.model, "prompt": job.prompt, "text": said(job, rtl),
        "prompt_tokens": found.prompt, "rtl_tokens": rtl, "golden_tokens": golden, "mismatches": found.mismatches,
        "instructions": sum(len(p.result.retired) for p in (*found.prefill, *found.decode)),
        "cycles_rtl": cycles, "cycles_estimated": estimated, "cycles_error": estimated / cycles - 1,
        "memory_utilization": found.memory_utilization, "counters": dict(_summed(found.decode)),
        "prefill_cycles": found.prefill_cycles, "clock_hz": job.chip.clock_hz, "context": job.context,
        "tokens_per_s_chip": len(rtl) * job.chip.clock_hz / cycles, "seconds_per_token": seconds / len(rtl),
        "build_s": found.build_s,
        "passes": [
            {"position": p.position, "cycles": p.result.cycles, "estimated": e}
            for p, e in zip(found.decode, job.estimated, strict=True)
        ],
    }  # fmt: skip


def _summed(passes: list[Any]) -> Iterator[tuple[str, int]]:
    """The hardware's counters, added up."""
    for name in passes[0].result.counters:
        yield name, sum(p.result.counters[name] for p in passes)
