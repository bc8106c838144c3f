"""Shared components: written once, and the design is what it was."""

from typing import Any

import pytest
from amaranth.hdl import Cat, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from sartor.rtl.once import shared, shared_rtlil
from sartor.rtl.yosys import run_script, to_rtlil

pytest.importorskip("pyosys", reason="needs Yosys: pip install pyosys")


class Inner(wiring.Component):
    def __init__(self, step: int) -> None:
        self.step = step
        super().__init__({"x": In(4), "y": Out(4)})

    @shared("step")
    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.d.sync += self.y.eq(self.x + self.step)
        return m


class Outer(wiring.Component):
    """Two inner ones, alike or not."""

    def __init__(self, steps: tuple[int, int]) -> None:
        self.steps = steps
        super().__init__({"x": In(4), "y": Out(4)})

    @shared("steps")
    def elaborate(self, platform: Any) -> Module:
        m = Module()
        first, second = [Inner(step) for step in self.steps]
        m.submodules.first, m.submodules.second = first, second
        m.d.comb += [first.x.eq(self.x), second.x.eq(first.y), self.y.eq(second.y)]
        return m


class Design(wiring.Component):
    def __init__(self) -> None:
        super().__init__({"x": In(4), "y": Out(12)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        parts = [Outer((1, 3)), Outer((1, 3)), Outer((5, 1))]
        m.submodules += parts
        m.d.comb += [part.x.eq(self.x) for part in parts]
        m.d.comb += self.y.eq(Cat(part.y for part in parts))
        return m


def test_each_kind_is_one_module() -> None:
    rtlil, saved = shared_rtlil(Design(), "top")
    # Outer of (1, 3) twice and of (5, 1); in them four of Inner that are written: steps 1, 3, 5, 1 again.
    for kind in ("outer_0", "outer_1", "inner_2", "inner_3", "inner_4"):
        assert rtlil.count(f"module \\{kind}\n") == 1
    assert saved == 7 - 5 and "inner_5" not in rtlil


def test_the_design_is_the_same() -> None:
    """Yosys proves both equal, register by register of the same name."""
    script = (
        "read_rtlil one.il; hierarchy -top top; proc; flatten; opt_clean; rename top gold; design -stash a; "
        "read_rtlil all.il; hierarchy -top top; proc; flatten; opt_clean; rename top gate; design -stash b; "
        "design -copy-from a gold; design -copy-from b gate; miter -equiv -flatten -make_outputs gold gate miter; "
        "hierarchy -top miter; sat -verify -tempinduct -prove trigger 0 -set-init-zero -seq 1 miter"
    )
    texts = {"one.il": shared_rtlil(Design(), "top")[0], "all.il": to_rtlil(Design(), "top")}
    assert "SUCCESS" in run_script(script, texts).log
    broken = texts["one.il"].replace("2'11", "2'10", 1)
    assert broken != texts["one.il"]
    with pytest.raises(Exception, match="yosys"):
        run_script(script, {**texts, "one.il": broken})
