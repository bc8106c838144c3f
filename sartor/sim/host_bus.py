"""What the host writes to a core and reads from it, by address (docs/hardware.md, Host bus)."""

from __future__ import annotations

import struct

import numpy as np

from ..errors import InputError
from ..families.tensor.core import CONSTANTS, PROGRAM_WORDS
from ..families.tensor.isa import COUNTERS, INSTRUCTION_BITS, Instruction, encode
from ..families.tensor.start import Start
from .native import Native

START, BATCH = 0x0000, 0x0001
ROWS, CONSTANT, POSITIONS, COUNTER, CACHES = 0x0010, 0x0020, 0x0030, 0x0040, 0x0080
ARGMAX_INDEX, ARGMAX_VALUE, PROGRAM = 0x0090, 0x00A0, 0x4000
PARTS = INSTRUCTION_BITS // 32  # words of an instruction


def load(core: Native, program: list[Instruction], constants: list[float]) -> None:
    """Write the program and its binary32 constants."""
    if len(program) > PROGRAM_WORDS:
        raise InputError(f"program: {len(program)} instructions, at most {PROGRAM_WORDS}")
    for i, word in enumerate(map(encode, program)):
        for part in range(PARTS):
            core.host_write(PROGRAM + PARTS * i + part, word >> 32 * part & 0xFFFFFFFF)
    values = np.asarray(constants, np.float32)
    if len(values) > CONSTANTS:
        raise InputError(f"program: {len(values)} constants, at most {CONSTANTS}")
    for i, bits in enumerate(values.view(np.uint32).tolist()):
        core.host_write(CONSTANT + i, bits)


def tell(core: Native, given: Start) -> None:
    """The registers that a run begins with."""
    core.host_write(BATCH, given.batch)
    for first, values in ((POSITIONS, given.positions), (CACHES, given.caches or (0,)), (ROWS, given.rows)):
        for column, value in enumerate(values):
            core.host_write(first + column, value)


def counters(core: Native) -> dict[str, int]:
    """By isa.COUNTERS; each is two words."""
    pairs = [(core.host_read(at), core.host_read(at + 1)) for at in range(COUNTER, COUNTER + 2 * len(COUNTERS), 2)]
    return {name: low | high << 32 for name, (low, high) in zip(COUNTERS, pairs, strict=True)}


def largest(core: Native, batch: int) -> tuple[list[int], list[float]]:
    """Token and logit of each sequence."""
    bits = [core.host_read(ARGMAX_VALUE + c) for c in range(batch)]
    values = struct.unpack(f"<{batch}f", struct.pack(f"<{batch}I", *bits))
    return [core.host_read(ARGMAX_INDEX + c) for c in range(batch)], list(values)
