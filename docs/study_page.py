"""The pages of studies and clusters, from the classes that read them."""

from __future__ import annotations

import json
import tomllib
import types
import typing
from collections.abc import Collection, Iterator
from typing import Any

from fill import MADE, markdown
from pydantic import BaseModel

from sartor.search.parts import OtherPart
from sartor.search.space import OWN, VARIABLES
from sartor.search.study import Study
from sartor.serve.cluster_file import ClusterPart, FaultsPart, PoolPart, ScalingPart, TransferPart
from sartor.tables import data_text, table
from sartor.units import to


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
    lines += [*markdown(("variable", "kind", "default values"), _variables()), ""]
    lines += [
        "Parts of the model may have formats of their own: `weights = { ffn = [...], attention = [...], embedding = [...] }`",
        "gives each a variable; finer, `attn_qkv` (or `attn_qk` and `attn_v`) and `attn_o` instead of `attention`, `ffn_in` and",
        "`ffn_down` instead of `ffn`. A part that is not named has the format of `ffn`, whose multipliers the chip has",
        "([codesign.md](codesign.md)).", "",
    ]  # fmt: skip
    lines += ["## `[economics]` figures", "", "What a profile assumes, and what `figures` may replace:", ""]
    lines += markdown(("figure", "datacenter", "device", "unit", "source (datacenter)"), _figures())
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
    return markdown(("key", "kind", "default", "what it is"), rows)


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
    value, low, high = (f"{to(v, fact.unit):.4g}" for v in (fact.value, fact.low, fact.high))
    return f"{value} ({low} to {high})"


def _sentence(doc: str | None) -> str:
    return " ".join((doc or "").split())
