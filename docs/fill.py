"""Pages that scripts fill: text between the marks of a name, and files that are written, or said to be stale."""

from __future__ import annotations

from pathlib import Path


def filled(page: str, name: str, text: str) -> str:
    """`page` with `text` between the marks of `name`."""
    before, rest = page.split(f"<!-- {name} -->\n")
    return f"{before}<!-- {name} -->\n{text}\n<!-- end -->{rest.split('<!-- end -->', 1)[1]}"


def write(pages: dict[Path, str], check: bool) -> int:
    """Write `pages`; with `check` only say which are not current. The exit status."""
    if not check:
        for path, text in pages.items():
            path.write_text(text, encoding="utf-8")
        return 0
    stale = [path for path, text in pages.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    print(f"not current: {', '.join(p.name for p in stale)}" if stale else "all current")
    return 1 if stale else 0
