"""Pages that scripts make: text between the marks of a name, tables, and files that are written or said to be stale."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

MADE = "<!-- made by docs/generate.py: change the code, not this page -->"


def filled(page: str, name: str, text: str) -> str:
    """`page` with `text` between the marks of `name`."""
    before, rest = page.split(f"<!-- {name} -->\n")
    return f"{before}<!-- {name} -->\n{text}\n<!-- end -->{rest.split('<!-- end -->', 1)[1]}"


def markdown(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    """The lines of a table."""
    cells = [head, tuple("---" for _ in head), *rows]
    return [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in cells]


def write(pages: dict[Path, str], check: bool) -> int:
    """Write the `pages` that are not current; with `check` only say which. The exit status."""
    stale = [path for path, text in pages.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in () if check else stale:
        path.write_text(pages[path], encoding="utf-8")
    names = ", ".join(path.name for path in stale)
    print(f"{'not current' if check else 'written'}: {names}" if stale else "all current")
    return 1 if check and stale else 0
