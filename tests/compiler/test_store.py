"""Packed images are named by what decides their bytes: the code that packs them too."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tiny_network import tiny

from sartor.compiler import store
from sartor.families.tensor.core import Core
from sartor.version import HOUSE, code, sources

# What makes a network and its image, as an import finds it; of these parts of the house nothing decides a byte of it.
MAKERS = ("binary", "gguf", "hf", "requantize", "turned", "balance", "store")
ELSEWHERE = {
    "sartor.chip", "sartor.data", "sartor.errors", "sartor.families.gpu", "sartor.families.priced", "sartor.formulas",
    "sartor.tables", "sartor.tech", "sartor.units", "sartor.version", "sartor.workload",
}  # fmt: skip
LOADED = f"""
import importlib, sys
for name in {MAKERS}: importlib.import_module("sartor.compiler." + name)
print(*(module.__file__ for name, module in sys.modules.items()
        if name.startswith("sartor.") and not name.startswith({tuple(ELSEWHERE - {"sartor.workload"})})
        and (not name.startswith("sartor.workload") or "readers" in name) and module.__file__), sep="\\n")
"""


def packed(folder: Path) -> Path:
    return store.compiled(Core(columns=2), tiny(1), "key", 64, folder=folder)[1]


@pytest.fixture
def house(tmp_path: Path) -> Path:
    for name in ("packs/layout.py", "packs/deep/codes.py", "packs/gates/adder.py", "facts.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x = 1\n")
    return tmp_path


@pytest.mark.parametrize(
    ("changed", "is_other"),
    [("packs/layout.py", True), ("packs/deep/codes.py", True), ("facts.csv", True), ("packs/gates/adder.py", False)],
)
def test_other_code_has_another_name(house: Path, changed: str, is_other: bool) -> None:
    def name() -> str:
        code.cache_clear()
        return code(("packs", "facts.csv"), ("packs/gates",), house)

    before = name()
    assert name() == before
    (house / changed).write_text("x = 2\n")
    assert (name() != before) is is_other
    (house / changed).write_text("x = 1\n")
    assert name() == before
    if is_other:  # nor may what one file loses stand in another
        (house / changed).rename((house / changed).with_name("other.py"))
        (house / "facts.csv").touch()
        assert name() != before


def test_whatever_packs_is_in_the_name() -> None:
    found = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True).stdout.split()
    named = {str(path) for path in sources(store.PARTS, store.NOT_IN_IMAGE)}
    table = str(HOUSE / "families/__init__.py")  # of families; it makes nothing
    missing = {path for path in found if path not in named and "kernels" not in path} - {table}
    assert len(found) > 60 and missing == set()
    assert str(HOUSE / "data/formats.csv") in named and all("rtl" not in Path(path).parts for path in named)


def test_an_image_of_other_code_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = packed(tmp_path)
    good = path.read_bytes()
    path.write_bytes(bytes(len(good)))  # as other code would have packed it: of the same size, and wrong
    assert packed(tmp_path) == path and path.read_bytes() != good  # the same code takes what is there
    monkeypatch.setattr(store, "code", lambda *parts: "other")
    other = packed(tmp_path)
    assert other.parent.name == "other" and other.name == path.name and other.read_bytes() == good
