"""The pages that say what the code says: `python docs/generate.py [--check]`.

docs/cli.md, study.md, study.schema.json, cluster.md, sources.md, trust.md, formats.md, the tables of docs/hardware.md
and quality.md, and sartor/data/measured/trust.json.
`--check` writes nothing and exits 1 where one is not current.
"""

from __future__ import annotations

import argparse
import json
import sys
import types
import typing
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import typer
from pydantic import BaseModel

from sartor.cli import app
from sartor.families.tensor.core import BOUNDS, MOST_COLUMNS, Core
from sartor.report.datasheet.registers import register_map, span
from sartor.search.parts import OtherPart
from sartor.search.space import OWN, VARIABLES, space
from sartor.search.study import Study
from sartor.serve.cluster_file import ClusterPart, FaultsPart, PoolPart, ScalingPart, TransferPart
from sartor.tables import data_text, sources, table

sys.path.insert(0, str(Path(__file__).parent))  # trust.py beside this file
import cells_table
import formats_page
import quality_tables
import trust

DOCS = Path(__file__).parent
MADE = "<!-- made by docs/generate.py: change the code, not this page -->"
TABLES = ("nodes", "memories", "links", "packages", "macs", "units", "lut", "silicon", "overheads", "economics", "gpu",
          "serving_stacks")  # fmt: skip
SAID = DOCS.parent / "sartor/data/measured/trust.json"  # what reports say of errors


def pages() -> dict[Path, str]:
    """Every generated page by its path."""
    return {
        DOCS / "cli.md": cli(),
        DOCS / "study.md": study(),
        DOCS / "study.schema.json": json.dumps(schema(), indent=1, ensure_ascii=False) + "\n",
        DOCS / "cluster.md": cluster(),
        DOCS / "sources.md": sources_page(),
        DOCS / "hardware.md": hardware((DOCS / "hardware.md").read_text(encoding="utf-8")),
        DOCS / "trust.md": trust.page(MADE),
        DOCS / "quality.md": _filled((DOCS / "quality.md").read_text(encoding="utf-8"), _quality()),
        DOCS / "formats.md": formats_page.page(MADE, _markdown),
        SAID: json.dumps(trust.said(), indent=1, ensure_ascii=False) + "\n",
    }


# The command line


def cli() -> str:
    """One section a verb: what it does, how it is called, its arguments and options."""
    group: Any = typer.main.get_command(app)
    lines = [
        "# Command line", "", MADE, "",
        group.help, "",
        "`--json` prints one JSON object on stdout and nothing else, in coherent units (s, Hz, J, W, bytes, mm2,",
        "USD; the key names the unit). Errors are one line on stderr; the exit code is 2 for bad input, 1 for a",
        "failed check, 130 after Ctrl-C.", "",
    ]  # fmt: skip
    for name, verb in group.commands.items():
        arguments = " ".join(_metavar(p) for p in verb.params if p.param_type_name == "argument")
        usage = " ".join(filter(None, ("sartor", name, arguments, "[OPTIONS]")))
        lines += [f"## sartor {name}", "", verb.help, "", "```text", usage, "```", ""]
        lines += [*_markdown(("argument or option", "value", "default", "what it is"), _parameters(verb)), ""]
    return "\n".join(lines).rstrip() + "\n"


def _metavar(parameter: Any) -> str:
    name = parameter.name.upper() + ("..." if parameter.nargs == -1 else "")
    return name if parameter.required else f"[{name}]"


def _parameters(verb: Any) -> Iterator[tuple[str, ...]]:
    hints = {name: _bare(hint) for name, hint in typing.get_type_hints(verb.callback).items()}
    for p in verb.params:
        if p.param_type_name == "argument":
            name = f"`{_metavar(p)}`"
        else:
            name = ", ".join(f"`{o}`" for o in (*p.opts, *p.secondary_opts))
        kind = _KIND.get(hints.get(p.name, bool), "text")
        default = "" if p.default in (None, False, ()) or callable(p.default) else f"`{p.default}`"
        yield name, kind, "required" if p.required else default, p.help or ""


_KIND = {bool: "", int: "whole number", float: "number", Path: "path"}


def _bare(hint: Any) -> Any:
    """The type without None."""
    return next(a for a in typing.get_args(hint) if a is not type(None)) if isinstance(hint, types.UnionType) else hint


# The study


def schema() -> dict[str, Any]:
    """JSON Schema of a study, with the search variables by name; editors complete from it."""
    made = Study.model_json_schema()
    made["title"] = "Sartor study"
    values = {"anyOf": [{"type": "array", "minItems": 1, "maxItems": 255}, {"type": ["string", "number"]}]}
    search = made["$defs"]["SearchPart"]["properties"]["space"]
    search |= {"properties": {name: values for name in VARIABLES}, "additionalProperties": False}
    mix = {"type": "object", "properties": {name: values for name in ("ffn", "ffn_in", *OWN)}}
    search["properties"]["weights"] = {"anyOf": [*values["anyOf"], mix]}
    figures = made["$defs"]["EconomicsPart"]["properties"]["figures"]
    figures["propertyNames"] = {"enum": list(table("economics").quantities)}
    return made


