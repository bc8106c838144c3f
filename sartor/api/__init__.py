"""Every command as a Python call: no files needed, nothing printed, results returned."""

from .build import Built, build, save
from .compare import compare, compare_fleets
from .cost import cost
from .design import Design, design, write
from .doctor import doctor
from .estimate import estimate
from .explore import explore
from .find import find_chip
from .fit import fit
from .fleet import GPUS, fleet
from .listing import listing
from .loadgen import loadgen
from .measure import measure
from .quality import quality_of
from .read import read
from .serve import Serving, check_serving, keys_of, service
from .silicon import silicon
from .simulate import simulate
from .synth import synth
from .validate import on_record, validate
from .verify import PROMPT, TOKENS, verify
from .watch import watch

__all__ = [
    "GPUS", "PROMPT", "TOKENS", "Built", "Design", "Serving", "build", "check_serving", "compare",
    "compare_fleets", "cost", "design", "doctor", "estimate", "explore", "find_chip", "fit", "fleet", "keys_of",
    "listing", "loadgen", "measure", "on_record", "quality_of", "read", "save", "service", "silicon", "simulate",
    "synth", "validate", "verify", "watch", "write",
]  # fmt: skip
