"""Where the weight decoder is in a matrix: half beat, plane, fold, row tile."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..core import Core
from . import matrix_ports as ports
from .choose import number


class MatrixWalk(wiring.Component):
    """Fold by fold, row tile by row tile, of binary codes plane by plane of each fold; `advance` completes the present
    step, `beat` says that it is the last one of its beat."""

    def __init__(self, core: Core) -> None:
        self.core = core
        names, widths = ("fold", "folds_left", "tiles_left"), (ports.FOLD_BITS, ports.FOLD_BITS, ports.TILE_BITS)
        self.state = tuple(Signal(bits, name=name) for name, bits in zip(names, widths, strict=True))
        super().__init__(
            {
                "start": In(1), "command": In(ports.command_layout()), "advance": In(1),
                "half": Out(1), "final": Out(1), "first": Out(1), "last": Out(1), "end": Out(1),
                "beat": Out(1), "plane": Out(ports.PLANE_BITS), "next_fold": Out(ports.FOLD_BITS),
            }
        )  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        fold, folds_left, tiles_left = self.state
        fold_last = Signal()
        plane_last = self.planes(m)
        m.d.comb += [
            self.final.eq(self.half | ~self.halves()),
            self.beat.eq(self.final & plane_last),
            fold_last.eq(folds_left == 0),
            self.first.eq((fold == 0) & (self.plane == 0)),
            self.last.eq(self.beat & fold_last),
            self.end.eq(self.last & (tiles_left == 0)),
            self.next_fold.eq(Mux(plane_last, Mux(fold_last, 0, fold + 1), fold)),
        ]
        half = Signal()
        m.d.comb += self.half.eq(half)
        with m.If(self.advance):
            m.d.sync += half.eq(~self.final)
            with m.If(self.beat):
                m.d.sync += fold.eq(self.next_fold)
                m.d.sync += folds_left.eq(Mux(fold_last, self.command.folds, folds_left) - 1)
            with m.If(self.last):
                m.d.sync += tiles_left.eq(tiles_left - 1)
        with m.If(self.start):  # half and fold have returned to 0
            m.d.sync += [folds_left.eq(self.command.folds - 1), tiles_left.eq(self.command.tiles - 1)]
        return m

    def planes(self, m: Module) -> Value:
        """Counts the planes of a beat; is this the last?"""
        if self.core.planes == 1:
            return Const(1, 1)
        plane, last = Signal(ports.PLANE_BITS), Signal()
        m.d.comb += [self.plane.eq(plane), last.eq(plane == self.command.planes)]
        with m.If(self.advance):
            m.d.sync += plane.eq(Mux(last, 0, plane + 1))
        return last

    def halves(self) -> Value:
        """A beat is two steps."""
        return number(self.command.element, self.core.elements, lambda e: self.core.steps(e) == 2)
