"""The tile: rows x lanes x columns of dot units, and their accumulators.

What rows need (codes, scales) is prepared once for all columns, what columns need (values, exponents) once
for all rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..core import ACCUMULATOR_BITS, MOST_COLUMNS, Core
from ..isa import Scale
from . import matrix_ports as ports
from .dot_unit import DOT, MANTISSA_BITS, S_BITS, STAGES, DotUnit
from .matrix_ports import HALF_BITS, SHIFT_BITS
from .weight_codes import codes_layout

LATENCY = STAGES + 2  # from `step` to the accumulators
OFFSET4, OFFSET8 = 3, 7  # codes come with 2^3 or 2^7 too much


class Tile(wiring.Component):
    """`step` comes a cycle before its codes, scales and fold. `full`: the accumulators are those of a row tile, in
    this cycle only; `end`: of the last one."""

    def __init__(self, core: Core, minimum: bool = True, structural: bool = False) -> None:
        self.core, self.minimum, self.structural = core, minimum, structural
        halves = data.ArrayLayout(unsigned(HALF_BITS), core.dot_units)
        sums = data.ArrayLayout(signed(ACCUMULATOR_BITS), core.columns)
        super().__init__(
            {
                "code8": In(1), "scale": In(2), "top": In(SHIFT_BITS), "columns": In(MOST_COLUMNS.bit_length()),
                "step": In(ports.step_layout()),
                "codes": In(codes_layout(core)), "d": In(halves), "m": In(halves),
                "fold": In(ports.fold_layout(core)),
                "sums": Out(data.ArrayLayout(sums, core.rows)), "full": Out(1), "end": Out(1),
            }
        )  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        steps = self.steps(m)
        self.final = [step.valid & step.final for step in steps]
        active = [self.columns > c for c in range(self.core.columns)]
        # The half that completes a beat is what the scaling stages wait for.
        stages = [s.valid for s in steps[1 : DOT + 2]] + self.final[DOT + 2 : LATENCY]
        enables = [[stage & on for stage in stages] for on in active]
        rows = [self.scales(m, unit, stages) for unit in range(self.core.dot_units)]
        for c, enable in enumerate(enables):
            groups = [self.group(m, c, g, enable) for g in range(self.core.lane_groups)]
            for r in range(self.core.rows):
                terms = [
                    self.unit(m, r * len(groups) + g, c, rows, groups[g], enable, steps[DOT + 1].half)
                    for g in range(len(groups))
                ]
                self.accumulate(m, r, c, enable[STAGES], steps[STAGES + 1].first, terms)
        m.d.comb += [self.full.eq(self.final[LATENCY] & steps[LATENCY].last), self.end.eq(steps[LATENCY].end)]
        return m

    def steps(self, m: Module) -> list[Any]:
        """`step` in each of the stages."""
        steps = [self.step]
        for i in range(LATENCY):
            late = Signal(ports.step_layout(), name=f"step_{i + 1}")
            m.d.sync += late.valid.eq(steps[-1].valid)
            with m.If(steps[-1].valid):
                m.d.sync += late.eq(steps[-1])
            steps.append(late)
        return steps

    def scales(self, m: Module, unit: int, stages: Sequence[Value]) -> list[Value]:
        """Mantissa and shift of d, and of m, for the stage of the product."""
        parts: list[Value] = []
        for name, code in [("d", self.d[unit]), ("m", self.m[unit])][: 1 + self.minimum]:
            field, fraction = code[10:15], code[:10]
            normal = field.any()
            magnitude = Cat(fraction, normal, Const(0, 1)).as_signed()
            mantissa = Signal(signed(MANTISSA_BITS), name=f"{name}_mantissa_{unit}")
            shift = Signal(SHIFT_BITS, name=f"{name}_shift_{unit}")
            m.d.comb += mantissa.eq(Mux(code[15], -magnitude, magnitude))
            m.d.comb += shift.eq(self.top - Mux(normal, field, 1))
            parts += [delayed(m, part, stages[: DOT + 1]) for part in (mantissa, shift)]
        return parts

    def group(self, m: Module, c: int, g: int, enable: Sequence[Value]) -> list[Value]:
        """Correction, shift and sum of a group, each for its stage."""
        fold = self.fold[c][g]
        correction = Signal(signed(S_BITS), name=f"correction_{c}_{g}")
        none = self.scale == Scale.SCALE_MINIMUM
        less = -fold.sum
        m.d.comb += correction.eq(Mux(self.code8, less << OFFSET8, Mux(none, 0, less << OFFSET4)))
        total = delayed(m, fold.sum, enable[: DOT + 1]) if self.minimum else fold.sum
        return [delayed(m, correction, enable[:DOT]), delayed(m, fold.shift, enable[: DOT + 1]), total]

    def unit(
        self, m: Module, u: int, c: int, rows: Sequence[Sequence[Value]], group: Sequence[Value],
        enable: Sequence[Value], half: Value,
    ) -> list[Value]:  # fmt: skip
        """One dot unit; its terms, each with the bit that rounds."""
        unit = DotUnit(self.core, self.minimum, self.structural)
        m.submodules[f"unit_{u}_{c}"] = unit
        fold = self.fold[c][u % self.core.lane_groups]
        m.d.comb += [
            unit.enable.eq(Cat(enable[:STAGES])), unit.codes.eq(self.codes[u]), unit.low.eq(fold.low),
            unit.high.eq(fold.high), unit.code8.eq(self.code8), unit.half.eq(half),
            unit.correction.eq(group[0]), unit.x_shift.eq(group[1]), unit.sum.eq(group[2]),
            unit.d.eq(rows[u][0]), unit.d_shift.eq(rows[u][1]),
        ]  # fmt: skip
        if self.minimum:
            m.d.comb += [unit.m.eq(rows[u][2]), unit.m_shift.eq(rows[u][3])]
        return [unit.term, unit.least][: 1 + self.minimum]

    def accumulate(
        self, m: Module, r: int, c: int, enable: Value, first: Value, terms: Sequence[Sequence[Value]]
    ) -> None:
        total = Signal(signed(ACCUMULATOR_BITS), reset_less=True, name=f"sum_{r}_{c}")
        added = sum((term >> 1) + term[0] for unit in terms for term in unit)
        with m.If(enable):
            m.d.sync += total.eq(Mux(first, 0, total) + added)
        m.d.comb += self.sums[r][c].eq(total)


def delayed(m: Module, value: Value, enables: Sequence[Value]) -> Value:
    """`value` as many cycles later as there are `enables`, which move it on."""
    for i, enable in enumerate(enables):
        late = Signal(value.shape(), reset_less=True, name=f"{getattr(value, 'name', 'part')}_{i}")
        with m.If(enable):
            m.d.sync += late.eq(value)
        value = late
    return value
