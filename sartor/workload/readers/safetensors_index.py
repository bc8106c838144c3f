"""Safetensors: the header of a .safetensors file or a model.safetensors.index.json, with its config.json.

Format: 8 bytes with the length of a JSON header, the header (name -> dtype, shape, data_offsets), the data.
Source: README of huggingface/safetensors. Names and shapes are checked; no weight is read.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from ...errors import BrokenFile, InputError, Unsupported
from .. import sizes
from ..model import Model
from . import hf_config
from .fields import MOST, MOST_BYTES, Fields, parse_json, read_bytes

DTYPE_BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F4": 4, "I16": 16, "U16": 16,
    "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32, "I64": 64, "U64": 64, "F64": 64,
}  # fmt: skip
NOT_LEARNED = ("_scale_inv", "_scale", "rotary_emb.inv_freq")
FORMATS = {"F16": "fp16", "BF16": "bf16", "F32": "fp32", "F8_E4M3": "fp8-e4m3", "F8_E5M2": "fp8-e5m2"}


@dataclass(frozen=True)
class Stored:
    """One tensor of the file; `shape` as PyTorch writes it: outputs first; `offset` from the start of the data."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    offset: int = 0

    @property
    def elements(self) -> int:
        return math.prod(self.shape)


def read(path: Path) -> Model:
    """The model whose weights are at `path`: shapes from the config.json beside it, checked with the tensors.

    An index whose files are not there is checked by the numbers of its layers only.
    """
    config = path.parent / "config.json"
    if not config.is_file():
        raise InputError(
            f"{path.name}: tensors do not say how many heads share them; the model's config.json does, and "
            f"there is none in {path.parent} (put it there)"
        )
    made = hf_config.read(config)
    if path.suffix != ".json":
        return _checked(made, read_header(path), path.name)
    places = index(read_bytes(path), path.name)
    _check_layers(made, list(places), path.name)
    files = [path.parent / name for name in sorted(set(places.values()))]
    if not all(file.is_file() for file in files):
        return made
    return _checked(made, [tensor for file in files for tensor in read_header(file)], path.name)


def index(data: bytes, where: str) -> dict[str, str]:
    """A model.safetensors.index.json: tensor name -> file beside the index."""
    weight_map = Fields(parse_json(data, where), where).part("weight_map")
    places = {name: weight_map.text(name) for name in weight_map.raw}
    for file in set(places.values()):
        if "/" in file or "\\" in file or "\0" in file or not file.endswith(".safetensors"):
            raise BrokenFile(f"{where}: weight_map names {file[:80]!r}, not a .safetensors file beside it")
    if not places:
        raise BrokenFile(f"{where}: weight_map is empty")
    return places


def read_header(path: Path) -> list[Stored]:
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(8)
            length = _header_length(start, size, path.name)
            return parse_header(file.read(length), size - 8 - length, path.name)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error} (check the path)") from None


def parse(data: bytes, where: str) -> list[Stored]:
    """The tensors described at the start of `data`, which is the whole file."""
    length = _header_length(data[:8], len(data), where)
    return parse_header(data[8 : 8 + length], len(data) - 8 - length, where)


def _header_length(start: bytes, size: int, where: str) -> int:
    if len(start) < 8:
        raise BrokenFile(f"{where}: {len(start)} bytes is too short for a safetensors file")
    length = int.from_bytes(start, "little")
    if not 2 <= length <= min(size - 8, MOST_BYTES):
        raise BrokenFile(f"{where}: byte 0: the header's length is {length}, but the file has {size} bytes")
    return length


def parse_header(header: bytes, data_bytes: int, where: str) -> list[Stored]:
    """The tensors of a JSON header; each must lie within the `data_bytes` that follow it."""
    raw = Fields(parse_json(header, where), where).raw
    return [_stored(name, raw[name], data_bytes, where) for name in raw if name != "__metadata__"]


def _stored(name: str, raw: object, data_bytes: int, where: str) -> Stored:
    fields = Fields(raw, f"{where}: tensor {name[:80]!r}")
    dtype = fields.one_of("dtype", known=list(DTYPE_BITS))
    shape = _numbers(fields, "shape", MOST)
    offsets = _numbers(fields, "data_offsets", data_bytes)
    stored = Stored(name, shape, dtype, offsets[0] if offsets else 0)
    if len(offsets) != 2 or offsets[1] - offsets[0] != -(-stored.elements * DTYPE_BITS[dtype] // 8):
        raise fields.fail("data_offsets", f"does not fit {dtype} of shape {list(shape)}")
    return stored


def _numbers(fields: Fields, name: str, high: int) -> tuple[int, ...]:
    _, value = fields.get((name,), None)
    if not isinstance(value, list) or not all(type(v) is int and 0 <= v <= high for v in value):
        raise fields.fail(name, f"must be a list of whole numbers between 0 and {high}")
    return tuple(value)


def _layer_of(name: str) -> int | None:
    """N in model.layers.N.mlp.up_proj.weight."""
    _, found, after = name.partition("layers.")
    digits = after.split(".")[0] if found else ""
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 8 else None


def _check_layers(model: Model, names: list[str], where: str) -> None:
    count = sum(layer.count for layer in model.layers)
    missing = set(range(count)) - {_layer_of(name) for name in names}
    if missing:
        raise BrokenFile(
            f"{where}: has no tensor of layer {min(missing)}, but config.json has {count} layers"
        )


def _learned(model: Model, stored: list[Stored]) -> list[Stored]:
    """The tensors that are parameters of the part modeled: no scales, no tables that are computed, no layers
    for multi-token prediction, no image encoder."""
    count = sum(layer.count for layer in model.layers)
    text = [t for t in stored if "language_model" in t.name] or stored
    kept = [t for t in text if not t.name.endswith(NOT_LEARNED)]
    return [t for t in kept if (_layer_of(t.name) or 0) < count]


def _checked(model: Model, stored: list[Stored], where: str) -> Model:
    """`model` with the format that the tensors have; they must add up to its parameters. Packed integers
    cannot be compared: there the config's own word on its quantization is taken."""
    learned = _learned(model, stored)
    if any(t.dtype not in FORMATS for t in learned):
        if model.formats:
            return model
        raise Unsupported(f"{where}: has packed tensors, but its config.json has no quantization_config")
    found, expected = sum(t.elements for t in learned), sizes.parameters(model)
    again = model.hidden * model.vocabulary if model.tied else 0  # a tied head may be stored twice
    if found not in (expected, expected + again):
        raise BrokenFile(
            f"{where}: its tensors hold {found} elements, but its config.json asks for {expected}"
        )
    return model if model.formats else replace(model, weights=_most(learned))


def _most(stored: list[Stored]) -> str:
    """The format of most elements."""
    counts: Counter[str] = Counter()
    for tensor in stored:
        counts[FORMATS[tensor.dtype]] += tensor.elements
    return max(counts, key=counts.__getitem__)
