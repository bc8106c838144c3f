"""The pages that say what the code says: `python docs/generate.py [--check]`.

docs/cli.md, study.md, study.schema.json, cluster.md, sources.md, trust.md, formats.md, the tables of docs/hardware.md
and quality.md, the output in docs/validation.md, the errors in the READMEs, and sartor/data/measured/trust.json.
`--check` writes nothing and exits 1 where one is not current.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from sartor.families.tensor.core import BOUNDS, MOST_COLUMNS, Core
from sartor.report.datasheet.registers import register_map, span
from sartor.search.space import space
from sartor.tables import sources, table

sys.path.insert(0, str(Path(__file__).parent))  # the pages beside this file
import cells_table
import command_page
import formats_page
import quality_tables
import study_page
import trust
import trust_glance
import validation_page
from fill import MADE, filled, markdown, write

DOCS = Path(__file__).parent
ROOT = DOCS.parent
READMES = {"README.md": "en", "README.ko.md": "ko"}
TABLES = ("nodes", "memories", "links", "packages", "macs", "units", "lut", "silicon", "overheads", "economics", "gpu",
          "serving_stacks")  # fmt: skip
SAID = ROOT / "sartor/data/measured/trust.json"  # what reports say of errors
Table = Callable[[], list[str]]  # its lines, made anew


def pages() -> dict[Path, str]:
    """Every generated page by its path."""
    return {
        **{ROOT / name: _filled(f"../{name}", {"errors": _readme(language)}) for name, language in READMES.items()},
        DOCS / "cli.md": command_page.cli(),
        DOCS / "study.md": study_page.study(),
        DOCS / "study.schema.json": json.dumps(study_page.schema(), indent=1, ensure_ascii=False) + "\n",
        DOCS / "cluster.md": study_page.cluster(),
        DOCS / "sources.md": sources_page(),
        DOCS / "hardware.md": _filled("hardware.md", HARDWARE),
        DOCS / "trust.md": trust.page(MADE),
        DOCS / "quality.md": _filled("quality.md", QUALITY),
        DOCS / "validation.md": _filled("validation.md", {"output": validation_page.output}),
        DOCS / "formats.md": formats_page.page(MADE, markdown),
        SAID: json.dumps(trust.said(), indent=1, ensure_ascii=False) + "\n",
    }


def _readme(language: str) -> Table:
    return lambda: list(trust_glance.table(trust_glance.FIRST, language))


def _filled(name: str, tables: Mapping[str, Table]) -> str:
    """The page with its tables made anew, each between `<!-- table NAME -->` and `<!-- end -->`."""
    page = (DOCS / name).read_text(encoding="utf-8")
    for table_name, made in tables.items():
        page = filled(page, f"table {table_name}", "\n".join(made()))
    return page


# Sources


def sources_page() -> str:
    """The works that facts cite, and how many facts of each table are of which kind."""
    lines = [
        "# Sources", "", MADE, "",
        "Facts live in `sartor/data/*.csv`, one a row: value, unit, low, high, kind, date, source. `seen` was read",
        "in the source, `measured` by us, `derived` by the formula that the row names, `recalled` from memory and",
        "still to be verified, `assumed` by judgment. `sartor list nodes --json` and its like print the values.", "",
        "## Facts by kind", "", *markdown(("table", *_KINDS, "rows"), map(_counts, TABLES)), "",
        "## Works cited", "",
    ]  # fmt: skip
    columns = ("title", "authors", "year", "where")
    rows = ((f"`{key}`", *(str(work.get(c, "")) for c in columns)) for key, work in sources().items())
    return "\n".join([*lines, *markdown(("key", *columns), rows)]) + "\n"


_KINDS = ("seen", "measured", "derived", "recalled", "assumed")


def _counts(name: str) -> tuple[str, ...]:
    kinds = [fact.kind for fact in table(name).facts.values()]
    return f"`{name}.csv`", *(str(kinds.count(kind)) for kind in _KINDS), str(len(kinds))


# The hardware


def _registers() -> list[str]:
    rows = register_map(Core(columns=MOST_COLUMNS))["registers"]
    cells = ((span(row), row["access"], f"`{row['name']}`", row["description"]) for row in rows)
    return markdown(("address", "access", "name", "what it is"), cells)


def _counters() -> list[str]:
    rows = register_map(Core())["counters"]
    cells = ((f"0x{row['low']:04X}", f"`{row['name']}`", row["description"]) for row in rows)
    return markdown(("address", "counter", "what it counts"), cells)


def _bounds() -> list[str]:
    cells = (
        (f"`{name}`", str(low), str(high), "powers of two" if power else "")
        for name, (low, high, power) in BOUNDS.items()
    )
    return markdown(("parameter", "lowest", "highest", ""), cells)


def _cells() -> list[str]:
    return markdown(*cells_table.table())


HARDWARE: dict[str, Table] = {"registers": _registers, "counters": _counters, "bounds": _bounds, "cells": _cells}
# What benchmarks/quality.py measured.
QUALITY: dict[str, Table] = {
    name: lambda made=made: markdown(*made()) for name, made in quality_tables.TABLES.items()
}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where a page is not current")
    return write(pages(), parser.parse_args().check)


if __name__ == "__main__":
    space({})  # a default space that cannot be read would give a page of nonsense
    sys.exit(main())
