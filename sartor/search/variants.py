"""A study with one format and one kind of memory at a time, and published claims held against the chips found."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..chip import presets
from ..chip.spec import Chip
from ..errors import Infeasible
from ..families import priced
from ..families.priced import Priced
from ..tables import table
from ..workload.step import Step
from ..workload.workload import Workload
from .evaluate import cache_token_bytes, state_request_bytes, weight_bytes
from .explore import Exploration, explore
from .parts import ClaimPart
from .study import Study

MOST_CHIPS = 64


@dataclass(frozen=True)
class Variant:
    """The chip of one format and one kind of memory; None: nothing keeps the study's limits."""

    memory: str
    weights: str
    run: Exploration | None

    def chip(self) -> Chip | None:
        return None if self.run is None else self.run.chip(self.run.pick, f"{self.memory} {self.weights}")


@dataclass(frozen=True)
class Decoded:
    """One decoded token: bytes moved between chips and memories, joules with what idles, on so many chips."""

    n_bytes: float
    joules: float
    seconds: float
    chips: int

    def figure(self, quantity: str) -> float:
        return self.n_bytes if quantity == "bytes" else self.joules


def variants(study: Study, say: Callable[[str], None] = lambda text: None) -> list[Variant]:
    """A search each, within the limits. The bound on KL is left out: what a format costs is another question; that of
    the cache, which the search is free in, stays."""
    part, found = study.variants, []
    quality = study.quality.model_copy(update={"kl": None, "axis": False})
    slo = study.slo.model_copy(update={k: v for k in ("ttft", "tpot") if (v := getattr(part, k)) is not None})
    for name, kinds in part.memory.items():
        for weights in part.weights:
            say(f"{weights} with {name}")
            space = {**study.search.space, "memory": kinds, "weights": [weights]}
            search = study.search.model_copy(update={"space": space, "points": part.points})
            one = study.model_copy(update={"search": search, "quality": quality, "slo": slo, "others": []})
            run = None
            with contextlib.suppress(Infeasible):
                run = explore(one.under(part.profile))
            found.append(Variant(name, weights, run))
    return found


def decoded(chips: Priced, work: Workload, batch: int, context: int, most: int = 1) -> Decoded | None:
    """A token of each of `batch` sequences of `context` tokens, on the fewest chips side by side that hold weights and
    cache; None: `most` of them do not."""
    split = 1
    while not _fits(chips, work, batch, context, split):
        split *= 2
        if split > most:
            return None
    phase = chips.replica(split, work.formats).phase(work.decode, Step(batch, 1, context))
    seconds = float(phase.latency_s)
    joules = float(phase.dynamic_j) + float(chips.static_w) * split * seconds
    return Decoded(float(phase.dram_bytes) / batch, joules / batch, seconds, split)


def _fits(chips: Priced, work: Workload, batch: int, context: int, split: int) -> bool:
    cache = cache_token_bytes(chips, work, context, split) * context + state_request_bytes(work, split)
    usable = table("overheads").fact("memory", "usable_fraction").value
    return bool(weight_bytes(chips, work) / split + cache * batch <= chips.capacity_bytes * usable)


def held(claim: ClaimPart, study: Study, made: list[Variant], work: Workload) -> list[dict[str, Any]]:
    """`claim` on every variant, batch and context: `factor`, how many times less than the chip it names, None where one
    of them cannot; `chips` of that chip."""
    theirs, part = priced(presets.find(claim.chip), claim.weights, claim.cache), study.variants
    rows = []
    for variant in made:
        chip = variant.chip()
        for batch in part.batches:
            for context in part.contexts:
                mine = None if chip is None else decoded(priced(chip), work, batch, context)
                other = decoded(theirs, work, batch, context, MOST_CHIPS)
                factor = other.figure(claim.quantity) / mine.figure(claim.quantity) if mine and other else None
                rows.append({"memory": variant.memory, "weights": variant.weights, "batch": batch, "context": context,
                             "factor": factor, "chips": other.chips if other else None})  # fmt: skip
    return rows
