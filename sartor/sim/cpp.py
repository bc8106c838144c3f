"""From generated C++ to objects: what the compiler is told, and which files it takes together."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from . import tools
from .kept import Stages, building

PREFIX = "Vtop"  # of the files that Verilator makes
RUNTIME = ("verilated.cpp", "verilated_threads.cpp")
COMPILE = (
    "-std=c++17", "-w", "-march=native", "-fPIC", "-fvisibility=hidden", "-fno-semantic-interposition",
    "-DVERILATOR=1", "-DVM_TRACE=0", "-DVM_COVERAGE=0", "-DVM_SC=0", "-DVM_TIMING=0",
)  # fmt: skip
_BUNDLE_BYTES = 250_000  # of generated C++ that one call of the compiler takes


@dataclass(frozen=True)
class How:
    """How C++ is made of the Verilog: what Verilator is told beside `_VERILATOR`; the optimization of what
    runs in every cycle, and of what runs once."""

    verilator: tuple[str, ...] = ()
    hot: str = "-O3"
    cold: str = "-O1"


FAST = How()


def compiled(work: Path, harness: Sequence[str], how: How, runtime: Path, stage: Stages) -> list[str]:
    """Names of the objects of all C++ in `work`; the runtime's are made where the cache has none."""
    bundles = _bundles(work, harness)
    commands = [(name, _command(name, f"{Path(name).stem}.o", how)) for name in bundles]
    with contextlib.ExitStack() as stack:
        if not runtime.is_dir():
            fresh = stack.enter_context(building(runtime))
            include = tools.verilator_root() / "include"
            commands += [
                (name, _command(str(include / name), str(fresh / f"{Path(name).stem}.o"), FAST))
                for name in RUNTIME
            ]
        stage(f"C++, {len(commands)} files")
        tools.run_all(commands, work, lambda done: stage(f"C++, {done} of {len(commands)} files are done"))
    return [f"{Path(name).stem}.o" for name in bundles]


def _command(source: str, target: str, how: How) -> list[str]:
    include = tools.verilator_root() / "include"
    return [
        *tools.compiler().command, *COMPILE, how.cold if "slow" in source else how.hot,
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
