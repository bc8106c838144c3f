"""Yosys in a process of its own: what comes back, and what a failure says."""

import contextlib
import gc
import importlib.util

import pytest
from amaranth.hdl import Elaboratable, Instance, Module, Signal

from sartor.errors import InputError, Unsupported
from sartor.rtl import yosys

pytest.importorskip("pyosys", reason="needs Yosys: pip install pyosys")


class Adder(Elaboratable):
    """A register behind a full adder, given as Yosys' own cell."""

    def __init__(self) -> None:
        self.bits, self.total = Signal(3), Signal(2)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        total = Signal(2)
        m.submodules.cell = Instance(
            "$fa", p_WIDTH=1, i_A=self.bits[0], i_B=self.bits[1], i_C=self.bits[2], o_X=total[1], o_Y=total[0]
        )
        m.d.sync += self.total.eq(total)
        return m


def rtlil() -> str:
    adder = Adder()
    return yosys.to_rtlil(adder, "adder", ports=[adder.bits, adder.total])


def test_rtlil_holds_the_internal_cell_and_no_path() -> None:
    text = rtlil()
    assert "cell $fa " in text and "\\$fa" not in text
    assert __file__ not in text


class Asking(Elaboratable):
    """Asks, while it is elaborated, how seldom garbage is looked for."""

    def __init__(self, broken: bool) -> None:
        self.broken, self.seen = broken, (0, 0, 0)

    def elaborate(self, platform: object) -> Module:
        self.seen = gc.get_threshold()
        if self.broken:
            raise KeyError
        return Module()


@pytest.mark.parametrize("broken", [False, True])
@pytest.mark.parametrize("given", [(700, 10, 10), (0, 10, 10), (10**6, 5, 5)])
def test_garbage_is_looked_for_seldom_meanwhile(given: tuple[int, int, int], broken: bool) -> None:
    before, asking = gc.get_threshold(), Asking(broken)
    gc.set_threshold(*given)
    mine = gc.get_threshold()
    try:
        with pytest.raises(KeyError) if broken else contextlib.nullcontext():
            yosys.to_rtlil(asking, "asking", ports=[])
        assert gc.get_threshold() == mine and gc.isenabled()
        assert asking.seen == ((500_000, *mine[1:]) if given[0] == 700 else mine)
    finally:
        gc.set_threshold(*before)


def test_clean_verilog_is_flat_and_complete() -> None:
    verilog = yosys.clean_verilog(rtlil(), "adder")
    assert verilog.count("module adder") == 1 and "$fa" not in verilog and "(*" not in verilog
    assert "posedge clk" in verilog


def test_files_come_back_and_passes_are_reported() -> None:
    seen: list[str] = []
    script = "read_rtlil a.il; prep; write_json b.json"
    run = yosys.run_script(script, {"a.il": rtlil()}, progress=seen.append)
    assert list(run.files) == ["b.json"] and '"adder"' in run.files["b.json"]
    assert "RTLIL frontend" in seen[:2] and "OPT_EXPR" in seen and seen[-1] == "JSON backend"


def test_an_error_is_quoted() -> None:
    with pytest.raises(InputError, match=r"yosys: ERROR: .*absent.*check the RTLIL"):
        yosys.run_script("read_rtlil absent.il", {})


def test_a_run_that_takes_too_long_is_ended() -> None:
    with pytest.raises(InputError, match=r"not finished after 0.01 s .*larger timeout_s"):
        yosys.run_script("help", {}, timeout_s=0.01)


def test_too_little_memory_does_not_hurt_the_caller() -> None:
    with pytest.raises(InputError, match="yosys: "):
        yosys.run_script("help", {}, memory_bytes=2**25)


def test_without_pyosys_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(Unsupported, match="pip install pyosys"):
        yosys.run_script("help", {})
