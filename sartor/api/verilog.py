"""Verilog of one core, kept by the content of everything that decides it."""

from __future__ import annotations

from dataclasses import asdict
from importlib import metadata

from ..chip.spec import Chip
from ..families.tensor.core import Core
from ..families.tensor.rtl import SOURCES
from ..flow.cache import kept, key_of
from ..version import VERSION, code
from . import alike
from .generate import module_name
from .say import Say, silent

# The hierarchy stays: a component that stands there many times is written once.
HIERARCHY = """
read_rtlil in.il
hierarchy -check -top {top}
setattr -set keep 1 {watched}
proc
opt -full
wreduce
peepopt
opt_dff
opt -full
techmap -map +/techmap.v t:$fa
opt_clean -purge
write_verilog -noattr out.v
"""


def verilog(chip: Chip, core: Core, say: Say = silent) -> str:
    """One core as it is built, in clean Verilog, its parameters above it."""
    from ..rtl import yosys

    module = module_name(chip.name)
    tools = (metadata.version("amaranth"), yosys.version(), HIERARCHY)
    key = key_of(repr(core), module, *tools, code((*SOURCES, "api/alike.py")))
    return _heading(chip, core) + kept("verilog", key, lambda: _made(core, module, say))


def _made(core: Core, module: str, say: Say) -> str:
    from ..families.tensor.rtl.top import Top
    from ..rtl import yosys

    say("Amaranth: RTLIL of the core")
    rtlil, _ = alike.merged(yosys.to_rtlil(Top(core, trace=False, structural=True), module), module)
    say("Yosys: clean Verilog")
    done = yosys.run_script(
        _script(module), {"in.il": rtlil}, progress=lambda step: say(f"Yosys: {step}")
    )
    return done.files["out.v"].partition("\n")[2].lstrip("\n")  # the first line names a compiler


def _script(module: str) -> str:
    """Nets that a simulator watches keep their names."""
    from ..families.tensor.rtl.top_ports import WATCHED

    nets = (net.rsplit(".", 1) for net in WATCHED.values())
    watched = " ".join(f"{module}_{path.replace('.', '_')}/w:{name}" for path, name in nets)
    return HIERARCHY.format(top=module, watched=watched)


def _heading(chip: Chip, core: Core) -> str:
    parameters = ", ".join(f"{k} {v}" for k, v in asdict(core).items())
    cores = "" if chip.cores == 1 else f"\n// One core of {chip.cores}."
    return f"// {chip.name}: a core of family tensor, made by Sartor {VERSION}.{cores}\n// {parameters}\n\n"
