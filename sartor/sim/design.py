"""The library of a core: its Verilog from the cache where nothing it depends on has changed."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

from ..families.tensor.core import Core
from ..families.tensor.rtl import SOURCES
from ..families.tensor.rtl.top import Top
from ..rtl import yosys
from ..version import code
from ..workload.cache import used
from ..workload.fetch import cache_folder
from . import build, native
from .kept import Stages, building, key_of
from .tools import Progress

TOP = "top"


def core_library(core: Core, *, progress: Progress | None = None, folder: Path | None = None) -> Path:
    """The shared library that simulates `core`, built at the first call."""
    folder, stage = folder or cache_folder(), Stages(progress)
    verilog = _verilog(core, folder, stage)
    return build.library(
        verilog, TOP, native.sources(), progress=lambda name, _: stage(name), folder=folder
    )  # fmt: skip


def _verilog(core: Core, folder: Path, stage: Stages) -> str:
    key = key_of(repr(core), metadata.version("amaranth"), yosys.version(), yosys.CLEAN, code(SOURCES))
    place = folder / "sim" / f"verilog-{key}"
    file = place / f"{TOP}.v"
    if not file.is_file():
        with building(place) as fresh:
            stage("Amaranth: RTLIL of the core")
            text = yosys.to_rtlil(Top(core, gated=True), TOP)
            stage("Yosys: clean Verilog")
            (fresh / file.name).write_text(yosys.clean_verilog(text, TOP), encoding="utf-8")
    used(place)
    return file.read_text(encoding="utf-8")
