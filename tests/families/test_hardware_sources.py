"""Hardware that is kept is named by all code that makes it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from sartor.families.tensor import rtl
from sartor.version import HOUSE, code, sources

# What a core's parameters come from, which are in the name, and what only says or refuses.
ELSEWHERE = {"chip/spec.py", "formats/hardware.py", "errors.py", "__init__.py"}


def imported(path: Path) -> Iterator[Path]:
    """Modules of the house that the one in `path` names."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = path.parents[node.level - 1].joinpath(*(node.module or "").split("."))
            for each in (base, *(base / alias.name for alias in node.names)):
                yield from (p for p in (each.with_suffix(".py"), each / "__init__.py") if p.is_file())


def reached(first: Path) -> set[Path]:
    found, new = set[Path](), {first}
    while new:
        found |= new
        new = {p for path in new for p in imported(path) if p.relative_to(HOUSE).as_posix() not in ELSEWHERE} - found
    return {path for path in found if path.name != "__init__.py"}


def test_all_that_makes_a_core_is_in_its_name() -> None:
    makers = reached(HOUSE / "families/tensor/rtl/top.py")
    assert len(makers) > 60 and makers - set(sources(rtl.SOURCES)) == set()


@pytest.mark.parametrize("of", ["sim/design.py", "api/verilog.py"])
def test_what_is_kept_has_it_in_its_name(of: str) -> None:
    calls = [node for node in ast.walk(ast.parse((HOUSE / of).read_text())) if isinstance(node, ast.Call)]
    (key,) = (call for call in calls if ast.unparse(call.func) == "key_of")
    assert any("code(" in ast.unparse(part) and "SOURCES" in ast.unparse(part) for part in key.args)


def test_scales_in_other_slots_are_other_hardware(tmp_path: Path) -> None:
    """Registers follow from them (formats/group_scale.py)."""
    for path in sources(rtl.SOURCES):
        copy = tmp_path / path.relative_to(HOUSE)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    before = code(rtl.SOURCES, house=tmp_path)
    assert before == code(rtl.SOURCES)
    slots = tmp_path / "formats/group_scale.py"
    slots.write_text(slots.read_text().replace("PAIR = 4, (Number.SMALL, Number.SMALL)", "PAIR = 4, (Number.SMALL,)"))
    code.cache_clear()
    assert code(rtl.SOURCES, house=tmp_path) != before
