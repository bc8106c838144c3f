"""From Verilog to a shared library that simulates it: Verilator, a C++ compiler, and a cache by content."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from ..workload.cache import used
from ..workload.fetch import cache_folder
from . import tools
from .cpp import COMPILE, FAST, PREFIX, RUNTIME, How, compiled
from .kept import Stages, building, key_of
from .tools import Progress

LIBRARY = "simulator.so"
_VERILATOR = (
    "--cc", "-O3", "-Wno-fatal", "-Wno-lint", "-Wno-WIDTH", "--x-assign", "fast", "--x-initial", "fast",
    "--noassert", "--output-split", "20000", "--output-split-cfuncs", "2000", "--quiet",
    "--prefix", PREFIX, "--Mdir", ".",
)  # fmt: skip


def library(
    verilog: str,
    top: str,
    sources: Mapping[str, str],
    how: How | None = None,
    *,
    progress: Progress | None = None,
    folder: Path | None = None,
) -> Path:
    """The shared library of the module `top` of `verilog` with `sources`, C++ files and headers by name that
    include Vtop.h; without `how` it is built to run fast. It is built once; the cache knows it by content, tools
    and processor."""
    how = how or FAST
    files = (f"{name}\n{text}" for name, text in sorted(sources.items()))
    key = key_of(verilog, top, *files, repr(how), *_tools())
    place = (folder or cache_folder()) / "sim" / key
    if not (place / LIBRARY).is_file():
        with building(place) as fresh:
            runtime = place.parent / f"runtime-{key_of(*_tools())}"
            used(runtime)  # before: another process may look for what goes while this one builds, for minutes
            _build(fresh, verilog, top, sources, how, runtime, Stages(progress))
    used(place)
    return place / LIBRARY


def _tools() -> tuple[str, ...]:
    """What beside the sources decides the library."""
    compiler = tools.compiler()
    return (
        tools.verilator_version(), *compiler.command, compiler.version, tools.processor(), *_VERILATOR, *COMPILE
    )  # fmt: skip


def _build(
    folder: Path, verilog: str, top: str, sources: Mapping[str, str], how: How, runtime: Path, stage: Stages
) -> None:
    """The library in `folder`, and nothing else."""
    work = folder / "work"
    work.mkdir()
    (work / "design.v").write_text(verilog, encoding="utf-8")
    stage("Verilator: Verilog to C++")
    root = tools.verilator_root()
    tools.run(
        [str(root / "bin" / "verilator_bin"), *_VERILATOR, *how.verilator, "--top-module", top, "design.v"],
        work, "verilator", VERILATOR_ROOT=str(root),
    )  # fmt: skip
    for name, text in sources.items():
        (work / name).write_text(text, encoding="utf-8")
    objects = compiled(work, [name for name in sources if name.endswith(".cpp")], how, runtime, stage)
    stage("link")
    objects += [str(runtime / f"{Path(name).stem}.o") for name in RUNTIME]
    command = [*tools.compiler().command, "-shared", *objects, "-lpthread", "-o", f"../{LIBRARY}"]
    tools.run(command, work, "link")
    shutil.rmtree(work)
    stage("ready")
