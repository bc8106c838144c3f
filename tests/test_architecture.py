"""Imports go down the floors of the house, and packages of one floor do not know each other."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "sartor"
# Lowest first.
FLOORS = (
    ("errors", "version"), ("units",), ("tables", "data"), ("formats", "tech"), ("workload", "chip"),
    ("formulas", "rtl"), ("families",),
    ("search", "compiler", "sim", "flow"), ("serve", "proof", "endpoint", "quality"),
    ("validation", "measuring"),
    ("report", "studio"), ("design", "api"), ("cli",),
)  # fmt: skip
FLOOR_OF = {name: floor for floor, names in enumerate(FLOORS) for name in names}
# The version, which says nothing about the rest.
_ROOT = ""


def imported(path: Path, package: Path) -> Iterator[str]:
    """Top-level parts of the package that `path` imports, at its top or inside a function; "" for the
    package."""
    inside = path.relative_to(package).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [a.name for a in node.names if a.name.split(".")[0] == package.name]
            yield from ([*name.split("."), _ROOT][1] for name in names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                above = inside[: len(inside) - (node.level - 1)]
                target = [*above, *(node.module.split(".") if node.module else [])]
            elif (node.module or "").split(".")[0] == package.name:
                target = node.module.split(".")[1:]  # type: ignore[union-attr]
            else:
                continue
            for alias in node.names:
                full = [*target, alias.name]
                known = full[0] in FLOOR_OF or (package / full[0]).is_dir()
                yield full[0] if known or target else _ROOT


def violations(package: Path) -> list[str]:
    """Imports that go up, sideways, or to a part that has no floor."""
    found = []
    for path in sorted(package.rglob("*.py")):
        relative = path.relative_to(package)
        part = relative.parts[0].removesuffix(".py")
        if part == "__init__" or part == "__main__":  # the package's face looks at all floors
            continue
        if part not in FLOOR_OF:
            found.append(f"{relative}: no floor is known for {part!r}")
            continue
        for other in sorted(set(imported(path, package))):
            if other in (part, _ROOT):
                continue
            if other not in FLOOR_OF:
                found.append(f"{relative} imports {other!r}, which has no floor")
            elif FLOOR_OF[other] >= FLOOR_OF[part]:
                found.append(f"{relative} imports {other!r}, which is not below {part!r}")
    return found


def test_imports_go_down_the_floors() -> None:
    assert violations(PACKAGE) == []


def test_every_part_of_the_package_has_a_floor() -> None:
    parts = {
        p.name.removesuffix(".py")
        for p in PACKAGE.iterdir()
        if p.suffix == ".py" or (p / "__init__.py").exists()
    }
    assert parts - set(FLOOR_OF) <= {"__init__", "__main__"}


@pytest.mark.parametrize(
    "line",
    [
        "from ..search.study import Study",  # up
        "from ..search import study",
        "from sartor.search.study import Study",
        "import sartor.search.study",
        "from .. import search",
        "from ..formats.spec import format_named",  # sideways
        "def late():\n    from ..chip.spec import Chip",  # not at the top of the file
        "from ..cupboard import things",  # a part without a floor
    ],
)
def test_a_planted_violation_is_caught(tmp_path: Path, line: str) -> None:
    house = tmp_path / "sartor"
    for part in ("tech", "search", "formats", "chip", "cupboard"):
        (house / part).mkdir(parents=True)
    (house / "tech" / "wafer.py").write_text(
        "import numpy as np\nfrom ..tables import table\nfrom .. import __version__\n"
    )
    assert violations(house) == []
    (house / "tech" / "logic.py").write_text(line + "\n")
    (problem,) = violations(house)
    assert problem.startswith("tech/logic.py imports ")


def test_a_part_without_a_floor_is_named(tmp_path: Path) -> None:
    (tmp_path / "sartor" / "cupboard").mkdir(parents=True)
    (tmp_path / "sartor" / "cupboard" / "things.py").write_text("")
    assert violations(tmp_path / "sartor") == ["cupboard/things.py: no floor is known for 'cupboard'"]
