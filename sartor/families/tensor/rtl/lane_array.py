"""All lanes, the functions that two of them share, and which stage holds a word."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ....rtl import float_add, float_multiply
from ..core import Core
from ..isa import Function
from . import lane as lanes_
from .functions import FunctionUnit
from .lane import Lane
from .matrix_ports import FLOAT_BITS

# From the cycle that loads the operands to the one in which `result` holds, and what a function adds.
LATENCY = lanes_.LATENCY
FUNCTION_LATENCY = 4
_MULTIPLY, _ADD = float_multiply.LATENCY, float_add.LATENCY


class LaneArray(wiring.Component):
    """`launch`: a, p are loaded in this cycle, q in this or the next one; LATENCY cycles later, with a function
    FUNCTION_LATENCY more, `result` is f(a p + q) and `valid` is set. Nothing moves without `go`.

    `load_a` has a bit a lane. p is what is loaded as a (`p_is_a`), or `p_memory`, or `p_shared`. Sums of a
    reduction (`reducing`, in which `go` is always set) go in with `feed`, in a cycle without a product; `middle` is set
    a cycle later, and in the cycle after that they are `next`.
    """

    def __init__(self, core: Core, structural: bool = False) -> None:
        self.lanes, self.structural = core.vector_lanes, structural
        word = FLOAT_BITS * self.lanes
        words = ("a", "memory", "x", "y")
        flags = (
            "load_p",
            "load_q",
            "p_is_a",
            "p_memory",
            "take_shared_q",
            "launch",
            "go",
            "reducing",
            "feed",
            "larger",
            "middle",
        )
        super().__init__(
            {
                **{name: In(word) for name in words}, **{name: In(1) for name in flags},
                "load_a": In(self.lanes), "p_shared": In(FLOAT_BITS), "q_shared": In(FLOAT_BITS),
                "function": In(Function), "result": Out(word), "next": Out(word), "valid": Out(1),
            }
        )  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        stages = self.stages(m, self.launch, LATENCY, "v")
        with_function = Signal()
        m.d.comb += with_function.eq(self.function != Function.NONE)
        there = Signal()
        m.d.comb += there.eq(stages[-1] & with_function)
        late = [there, *self.stages(m, there, FUNCTION_LATENCY, "f")]
        m.d.comb += self.valid.eq(Mux(with_function, late[-1], stages[-1]))
        totals = [self.lane(m, i, stages) for i in range(self.lanes)]
        results: list[Value] = []
        for i in range(0, self.lanes, 2):
            unit = FunctionUnit(roots=i == 0)
            results += self.pair(m, unit, totals[i : i + 2], late, f"function{i // 2}")
        m.d.comb += self.result.eq(
            Cat(Mux(with_function, y, total) for y, total in zip(results, totals, strict=True))
        )
        return m

    def stages(self, m: Module, first: Value, count: int, name: str) -> list[Signal]:
        """Flags: `first`, one to `count` cycles later."""
        flags = [Signal(name=f"{name}{i + 1}") for i in range(count)]
        with m.If(self.go):
            m.d.sync += [flag.eq(before) for flag, before in zip(flags, [first, *flags], strict=False)]
        return flags

    def lane(self, m: Module, i: int, stages: list[Signal]) -> Value:
        m.submodules[f"lane{i}"] = lane = Lane(self.structural)
        a, memory, x, y = (
            getattr(self, name).word_select(i, FLOAT_BITS) for name in ("a", "memory", "x", "y")
        )
        enables = [stage & self.go for stage in stages]
        add = enables[_MULTIPLY : _MULTIPLY + _ADD]
        m.d.comb += [
            lane.a.eq(a), lane.q.eq(memory), lane.x.eq(x), lane.y.eq(y),
            lane.p.eq(Mux(self.p_is_a, a, Mux(self.p_memory, memory, self.p_shared))),
            lane.load_a.eq(self.load_a[i]), lane.load_q.eq(self.load_q),
            lane.load_p.eq(Mux(self.p_is_a, self.load_a[i], self.load_p)),
            lane.shared_q.eq(self.q_shared), lane.take_shared.eq(self.take_shared_q),
            lane.feeds.eq(self.reducing & ~stages[_MULTIPLY - 1]), lane.larger.eq(self.larger),
            lane.multiply.eq(Cat(enables[:_MULTIPLY])),
            lane.add.eq(Cat(add[0] | self.feed, add[1] | self.middle, add[2])),
            self.next.word_select(i, FLOAT_BITS).eq(lane.next),
        ]  # fmt: skip
        return lane.total

    def pair(
        self, m: Module, unit: FunctionUnit, totals: list[Value], late: list[Signal], name: str
    ) -> list[Value]:
        """The function of two lanes, one after the other: they hold their totals for two cycles."""
        m.submodules[name] = unit
        held = [Signal(FLOAT_BITS, name=f"{name}_{i}", reset_less=True) for i in range(2)]
        m.d.comb += [unit.kind.eq(self.function), unit.x.eq(Mux(late[0], totals[0], totals[1]))]
        enable = Cat(late[0] | late[1], late[1] | late[2])
        m.d.comb += unit.enable.eq(Mux(self.go, enable, 0))
        for i in range(2):
            with m.If(late[2 + i] & self.go):
                m.d.sync += held[i].eq(unit.result)
        return list(held)
