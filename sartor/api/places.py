"""The chip that serves: places for requests in its memory, and what runs its program."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..chip.spec import Chip
from ..compiler.binary import Binary
from ..errors import InputError
from ..families.tensor.memory_map import MemoryMap
from .generate import Placed, check_tools
from .say import Say

if TYPE_CHECKING:
    from ..endpoint.machine import Machine

STREAMS = 8


def streams_of(chip: Chip, one: Placed, asked: int | None) -> int:
    """Places for requests in the memory of `chip`, which holds the weights and a cache for each; `one`: for one."""
    cache_bytes = one.memory.cache_words * one.memory.core.port_bytes
    spare_bytes = chip.memory.capacity_bytes - one.memory.nbytes
    most, context = 1 + int(spare_bytes // cache_bytes), one.memory.context
    if most < 1:
        raise InputError(
            f"{one.weights.model} with a context of {context} needs {one.memory.nbytes / 1e6:.0f} MB of memory, "
            f"{-spare_bytes / 1e6:.0f} MB more than {chip.name} has (a smaller model or a shorter --context)"
        )
    if asked is not None and asked > most:
        raise InputError(
            f"--streams {asked} with a context of {context} each is more than the memory of {chip.name} holds: "
            f"{most} (fewer, or a shorter --context)"
        )
    return min(STREAMS, most) if asked is None else asked


def image_of(memory: MemoryMap, path: Path, rtl: bool) -> np.ndarray:
    """The image in the file, and for a golden model, which writes it, the caches of all behind it: of those a page is
    there once it is written."""
    image = np.memmap(path, np.uint8, "r")
    if rtl:
        return image
    try:
        whole = np.zeros(memory.nbytes, np.uint8)
    except MemoryError:
        raise InputError(
            f"--streams {memory.sequences} need {memory.nbytes / 1e9:.1f} GB here (fewer, or a shorter --context)"
        ) from None
    whole[: len(image)] = image
    return whole


def check_rtl(chip: Chip) -> None:
    """Raises an error where the RTL of `chip` cannot be served here."""
    if chip.cores > 1:
        raise InputError(
            f"--rtl: {chip.name} has {chip.cores} cores, and the RTL is of one (serve its golden model, or try: sartor "
            f"verify {chip.name})"
        )
    check_tools()


def simulated(chip: Chip, binary: Binary, path: Path, say: Say) -> Machine:
    """The RTL of `chip` with its memory, which begins with the image in the file `path`."""
    from ..endpoint.machine import OnRtl
    from ..sim import memory_timing, simulator

    say("building the simulator")
    made = simulator.Simulator(
        binary.core, path, memory_timing.of_chip(chip), memory_bytes=binary.memory.nbytes,
        progress=lambda what, s: say(f"building the simulator: {what}"),
    )  # fmt: skip
    return OnRtl(binary, made, chip.clock_hz)
