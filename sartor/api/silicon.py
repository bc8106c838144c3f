"""What the report says of a study's chip as hardware: built, verified, synthesized, or refused with the reason."""

from __future__ import annotations

from typing import Any

from ..chip.spec import Chip
from ..errors import InputError, Unsupported
from ..families.tensor.sizing import core_of
from ..search.study import Study
from ..workload.fetch import WEIGHTS
from .say import Say, silent
from .synth import synth
from .verify import verify

TOKENS = 8


def silicon(
    chip: Chip, study: Study, say: Say = silent, tokens: int = TOKENS, gates: bool = False
) -> dict[str, Any]:
    """Facts of the run of `study`'s model on the RTL of `chip`; {"refused": reason} where there is none, with `cores`
    where they are the reason.

    `gates`: synthesize it too. A difference between RTL and golden model is not refused: it raises CheckFailed.
    """
    if chip.cores > 1:
        reason = f"{chip.name} has {chip.cores} cores; what joins them is not generated (one core is: sartor verify)"
        return {"refused": reason, "cores": chip.cores}
    try:
        _check(chip, study)
        found = verify(chip, study.model.name, tokens=tokens, say=say)
        return {**found, "synthesis": synth(chip, say=say)} if gates else found
    except InputError as error:
        return {"refused": str(error)}


def _check(chip: Chip, study: Study) -> None:
    """Raises Unsupported for what cannot be generated whole."""
    core_of(chip)
    if study.model.name not in WEIGHTS:
        raise Unsupported(f"no weights of {study.model.name} are known to run it with")