def study() -> str:
    """Every key of a study, part by part, then the search variables and the figures of the economics."""
    lines = [
        "# Study reference", "", MADE, "",
        "A study is one TOML file: what is served, to whom, within which limits, and where to search. Quantities",
        "are text with a unit (`\"2 W\"`); a bare number is in coherent units (s, W, mm2, USD). Unknown keys are",
        "refused, with the closest match. [study.schema.json](study.schema.json) is the same for editors; an",
        "annotated example is in [start.md](start.md#your-own-study).", "", "## Top level", "", *_keys(Study), "",
    ]  # fmt: skip
    for name, cls in _parts():
        head = f"[[{name}]]" if cls is OtherPart else f"[{name}]"
        lines += [f"## `{head}`", "", _sentence(cls.__doc__), "", *_keys(cls), ""]
    lines += ["## `[search.space]`", "", "Each variable is a list of at most 255 values, or one value. The default:"]
    lines += [""]
    lines += [*_markdown(("variable", "kind", "default values"), _variables()), ""]
    lines += [
        "Parts of the model may have formats of their own: `weights = { ffn = [...], attention = [...], embedding = [...] }`",
        "gives each a variable; finer, `attn_qkv` (or `attn_qk` and `attn_v`) and `attn_o` instead of `attention`, `ffn_in` and",
        "`ffn_down` instead of `ffn`. A part that is not named has the format of `ffn`, whose multipliers the chip has",
        "([codesign.md](codesign.md)).", "",
    ]  # fmt: skip
    lines += ["## `[economics]` figures", "", "What a profile assumes, and what `figures` may replace:", ""]
    lines += _markdown(("figure", "datacenter", "device", "unit", "source (datacenter)"), _figures())
    return "\n".join(lines).rstrip() + "\n"


def cluster() -> str:
    """Every key of a cluster file."""
    lines = [
        "# Cluster reference", "", MADE, "",
        "`sartor simulate --cluster FILE` takes one TOML file: pools of chips that serve the same model, and how",
        "requests find them. Quantities are text with a unit (`\"50 GB/s\"`). Unknown keys are refused, with the",
        "closest match. An example is in [serving.md](serving.md#clusters).", "",
    ]  # fmt: skip
    tables = (("Top level", ClusterPart), ("`[[pool]]`", PoolPart), ("`[pool.scaling]`", ScalingPart),
              ("`[transfer]`", TransferPart), ("`[faults]`", FaultsPart))  # fmt: skip
    for head, cls in tables:
        keys = _keys(cls, ("pool", "transfer", "faults", "scaling"))
        lines += [f"## {head}", "", _sentence(cls.__doc__), "", *keys, ""]
    return "\n".join(lines).rstrip() + "\n"


def _parts() -> list[tuple[str, type[BaseModel]]]:
    found = []
    for name, field in Study.model_fields.items():
        inner = typing.get_args(field.annotation)
        cls = inner[0] if inner else field.annotation
        if isinstance(cls, type) and issubclass(cls, BaseModel):
            found.append((name, cls))
    return found


def _keys(cls: type[BaseModel], tables: Collection[str] = ()) -> list[str]:
    """One row a key, but those that are `tables`."""
    parts = dict(_parts()) if cls is Study else tables
    described = cls.model_json_schema()["properties"]
    rows = []
    for name, field in cls.model_fields.items():
        if name not in parts:
            default = "required" if field.is_required() else _literal(field.default)
            kind = _kind(field.annotation, described[name])
            rows.append((f"`{name}`", kind, default, field.description or ""))
    return _markdown(("key", "kind", "default", "what it is"), rows)


def _literal(value: Any) -> str:
    return "" if value in (None, "", {}, []) else f"`{json.dumps(value)}`"


def _kind(annotation: Any, described: dict[str, Any]) -> str:
    """How a key is written: text, a number, a quantity with an example."""
    options = [described, *described.get("anyOf", [])]
    example = next((o["examples"][0] for o in options if "examples" in o), None)
    if example:
        return f'quantity, such as `"{example}"`'
    if isinstance(annotation, types.UnionType):
        annotation = next(a for a in typing.get_args(annotation) if a is not type(None))
    names = {str: "text", int: "whole number", float: "number", bool: "true or false"}
    if annotation in names:
        return names[annotation]
    return {dict: "table", typing.Literal: "text", list: "list of text"}.get(typing.get_origin(annotation), "table")


