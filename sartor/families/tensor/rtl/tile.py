"""The tile: rows x lanes x columns of dot units, and their accumulators.

What rows need (codes, scales) is prepared once for all columns, what columns need (values, exponents) once
for all rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, Module, Signal, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..core import ACCUMULATOR_BITS, MOST_COLUMNS, Core
from ..isa import Scale
from . import matrix_ports as ports
from .accumulator import Accumulator
from .code_layout import codes_layout
from .dot_unit import MANTISSA_BITS, DotUnit, Scaler, has_second, stages
from .dots import dot_stages, paired, sum_bits
from .matrix_ports import HALF_BITS, SCALE_BITS, SHIFT_BITS, TOP_BITS
from .packed_dots import PackedDots, packed_rows
from .table_dots import ColumnTables, RowKeys
from .term_parts import correction_of, delayed, parts_of_scale


def latency(core: Core) -> int:
    """From `step` to the accumulators."""
    return stages(core) + 2


class Tile(wiring.Component):
    """`step` comes a cycle before its codes, scales and fold. `full`: the accumulators are those of a row tile, in
    this cycle only; `end`: of the last one."""

    def __init__(self, core: Core, minimum: bool = True, structural: bool = False) -> None:
        self.core, self.minimum, self.structural = core, minimum, structural
        self.second, self.dot = has_second(core, minimum), dot_stages(core)
        halves = data.ArrayLayout(unsigned(HALF_BITS), core.dot_units)
        self.whole = structural or core.by_table  # dot products are in their units, not in those of several rows
        sums = data.ArrayLayout(signed(ACCUMULATOR_BITS), core.columns)
        super().__init__(
            {
                "code8": In(1), "scale": In(SCALE_BITS), "top": In(TOP_BITS), "columns": In(MOST_COLUMNS.bit_length()),
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
        last, ends = stages(self.core), latency(self.core)
        valid = [s.valid for s in steps[1 : self.dot + 2]] + self.final[self.dot + 2 : ends]
        enables = [[stage & on for stage in valid] for on in active]
        rows = [self.scales(m, unit, valid) for unit in range(self.core.dot_units)]
        self.dots = [] if self.whole else self.simulated(m, enables)
        if self.core.by_table:
            self.keys = [self.keys_of(m, unit, valid[0]) for unit in range(self.core.dot_units)]
            self.tables = [[self.tables_of(m, c, g, enable[0]) for g in range(self.core.lane_groups)]
                           for c, enable in enumerate(enables)]  # fmt: skip
        for c, enable in enumerate(enables):
            groups = [self.group(m, c, g, enable) for g in range(self.core.lane_groups)]
            for r in range(self.core.rows):
                terms = [
                    self.unit(m, u, c, rows[u], group, Cat(enable[:last]), steps[self.dot + 1].half)
                    for u, group in enumerate(groups, r * len(groups))
                ]
                self.accumulate(m, r, c, enable[last], steps[last + 1].first, terms)
        m.d.comb += [self.full.eq(self.final[ends] & steps[ends].last), self.end.eq(steps[ends].end)]
        return m

    def steps(self, m: Module) -> list[Any]:
        """`step` in each of the stages."""
        steps = [self.step]
        for i in range(latency(self.core)):
            late = Signal(ports.step_layout(), name=f"step_{i + 1}")
            m.d.sync += late.valid.eq(steps[-1].valid)
            with m.If(steps[-1].valid):
                m.d.sync += late.eq(steps[-1])
            steps.append(late)
        return steps

    def scales(self, m: Module, unit: int, stages: Sequence[Value]) -> list[Value]:
        """Mantissa and shift of d, and of m, each for its stage."""
        parts: list[Value] = []
        for name, code in [("d", self.d[unit]), ("m", self.m[unit])][: 1 + self.second]:
            mantissa = Signal(signed(MANTISSA_BITS), name=f"{name}_mantissa_{unit}")
            shift = Signal(SHIFT_BITS, name=f"{name}_shift_{unit}")
            powers = name == "d" and Scale.POWER in self.core.scales
            number, below = parts_of_scale(code, self.top, self.scale == Scale.POWER if powers else None)
            m.d.comb += [mantissa.eq(number), shift.eq(below)]
            parts += [delayed(m, mantissa, stages[: self.dot]), delayed(m, shift, stages[: self.dot + 1])]
        return parts

    def group(self, m: Module, c: int, g: int, enable: Sequence[Value]) -> list[Value]:
        """Correction, shift and sum of a group, each for its stage."""
        fold = self.fold[c][g]
        correction = Signal(signed(sum_bits(self.core)), name=f"correction_{c}_{g}")
        added = correction_of(self.core, fold.sum, self.code8, self.scale == Scale.SCALE_MINIMUM)
        if added is not None:
            m.d.comb += correction.eq(added)
        total = delayed(m, fold.sum, enable[: self.dot + 1]) if self.minimum else fold.sum
        shift = delayed(m, fold.shift, enable[: self.dot + 1])
        return [delayed(m, correction, enable[: self.dot]), shift, total]

    def unit(
        self, m: Module, u: int, c: int, row: Sequence[Value], group: Sequence[Value], enable: Value, half: Value,
    ) -> list[Value]:  # fmt: skip
        """One dot unit; its terms, each with the bit that rounds."""
        g, core = u % self.core.lane_groups, self.core
        unit = DotUnit(core, self.minimum, self.structural) if self.whole else Scaler(core, self.minimum)
        m.submodules[f"unit_{u}_{c}"] = unit
        if core.by_table:
            m.d.comb += [unit.keys.eq(self.keys[u]), unit.tables.eq(self.tables[c][g]), unit.code8.eq(self.code8)]
        elif isinstance(unit, DotUnit):
            m.d.comb += [unit.codes.eq(self.codes[u]), unit.code8.eq(self.code8), unit.values.eq(self.values(g, c))]
        else:
            m.d.comb += unit.dot.eq(self.dots[u][c])
            if paired(self.core):
                m.d.comb += unit.upper.eq(self.uppers[u][c])
        m.d.comb += [
            unit.enable.eq(enable), unit.half.eq(half), unit.correction.eq(group[0]),
            unit.x_shift.eq(group[1]), unit.sum.eq(group[2]), unit.d.eq(row[0]), unit.d_shift.eq(row[1]),
        ]  # fmt: skip
        if paired(self.core):
            m.d.comb += unit.pair.eq(self.scale == Scale.PAIR)
        if self.second:
            m.d.comb += [unit.m.eq(row[2]), unit.m_shift.eq(row[3])]
        return [unit.term, unit.least][: 1 + self.second]

    def keys_of(self, m: Module, u: int, enable: Value) -> Value:
        """Those of a unit's codes, for all columns."""
        m.submodules[f"keys_{u}"] = found = RowKeys(self.core)
        m.d.comb += [found.enable.eq(enable), found.codes.eq(self.codes[u])]
        return found.keys

    def tables_of(self, m: Module, c: int, g: int, enable: Value) -> Value:
        """Those of a column's values, for all rows."""
        m.submodules[f"tables_{c}_{g}"] = found = ColumnTables(self.core)
        m.d.comb += [found.enable.eq(enable), found.values.eq(self.values(g, c))]
        return found.tables

    def values(self, g: int, c: int) -> Value:
        """The values of group g of column c."""
        return Cat(self.fold[c][g].low, self.fold[c][g].high)

    def simulated(self, m: Module, enables: Sequence[Sequence[Value]]) -> list[list[Value]]:
        """Dot products of all units [unit][column], several rows at a time."""
        groups, columns = self.core.lane_groups, range(self.core.columns)
        found: list[list[Value]] = [[] for _ in range(self.core.dot_units)]
        self.uppers: list[list[Value]] = [[] for _ in range(self.core.dot_units)]
        for first in range(0, self.core.rows, packed_rows(self.core)):
            for g in range(groups):
                units = [(first + i) * groups + g for i in range(packed_rows(self.core))]
                m.submodules[f"dots_{first}_{g}"] = dots = self.packed(m, units, g, enables)
                for i, u in enumerate(units):
                    found[u] = [dots.dots[c][i] for c in columns]
                    if paired(self.core):
                        self.uppers[u] = [dots.uppers[c][i] for c in columns]
        return found

    def packed(self, m: Module, units: Sequence[int], g: int, enables: Sequence[Sequence[Value]]) -> PackedDots:
        """Those of some rows with group g of all columns."""
        dots, columns = PackedDots(self.core), range(self.core.columns)
        m.d.comb += [
            dots.enable.eq(Cat(enable[0] for enable in enables)), dots.code8.eq(self.code8),
            dots.codes.eq(Cat(self.codes[u] for u in units)),
            dots.values.eq(Cat(self.values(g, c) for c in columns)),
        ]  # fmt: skip
        if paired(self.core):
            m.d.comb += dots.pair.eq(self.scale == Scale.PAIR)
        return dots

    def accumulate(
        self, m: Module, r: int, c: int, enable: Value, first: Value, terms: Sequence[Sequence[Value]]
    ) -> None:
        sums = Accumulator(self.core, self.minimum)
        m.submodules[f"sum_{r}_{c}"] = sums
        flat = [term for unit in terms for term in unit]
        m.d.comb += [
            sums.enable.eq(enable), sums.first.eq(first), self.sums[r][c].eq(sums.total),
            *(getattr(sums, name).eq(term) for name, term in zip(sums.names, flat, strict=True)),
        ]  # fmt: skip
