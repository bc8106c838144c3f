"""The parts of a core that benchmarks/silicon.py maps, each at enough sizes to fit its formula."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any
from unittest import mock

from amaranth.hdl import Cat, Module
from amaranth.lib.wiring import Component

from sartor.families.tensor.core import PROGRAM_WORDS, Core
from sartor.families.tensor.rtl import tile
from sartor.families.tensor.rtl.activation_buffer import ActivationBuffer
from sartor.families.tensor.rtl.argmax import Argmax
from sartor.families.tensor.rtl.counters import Counters
from sartor.families.tensor.rtl.dot_unit import DotUnit, scaler_ports
from sartor.families.tensor.rtl.drain import Drain
from sartor.families.tensor.rtl.host import Host
from sartor.families.tensor.rtl.memory import Memory
from sartor.families.tensor.rtl.sequencer import Sequencer
from sartor.families.tensor.rtl.vector import VectorUnit
from sartor.families.tensor.rtl.weight_decoder import WeightDecoder


@dataclass(frozen=True)
class Point:
    """One part of one core."""

    core: Core
    build: Callable[[Core, bool], Any]
    minimum: bool = True
    left_out: str = ""  # components that are not of this part begin with it
    copies: int = 1

    def design(self) -> Any:
        return self.build(self.core, self.minimum)

    def name(self) -> str:
        """What of the core is not as small as it gets."""
        shown = [f"{f.name}={getattr(self.core, f.name)}" for f in fields(Core)[:6]]
        return " ".join([*shown, *([] if self.minimum else ["no minimum"])])


class _Stub(DotUnit):
    """The ports of a dot unit, all of them read, and little in it: for the tile around its units."""

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        read = Cat(getattr(self, name) for name in scaler_ports(self.core) if name not in ("term", "least"))
        size = len(self.term)
        parts = [read[i : i + size] for i in range(0, len(read), size)]
        m.d.comb += self.term.eq(functools.reduce(operator.xor, parts))
        m.d.comb += self.least.eq(self.term)
        return m


class _Shell(tile.Tile):
    """A tile of stubs for dot units."""

    def elaborate(self, platform: Any) -> Module:
        with mock.patch.object(tile, "DotUnit", _Stub):
            return super().elaborate(platform)


def _core(**sizes: int) -> Core:
    """The smallest core, but for `sizes`."""
    least = {"rows": 2, "lanes": 32, "columns": 1, "vector_lanes": 2, "port_bytes": 16}
    return Core(**{**least, "buffer_groups": 64, **sizes})


def _points(
    build: Callable[[Core, bool], Component], *sizes: dict[str, int], left_out: str = ""
) -> list[Point]:
    return [Point(_core(**size), build, left_out=left_out) for size in sizes]


# One of the two dot units of the smallest core.
UNIT = Point(_core(multiplier_bits=8), lambda core, _: DotUnit(core, True, True), copies=2)
PARTS: dict[str, list[Point]] = {
    "shell": _points(
        lambda core, minimum: _Shell(core, minimum, True),
        {}, {"rows": 8}, {"lanes": 64}, {"columns": 4}, {"columns": 2, "rows": 4}, {"lanes": 64, "columns": 2},
        left_out="unit_",
    ),
    "decoder": _points(
        WeightDecoder, {}, {"rows": 8}, {"port_bytes": 64}, {"rows": 8, "port_bytes": 32},
        {"rows": 8, "multiplier_bits": 8},
    ),
    "drain": _points(
        lambda core, _: Drain(core), {}, {"rows": 4, "vector_lanes": 4}, {"rows": 4, "columns": 4},
        {"rows": 8, "vector_lanes": 4, "columns": 2},
    ),
    "buffer": _points(
        lambda core, _: ActivationBuffer(core),
        {}, {"columns": 2}, {"columns": 4}, {"columns": 2, "lanes": 64}, {"columns": 2, "multiplier_bits": 8},
    ),
    "memory": _points(
        lambda core, _: Memory(core), *({"rows": 8, "port_bytes": size} for size in (16, 32, 64, 128))
    ),
    "argmax": _points(
        lambda core, _: Argmax(core),
        {}, {"rows": 4, "vector_lanes": 4}, {"columns": 4}, {"rows": 8, "vector_lanes": 8, "columns": 4},
        {"columns": 16},
    ),
    "sequencer": _points(
        lambda core, _: Sequencer(core, PROGRAM_WORDS), {}, {"columns": 2}, {"columns": 4}, {"columns": 16}
    ),
    "host": _points(lambda core, _: Host(PROGRAM_WORDS), {}),
    "counters": _points(lambda core, _: Counters(), {}),
    "vector": _points(
        lambda core, _: VectorUnit(core, structural=True),
        {}, {"columns": 4}, {"port_bytes": 64}, {"vector_lanes": 4},
    ),
}  # fmt: skip
FLAT = set(PARTS) - {"shell", "vector"}  # mapped as one module: quick, and as a tool would
