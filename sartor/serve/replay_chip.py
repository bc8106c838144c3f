"""A recorded run again with nothing measured but its requests: steps take what the estimate of its chip says."""

from __future__ import annotations

from ..chip.spec import Chip
from ..errors import InputError
from ..families import priced
from ..workload.model import Model
from .chip_table import Sizes, chip_table
from .chip_times import ChipTimes
from .outcome import Answers
from .replay import again
from .vllm_run import VllmRun


def replay_on(run: VllmRun, model: Model, chip: Chip) -> Answers:
    """`chip`: that of the run, from its data sheet and the figures of its generation."""
    s = run.settings
    if s.data_parallel > 1 and s.expert_parallel:
        raise InputError(f"{run.name}: its ranks share experts and wait for each other (try --layers, measured ones)")
    size = Sizes(s.max_seqs, s.batch_tokens, min(s.most_tokens or model.max_context, model.max_context))
    table = chip_table(priced(chip, s.weights, s.cache), model, size, s.tensor_parallel)
    return again(run, model, ChipTimes(table))
