"""A model's shapes to TOML and back: the schema is the fields of `Model`, unknown keys are refused."""

from __future__ import annotations

import dataclasses
import json
import tomllib
from pathlib import Path
from typing import Any

from ..errors import BrokenFile, InputError, UnknownName
from .model import (
    MAY_BE_ZERO,
    Experts,
    FeedForward,
    GroupedAttention,
    Indexer,
    LatentAttention,
    Layer,
    LinearAttention,
    Model,
    StateSpace,
)
from .readers.fields import Fields, read_bytes

KINDS: dict[str, type] = {
    "grouped": GroupedAttention,
    "latent": LatentAttention,
    "state_space": StateSpace,
    "linear": LinearAttention,
    "feed_forward": FeedForward,
    "experts": Experts,
    "indexer": Indexer,
}
_MIXERS = ("grouped", "latent", "state_space", "linear")
_MLPS = ("feed_forward", "experts")
_INSIDE = {"shared": ("feed_forward",), "index": ("indexer",)}  # parts of a mixer or an MLP, and their kinds
_KIND_OF = {cls: kind for kind, cls in KINDS.items()}


def read(path: Path) -> Model:
    try:
        return loads(read_bytes(path).decode(), path.name)
    except UnicodeDecodeError:
        raise BrokenFile(f"{path.name}: is not UTF-8 text") from None


def loads(text: str, where: str = "model.toml") -> Model:
    """The model written in `text`."""
    try:
        fields = Fields(tomllib.loads(text), where)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise BrokenFile(f"{where}: not TOML: {error}") from None
    raw_layers = fields.get(("layers",), [])[1]
    if not isinstance(raw_layers, list) or not raw_layers:
        raise BrokenFile(f"{where}: missing [[layers]]")
    layers = tuple(_layer(Fields(raw, f"{where}: layers[{i}]")) for i, raw in enumerate(raw_layers))
    formats = fields.part("formats") if fields.has("formats") else Fields({}, where)
    return _build(Model, fields, layers=layers, formats={name: formats.text(name) for name in formats.raw})


def _layer(fields: Fields) -> Layer:
    mixer = _variant(fields.part("mixer"), _MIXERS) if fields.has("mixer") else None
    mlp = _variant(fields.part("mlp"), _MLPS) if fields.has("mlp") else None
    return _build(Layer, fields, mixer=mixer, mlp=mlp)


def _variant(fields: Fields, known: tuple[str, ...]) -> Any:
    kind = fields.text("kind")
    if kind not in known:
        raise UnknownName("kind", kind, known, fields.where)
    ready = {name: _variant(fields.part(name), kinds) for name, kinds in _INSIDE.items() if fields.has(name)}
    return _build(
        KINDS[kind], Fields({k: v for k, v in fields.raw.items() if k != "kind"}, fields.where), **ready
    )


def _build(cls: type, fields: Fields, **ready: Any) -> Any:
    known = {f.name: f for f in dataclasses.fields(cls)}
    for key in fields.raw:
        if key not in known:
            raise UnknownName("key", key, known, fields.where)
    missing = [n for n, f in known.items() if _required(f) and n not in ready and not fields.has(n)]
    if missing:
        raise BrokenFile(f"{fields.where}: missing {', '.join(missing)}")
    optional = {n: None for n, f in known.items() if f.default is f.default_factory is dataclasses.MISSING}
    given = {name: _value(f, fields) for name, f in known.items() if name not in ready and fields.has(name)}
    try:
        return cls(**optional | given | ready)
    except InputError as error:
        raise InputError(f"{fields.where}: {error}") from None


def _required(field: dataclasses.Field) -> bool:
    optional = "None" in str(field.type) and field.name not in ("mixer", "mlp")
    return field.default is field.default_factory is dataclasses.MISSING and not optional


def _value(field: dataclasses.Field, fields: Fields) -> Any:
    kind = str(field.type).split(" ")[0]
    if kind == "int":
        return fields.whole(field.name, low=0 if field.name in MAY_BE_ZERO else 1)
    if kind == "bool":
        return fields.flag(field.name)
    if kind.startswith("Literal"):
        return fields.one_of(field.name, known=("seen", "derived", "recalled"))
    return fields.text(field.name)


def dumps(model: Model) -> str:
    """`model` as TOML; `loads(dumps(model)) == model`."""
    lines = [f"{k} = {_toml(v)}" for k, v in _set_fields(model) if k not in ("layers", "formats")]
    if model.formats:
        lines.append(f"formats = {_inline(model.formats)}")
    for layer in model.layers:
        lines += ["", "[[layers]]", *(f"{k} = {_toml(v)}" for k, v in _set_fields(layer))]
    return "\n".join(lines) + "\n"


def _set_fields(part: Any) -> list[tuple[str, Any]]:
    """Fields that differ from their default."""
    pairs = [(f, getattr(part, f.name)) for f in dataclasses.fields(part)]
    return [(f.name, v) for f, v in pairs if v is not None and v != f.default]


def _toml(value: Any) -> str:
    if dataclasses.is_dataclass(value):
        return _inline({"kind": _KIND_OF[type(value)], **dict(_set_fields(value))})
    return json.dumps(value, ensure_ascii=False)


def _inline(pairs: dict[str, Any]) -> str:
    return "{ " + ", ".join(f"{k} = {_toml(v)}" for k, v in pairs.items()) + " }"