def _variables() -> Iterator[tuple[str, ...]]:
    import tomllib

    default = tomllib.loads(data_text("space.toml"))
    kinds = {"": "number", "hz": "quantity", "bytes": "quantity", "format": "number format",
             "engine": "`mac`, `lut`"}  # fmt: skip
    for name, kind in VARIABLES.items():
        word = f"row of {kind[5:]}.csv" if kind.startswith("name:") else kinds[kind]
        given = default.get(name, ["mac" if kind == "engine" else "as `weights`"])
        yield f"`{name}`", word, ", ".join(map(str, given))


def _figures() -> Iterator[tuple[str, ...]]:
    known = table("economics")
    for quantity in known.quantities:
        fact = known.fact("datacenter", quantity)
        both = (_written(known.fact(profile, quantity)) for profile in ("datacenter", "device"))
        yield f"`{quantity}`", *both, fact.unit, fact.source


def _written(fact: Any) -> str:
    from sartor.units import to

    value, low, high = (f"{to(v, fact.unit):.4g}" for v in (fact.value, fact.low, fact.high))
    return f"{value} ({low} to {high})"


# Sources


def sources_page() -> str:
    """The works that facts cite, and how many facts of each table are of which kind."""
    lines = [
        "# Sources", "", MADE, "",
        "Facts live in `sartor/data/*.csv`, one a row: value, unit, low, high, kind, date, source. `seen` was read",
        "in the source, `measured` by us, `derived` by the formula that the row names, `recalled` from memory and",
        "still to be verified, `assumed` by judgment. `sartor list nodes --json` and its like print the values.", "",
        "## Facts by kind", "", *_markdown(("table", *_KINDS, "rows"), map(_counts, TABLES)), "",
        "## Works cited", "",
    ]  # fmt: skip
    columns = ("title", "authors", "year", "where")
    rows = ((f"`{key}`", *(str(work.get(c, "")) for c in columns)) for key, work in sources().items())
    return "\n".join([*lines, *_markdown(("key", *columns), rows)]) + "\n"


_KINDS = ("seen", "measured", "derived", "recalled", "assumed")


def _counts(name: str) -> tuple[str, ...]:
    kinds = [fact.kind for fact in table(name).facts.values()]
    return f"`{name}.csv`", *(str(kinds.count(kind)) for kind in _KINDS), str(len(kinds))


# The hardware


def hardware(page: str) -> str:
    return _filled(page, {"registers": _registers, "counters": _counters, "bounds": _bounds, "cells": _cells})


def _filled(page: str, tables: Mapping[str, Callable[[], list[str]]]) -> str:
    """The page with its tables made anew, each between `<!-- table NAME -->` and `<!-- end -->`."""
    for name, made in tables.items():
        start = f"<!-- table {name} -->\n"
        before, _, rest = page.partition(start)
        page = before + start + "\n".join(made()) + "\n" + rest[rest.index("<!-- end -->") :]
    return page


def _registers() -> list[str]:
    rows = register_map(Core(columns=MOST_COLUMNS))["registers"]
    cells = ((span(row), row["access"], f"`{row['name']}`", row["description"]) for row in rows)
    return _markdown(("address", "access", "name", "what it is"), cells)


def _counters() -> list[str]:
    rows = register_map(Core())["counters"]
    cells = ((f"0x{row['low']:04X}", f"`{row['name']}`", row["description"]) for row in rows)
    return _markdown(("address", "counter", "what it counts"), cells)


def _bounds() -> list[str]:
    cells = (
        (f"`{name}`", str(low), str(high), "powers of two" if power else "")
        for name, (low, high, power) in BOUNDS.items()
    )
    return _markdown(("parameter", "lowest", "highest", ""), cells)


def _cells() -> list[str]:
    return _markdown(*cells_table.table())


def _quality() -> dict[str, Callable[[], list[str]]]:
    """What benchmarks/quality.py measured."""
    return {name: lambda made=made: _markdown(*made()) for name, made in quality_tables.TABLES.items()}


# Markdown


def _markdown(head: tuple[str, ...], rows: Any) -> list[str]:
    cells = [head, tuple("---" for _ in head), *rows]
    return [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in cells]


def _sentence(doc: str | None) -> str:
    return " ".join((doc or "").split())


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where a page is not current")
    check = parser.parse_args().check
    stale = {p: t for p, t in pages().items() if not p.exists() or p.read_text(encoding="utf-8") != t}
    for path, page in () if check else stale.items():
        path.write_text(page, encoding="utf-8")
    names = ", ".join(p.name for p in stale)
    print(f"{'not current' if check else 'written'}: {names}" if stale else "all current")
    return 1 if check and stale else 0


if __name__ == "__main__":
    space({})  # a default space that cannot be read would give a page of nonsense
    sys.exit(main())
