"""What `build`, `verify` and `synth` begin with: the chip, its core, and a network with its real weights."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..chip.spec import Chip
from ..compiler import gguf
from ..errors import InputError, Unsupported
from ..families.tensor.network import Network
from ..search import study as studies
from ..workload.fetch import WEIGHTS, cache_folder, fetch
from .explore import explore
from .find import find_chip, remember

Say = Callable[[str], None]
DEFAULT_MODEL = "smollm2-135m-q4_1"


def silent(text: str) -> None:
    """Tells nobody."""


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
    """The Verilog module of a chip.

    >>> module_name("edge-smollm2"), module_name("7nm")
    ('edge_smollm2', 'core_7nm')
    """
    name = re.sub(r"[^A-Za-z0-9_]", "_", name)
    return name if name[:1].isalpha() else f"core_{name}"


@dataclass(frozen=True, eq=False)
class Weights:
    """A network with real weights: its name, its file, and what names its content."""

    model: str
    network: Network
    path: Path
    key: str


def model_of(chip: Chip) -> str:
    """The model of the study that `chip` was made for, else the default one."""
    if chip.name in studies.names():
        return studies.find_study(chip.name).model.name
    return DEFAULT_MODEL


def weights_of(model: str, say: Say = silent) -> Weights:
    """The network of a bundled model whose weights are known, or of a GGUF file."""
    if model.endswith(".gguf"):
        return _from_file(model)
    if model not in WEIGHTS:
        raise InputError(
            f"model {model!r}: no weights are known to run it with (known: {', '.join(WEIGHTS)}; or give a .gguf file)"
        )
    say("fetching and checking the weights")
    path = fetch(WEIGHTS[model], cache_folder())
    return Weights(model, gguf.network(path), path, WEIGHTS[model].sha256)


def _from_file(name: str) -> Weights:
    path = Path(name)
    try:
        with path.open("rb") as file:
            key = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{name}: cannot be read: {error.strerror}") from None
    return Weights(name, gguf.network(path), path, key)


def check_tools() -> None:
    """Raises Unsupported for the first tool that a simulation needs and that is not here."""
    from ..rtl import yosys
    from ..sim import tools

    yosys.version()
    tools.verilator_root()
    tools.compiler()


def tokenizer_of(path: Path) -> Any:
    """The tokenizer of a GGUF file."""
    try:
        from ..compiler.tokenizer import tokenizer
    except ImportError as error:
        raise Unsupported(
            f"text to tokens: {error.name} is not installed (try: pip install tokenizers)"
        ) from None
    return tokenizer(path)
