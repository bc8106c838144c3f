"""Tables that stay readable at any width: columns that do not fit go below, few rows on their side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table

Rows = Sequence[Mapping[str, str]]
FEW = 4  # rows that are put on their side where they do not fit


def show(console: Console, title: str, rows: Rows, caption: str = "") -> None:
    """Print `rows`, cells as text by column. The first column names the row; empty columns are left out."""
    columns = list(dict.fromkeys(c for row in rows for c in row))
    columns = [c for c in columns if any(row.get(c) for row in rows)]
    whole = _table(rows, columns)
    if _width(console, whole) > console.width and len(rows) <= FEW:
        rows, columns = _turned(rows, columns)
    blocks = _blocks(console, rows, columns)
    console.print(f"[bold]{escape(title)}[/]", highlight=False)
    for block in blocks:
        console.print(_table(rows, block))
    if caption:
        console.print(f"[dim]{escape(caption)}[/]", highlight=False)


def _turned(rows: Rows, columns: list[str]) -> tuple[Rows, list[str]]:
    """One column a row, one row a column."""
    name, *others = columns
    turned = [{"": column, **{row[name]: row.get(column, "") for row in rows}} for column in others]
    return turned, ["", *(row[name] for row in rows)]


def _blocks(console: Console, rows: Rows, columns: list[str]) -> list[list[str]]:
    """Columns in groups that fit, each led by the first one."""
    name, *others = columns
    blocks = [[name]]
    for column in others:
        wider = [*blocks[-1], column]
        if len(blocks[-1]) > 1 and _width(console, _table(rows, wider)) > console.width:
            blocks.append([name, column])
        else:
            blocks[-1].append(column)
    return blocks


def _table(rows: Rows, columns: list[str]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), show_edge=False, header_style="bold")
    for i, column in enumerate(columns):
        texts = [row.get(column, "") for row in rows]
        numbers = i > 0 and all(t[:1].isdigit() or t[:1] in ("-", "") for t in texts)
        table.add_column(escape(column), justify="right" if numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*(escape(row.get(c, "")) for c in columns))
    return table


def _width(console: Console, table: Table) -> int:
    """The width at which nothing is folded."""
    return Measurement.get(console, console.options.update(max_width=10_000), table).maximum
