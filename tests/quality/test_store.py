"""What is kept of a run is named by the code that decides its numbers."""

from __future__ import annotations

import ast
import os
from pathlib import Path

from sartor.quality import store
from sartor.quality.find import _content
from sartor.version import HOUSE, sources
from sartor.workload.cache import sweep
from sartor.workload.fetch import cache_folder

FAMILY = HOUSE / "families/tensor"


def asked_of_the_family(path: Path) -> set[Path]:
    nodes = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.ImportFrom) and n.level == 2]
    parts = [(n.module or "").split(".") for n in nodes]
    return {HOUSE.joinpath(*p).with_suffix(".py") for p in parts if p[:2] == ["families", "tensor"]}


def test_whatever_rounds_is_in_the_name() -> None:
    named = set(sources(store.CODE))
    asked = set().union(*(asked_of_the_family(path) for path in (HOUSE / "quality").glob("*.py")))
    assert FAMILY / "cache_numerics.py" in asked and asked - named == {FAMILY / "core.py"}  # GROUP, of all formats
    # Codes as GPTQ, AWQ and others have them lie in a folder of their own.
    assert HOUSE / "formats/layouts/gptq.py" in named and HOUSE / "workload/readers/safetensors_index.py" in named


def test_a_name_is_of_the_code_and_the_parts(tmp_path: Path, monkeypatch) -> None:
    mine, same, other = (store.Store(parts, tmp_path) for parts in (("a", "b"), ("a", "b"), ("ab", "")))
    mine.keep({"kl": 1.0})
    assert same.result() == {"kl": 1.0} and other.result() is None
    monkeypatch.setattr(store, "code", lambda parts: "of other code")
    assert store.Store(("a", "b"), tmp_path).result() is None


def test_a_hash_that_is_asked_for_is_in_use(tmp_path: Path) -> None:
    """Hashing some hundred gigabytes again each month would be dear."""
    weights = tmp_path / "weights"
    weights.write_bytes(b"x")
    first = _content([weights])
    (kept,) = (cache_folder() / "quality").glob("*.sha256")
    os.utime(kept, (0, 0))
    assert _content([weights]) == first and sweep() == [] and kept.exists()
