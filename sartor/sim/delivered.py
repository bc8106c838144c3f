"""The Verilog that `build` writes, in the simulator as it is: a module around it has the ports that the
harness compares, and takes them from nets within the core by their names."""

from __future__ import annotations

from pathlib import Path

from amaranth.hdl import Shape
from amaranth.lib.wiring import Flow

from ..families.tensor.core import Core
from ..families.tensor.rtl import top_ports
from . import build, native
from .cpp import How
from .design import TOP
from .tools import Progress

# Components stay: those that stand there often are not written out in each place, which compiles sooner.
SHARED = How(("-fno-inline",), hot="-O1", cold="-O0")


def library(
    core: Core, verilog: str, module: str, *, progress: Progress | None = None, folder: Path | None = None
) -> Path:
    """The shared library that simulates `verilog`, in which `module` is `core`."""
    text = f"{verilog}\n{around(core, module)}"
    return build.library(text, TOP, native.sources(), SHARED, progress=progress, folder=folder)


def around(core: Core, module: str) -> str:
    """A module with the ports of a traced core, and `module` in it."""
    own, lines = [".clk(clk)", ".rst(rst)"], ["  input clk,", "  input rst,"]
    watches = []
    for name, member in top_ports.traced(core).items():
        side = "input" if member.flow is Flow.In else "output"
        lines.append(f"  {side} [{max(Shape.cast(member.shape).width, 1) - 1}:0] {name},")
        if name in top_ports.WATCHED:
            watches.append(f"  assign {name} = core.{top_ports.WATCHED[name]};")
        else:
            own.append(f".{name}({name})")
    ports = "\n".join(lines).rstrip(",")
    return f"module {TOP}(\n{ports}\n);\n  {module} core ({', '.join(own)});\n" + "\n".join(watches) + "\nendmodule\n"
