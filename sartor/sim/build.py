"""From Verilog to a shared library that simulates it: Verilator, a C++ compiler, and a cache by content."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from ..workload.fetch import cache_folder
from . import tools
from .tools import Progress

LIBRARY = "simulator.so"
PREFIX = "Vtop"
_RUNTIME = ("verilated.cpp", "verilated_threads.cpp")
_VERILATOR = (
    "--cc", "-O3", "-Wno-fatal", "-Wno-lint", "-Wno-WIDTH", "--x-assign", "fast", "--x-initial", "fast",
    "--noassert", "--output-split", "20000", "--output-split-cfuncs", "2000", "--quiet",
    "--prefix", PREFIX, "--Mdir", ".",
)  # fmt: skip
_COMPILE = (
    "-std=c++17", "-w", "-march=native", "-fPIC", "-fvisibility=hidden", "-fno-semantic-interposition",
    "-DVERILATOR=1", "-DVM_TRACE=0", "-DVM_COVERAGE=0", "-DVM_SC=0", "-DVM_TIMING=0",
)  # fmt: skip


@dataclass(frozen=True)
class How:
    """How C++ is made of the Verilog: what Verilator is told beside `_VERILATOR`; the optimization of what
    runs in every cycle, and of what runs once."""

    verilator: tuple[str, ...] = ()
    hot: str = "-O3"
    cold: str = "-O1"


FAST = How()
_BUNDLE_BYTES = 250_000  # of generated C++ that one call of the compiler takes
_STALE_S = 86400.0  # a folder of a build that was killed is removed after a day


def library(
    verilog: str,
    top: str,
    sources: Mapping[str, str],
    how: How = FAST,
    *,
    progress: Progress | None = None,
    folder: Path | None = None,
) -> Path:
    """The shared library of the module `top` of `verilog` with `sources`, C++ files and headers by name that
    include Vtop.h. It is built once; the cache knows it by content, tools and processor."""
    files = (f"{name}\n{text}" for name, text in sorted(sources.items()))
    key = key_of(verilog, top, *files, repr(how), *_tools())
    place = (folder or cache_folder()) / "sim" / key
    if not (place / LIBRARY).is_file():
        with building(place) as fresh:
            runtime = place.parent / f"runtime-{key_of(*_tools())}"
            _build(fresh, verilog, top, sources, how, runtime, Stages(progress))
    return place / LIBRARY


def key_of(*parts: str) -> str:
    """Name of a cache entry: a hash of everything that it depends on."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode()
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()[:32]


@contextlib.contextmanager
def building(place: Path) -> Iterator[Path]:
    """A temporary folder that becomes `place` at the end: all of it or nothing."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        _sweep(place.parent)
        fresh = Path(tempfile.mkdtemp(prefix=".building-", dir=place.parent))
    except OSError as error:
        raise InputError(
            f"{place.parent}: {error.strerror or error} (set SARTOR_CACHE to a folder to write to)"
        ) from None
    try:
        yield fresh
        with contextlib.suppress(OSError):  # another process was faster: its result is as good
            os.rename(fresh, place)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


class Stages:
    """Tells `progress` of each stage that begins, with the seconds since the first."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress, self._start = progress, time.monotonic()

    def __call__(self, stage: str) -> None:
        if self._progress:
            self._progress(stage, time.monotonic() - self._start)


def _tools() -> tuple[str, ...]:
    """What beside the sources decides the library."""
    compiler = tools.compiler()
    return (
        tools.verilator_version(), *compiler.command, compiler.version, tools.processor(), *_VERILATOR, *_COMPILE
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
    objects = _compiled(work, [name for name in sources if name.endswith(".cpp")], how, runtime, stage)
    stage("link")
    objects += [str(runtime / f"{Path(name).stem}.o") for name in _RUNTIME]
    command = [*tools.compiler().command, "-shared", *objects, "-lpthread", "-o", f"../{LIBRARY}"]
    tools.run(command, work, "link")
    shutil.rmtree(work)
    stage("ready")


def _compiled(work: Path, harness: Sequence[str], how: How, runtime: Path, stage: Stages) -> list[str]:
    """Names of the objects of all C++ in `work`; the runtime's are made where the cache has none."""
    bundles = _bundles(work, harness)
    commands = [(name, _command(name, f"{Path(name).stem}.o", how)) for name in bundles]
    with contextlib.ExitStack() as stack:
        if not runtime.is_dir():
            fresh = stack.enter_context(building(runtime))
            include = tools.verilator_root() / "include"
            commands += [
                (name, _command(str(include / name), str(fresh / f"{Path(name).stem}.o"), FAST))
                for name in _RUNTIME
            ]
        stage(f"C++, {len(commands)} files")
        tools.run_all(commands, work, lambda done: stage(f"C++, {done} of {len(commands)} files are done"))
    return [f"{Path(name).stem}.o" for name in bundles]


def _command(source: str, target: str, how: How) -> list[str]:
    include = tools.verilator_root() / "include"
    return [
        *tools.compiler().command, *_COMPILE, how.cold if "slow" in source else how.hot,
        "-I.", f"-I{include}", f"-I{include / 'vltstd'}", "-c", source, "-o", target,
    ]  # fmt: skip


def _bundles(work: Path, harness: Sequence[str]) -> list[str]:
    """Files that include all C++: the headers are long, so that few large ones compile faster. What
    Verilator calls slow runs once; the harness comes first."""
    files = sorted(work.glob(f"{PREFIX}*.cpp"))
    slow = [file for file in files if "Slow" in file.name]
    fast = [work / name for name in harness] + [file for file in files if file not in slow]
    small = sum(file.stat().st_size for file in files) < _BUNDLE_BYTES
    groups = {"fast": fast + slow} if small else {"fast": fast, "slow": slow}
    made = []
    for kind, members in groups.items():
        for number, group in enumerate(_grouped(members)):
            made.append(f"{kind}{number}.cpp")
            (work / made[-1]).write_text("".join(f'#include "{file.name}"\n' for file in group))
    return made


def _grouped(files: Sequence[Path]) -> list[list[Path]]:
    """Files in order, in groups of about `_BUNDLE_BYTES`."""
    groups: list[list[Path]] = [[]]
    size = 0
    for file in files:
        if groups[-1] and size + file.stat().st_size > _BUNDLE_BYTES:
            groups.append([])
            size = 0
        groups[-1].append(file)
        size += file.stat().st_size
    return groups


def _sweep(folder: Path) -> None:
    """Remove what builds left that were killed."""
    for left in folder.glob(".building-*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > _STALE_S:
                shutil.rmtree(left, ignore_errors=True)
