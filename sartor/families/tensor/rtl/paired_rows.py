"""Values of a cache of 4-bit codes: two rows share a byte, so that each token writes bytes of its own.

Of rows 2p and 2p + 1 the lower halves of both blocks are row 2p, the upper ones row 2p + 1 (docs/hardware.md, "KV
cache"). Of its own block the upper row has the lower half anyway, and the lower row the upper one.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal, Value

from ..core import HALF, Core


def is_below(core: Core, unit: int) -> int:
    """Whether its row is the lower one of a pair."""
    return unit // core.lane_groups % 2


def unpaired(m: Module, core: Core, blocks: list[Value], paired: Value) -> list[Value]:
    """The bytes of all blocks of a step in the order of other 4-bit codes."""
    halves = []
    for unit, block in enumerate(blocks):
        held = Signal(8 * HALF, name=f"block_{unit}")
        m.d.comb += held.eq(block)
        halves.append([Cat(held[8 * i + at :][:4] for i in range(HALF)) for at in (0, 4)])
    return [_bytes(m, core, halves, unit, paired) for unit in range(len(blocks))]


def _bytes(m: Module, core: Core, halves: list[list[Value]], unit: int, paired: Value) -> Value:
    below, other = is_below(core, unit), halves[unit ^ core.lane_groups]
    taken = list(halves[unit])
    taken[1 - below] = Mux(paired, other[below], taken[1 - below])
    held = [Signal(4 * HALF, name=f"half_{unit}_{i}") for i in range(2)]
    m.d.comb += [signal.eq(half) for signal, half in zip(held, taken, strict=True)]
    return Cat(Cat(half[4 * i :][:4] for half in held) for i in range(HALF))
