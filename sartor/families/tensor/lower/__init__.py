"""From a network to a program: loops over layers and heads, position from a register.

Bodies in one program: prefill of `columns` tokens at once, decode of one token with the head, and on a core of
several columns decode of a token of each of several sequences. A prompt runs through prefill but for its last token, in
whole chunks; tokens of a chunk beyond the prompt leave cache entries that are written again before they are read.
"""

from __future__ import annotations

import math

import numpy as np

from ....errors import InputError
from ..core import PROGRAM_WORDS, Core
from ..isa import BATCH, Instruction, Op
from ..memory_map import MemoryMap
from ..network import Network
from .body import Body
from .layer import begin, layer
from .matrices import head, top_exponent
from .program import LOG2E, Program

__all__ = ["Program", "lower", "top_exponent"]


def lower(core: Core, net: Network, memory: MemoryMap) -> Program:
    """The program of `net` on `core`."""
    c = LOG2E / math.sqrt(net.head_dim)
    constants = 1 / net.dim, net.epsilon, -LOG2E, 1.0, c, -c
    prefill = _pass(Body(core, net, memory, core.columns))
    decode = _pass(Body(core, net, memory, 1), with_head=True)
    at = len(prefill)
    batch = _batch(core, net, memory, PROGRAM_WORDS - at - len(decode)) if core.columns > 1 else []
    return Program(
        prefill + decode + batch, decode=at, batch=at + len(decode) if batch else at,
        together=core.columns if batch else 1,
        constants=tuple(float(np.float32(v)) for v in constants),
    )  # fmt: skip


def _batch(core: Core, net: Network, memory: MemoryMap, most: int) -> list[Instruction]:
    """Nothing where so many queries share a KV head that their passes, written out, fit no loop or no program."""
    try:
        code = _pass(Body(core, net, memory, BATCH), with_head=True)
    except InputError:  # of the other bodies it would have come before
        return []
    return code if len(code) <= most else []


def _pass(b: Body, with_head: bool = False) -> list[Instruction]:
    """All layers, and the head where a token is wanted."""
    begin(b, b.memory.stream_words if with_head else b.memory.layer_words)
    b.loop("layers", len(b.net.layers), lambda: layer(b))
    if with_head:
        head(b)
    b.add(Op.HALT)
    return b.code
