"""What `build`, `verify` and `synth` begin with: the chip, its core, and a network with its real weights."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass

from ..chip.spec import Chip
from ..compiler import store
from ..errors import InputError
from ..families.tensor import memory_map
from ..families.tensor.core import PROGRAM_WORDS, Core
from ..families.tensor.lower import Program, lower
from ..families.tensor.memory_map import MemoryMap
from ..rtl.keywords import KEYWORDS
from ..search import study as studies
from .explore import explore
from .find import find_chip, remember
from .networks import Weights
from .say import Say, silent

DEFAULT_MODEL = "smollm2-135m-q4_1"


def found_chip(name: str | Chip, say: Say = silent) -> Chip:
    """A chip by name. A study that has no chip yet is explored first, and its pick kept."""
    if isinstance(name, Chip):
        return name
    try:
        return find_chip(name)
    except InputError:
        if name not in studies.names():
            raise
    say(f"exploring {name}: it has no chip yet")
    run = explore(name, resume=True)
    remember(run.chip(run.pick, name))
    return find_chip(name)


def one_core(chip: Chip) -> Chip:
    """One core of `chip` with its share of the memory's rate: what is generated and simulated."""
    if chip.cores == 1:
        return chip
    share = chip.memory.bandwidth_bytes_per_s / chip.cores
    return dataclasses.replace(
        chip, cores=1, memory=dataclasses.replace(chip.memory, bandwidth_bytes_per_s=share)
    )


def module_name(name: str) -> str:
    """The Verilog module of a chip: no keyword, and not a name of a tool's own.

    >>> module_name("edge-smollm2"), module_name("7nm"), module_name("small")
    ('edge_smollm2', 'core_7nm', 'core_small')
    """
    name = re.sub(r"[^A-Za-z0-9_]", "_", name)
    plain = name[:1].isalpha() and name not in KEYWORDS and name != "top"
    return name if plain else f"core_{name}"


def model_of(chip: Chip) -> str:
    """The model of the study that `chip` was made for, else the default one."""
    if chip.name in studies.names():
        return studies.find_study(chip.name).model.name
    return DEFAULT_MODEL


@dataclass(frozen=True, eq=False)
class Placed:
    """A network placed and lowered, not packed."""

    weights: Weights
    memory: MemoryMap
    program: Program


def place(core: Core, weights: Weights, context: int | None = None, sequences: int = 1) -> Placed:
    """Where the network lies, with caches for so many `sequences`, and its program; None: the longest context that
    fits."""
    net = weights.network
    if context is not None and context < 1:
        raise InputError(f"context = {context} must be at least 1")
    fits = memory_map.longest(core, net) if context is None else memory_map.check(core, net, context)
    memory = store.planned(core, net, fits, sequences)
    program = lower(core, net, memory)
    if len(program.instructions) > PROGRAM_WORDS:
        raise InputError(
            f"{weights.model} needs {len(program.instructions)} instructions, but the core holds {PROGRAM_WORDS} "
            "(fewer columns)"
        )
    return Placed(weights, memory, program)


def check_tools() -> None:
    """Raises Unsupported for the first tool that a simulation needs and that is not here."""
    from ..rtl import yosys
    from ..sim import tools

    yosys.version()
    tools.verilator_root()
    tools.compiler()
