"""CSV traces: a header line that names the columns, then one request a line."""

from __future__ import annotations

from pathlib import Path
from typing import IO

from ...errors import BrokenFile, Unsupported
from ..traffic import Traffic
from .columns import join, numbered_batches, request_batch
from .formats import Format, best, check_columns, known


def read(file: IO[str], path: Path, first: int, header: str) -> Traffic:
    """The traffic of the lines after `header`, which is line `first` of the file."""
    names = _cells(header)
    form = _format(names, f"{path.name} line {first}")
    at = [names.index(c) for c in form.columns]
    batches = []
    for lines, texts in numbered_batches(file, first + 1):
        rows = [_cells(text) for text in texts]
        _check_width(rows, names, path.name, lines)
        batches.append(request_batch(form, path.name, lines, *([row[i] for row in rows] for i in at)))
    return join(batches, path.stem, path.name, f"{form.name} {path.name}")


def _cells(line: str) -> list[str]:
    # No column that we read holds a quoted comma; quotes around plain values are dropped.
    return [cell.strip() for cell in line.replace('"', "").split(",")]


def _format(names: list[str], where: str) -> Format:
    form, matches = best("csv", names)
    if not matches:
        shown = ",".join(names)[:80]
        raise BrokenFile(f"{where}: {shown!r} starts no known trace (try one of: {known()})")
    check_columns(form, names, where)
    if form.refused in names:
        raise Unsupported(f"{where}: column {form.refused!r} is not modeled (try a trace of text requests)")
    return form


def _check_width(rows: list[list[str]], names: list[str], name: str, lines: list[int]) -> None:
    if set(map(len, rows)) <= {len(names)}:
        return
    i = next(i for i, row in enumerate(rows) if len(row) != len(names))
    cells, wanted = f"{','.join(rows[i])[:80]!r} has {len(rows[i])} cells", ",".join(names)[:80]
    raise BrokenFile(f"{name} line {lines[i]}: {cells}, not {len(names)} ({wanted})")
