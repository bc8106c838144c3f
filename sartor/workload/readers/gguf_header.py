"""The header of a GGUF file, versions 2 and 3: metadata and tensor descriptions, no weights.

Source: the GGUF specification, docs/gguf.md of ggml-org/ggml. No length in the file is trusted: each is
checked against the bytes that are left, so that a damaged file gives an error with the offset of the damage.
"""

from __future__ import annotations

import csv
import functools
import math
import mmap
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import BrokenFile, InputError, Unsupported
from ...tables import data_text
from .cursor import Cursor

MAGIC, VERSIONS = b"GGUF", (2, 3)
MOST_DIMS, MOST_NAME = 4, 1024
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_LEAST_ENTRY, _LEAST_TENSOR = 13, 24  # bytes that a metadata entry and a tensor description take at least


@dataclass(frozen=True)
class Kind:
    """How ggml stores a tensor: `block` elements in `block_bytes`; `format`: our name or empty."""

    name: str
    block: int
    block_bytes: int
    format: str


@dataclass(frozen=True)
class Tensor:
    """One tensor; `shape` with the row length first, as in the file; `offset` from the start of the file."""

    name: str
    shape: tuple[int, ...]
    kind: Kind
    offset: int

    @property
    def elements(self) -> int:
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        return self.elements // self.kind.block * self.kind.block_bytes


@dataclass(frozen=True)
class List:
    """An array in the metadata, by its length only (vocabularies are long)."""

    length: int


@dataclass(frozen=True)
class Header:
    version: int
    metadata: dict[str, Any]
    tensors: tuple[Tensor, ...]


@functools.cache
def kinds() -> dict[int, Kind]:
    rows = csv.DictReader(data_text("gguf_types.csv").splitlines())
    return {int(r["id"]): Kind(r["name"], int(r["block"]), int(r["bytes"]), r["format"]) for r in rows}


def read(path: Path, keep: frozenset[str] = frozenset()) -> Header:
    """The header of the file at `path`; the weights are mapped, not read. Arrays in the metadata become their
    length, but those of the keys in `keep` tuples."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return parse(data, path.name, keep)
    except ValueError:  # an empty file cannot be mapped
        raise BrokenFile(f"{path.name}: is empty, not a GGUF file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error} (check the path)") from None


def parse(data: bytes | mmap.mmap, where: str, keep: frozenset[str] = frozenset()) -> Header:
    """The header at the start of `data`, which is the whole file."""
    cursor = Cursor(data, where)
    version = _version(cursor)
    tensor_count = cursor.count("tensor count", "Q", _LEAST_TENSOR)
    entries = cursor.count("metadata count", "Q", _LEAST_ENTRY)
    metadata: dict[str, Any] = {}
    for _ in range(entries):
        key = cursor.text("metadata key", MOST_NAME)
        if key in metadata:
            raise cursor.broken(f"metadata key {key!r} is there twice")
        kind, what = cursor.number("I", "value type"), f"metadata {key!r}"
        kept = key in keep and kind == _ARRAY
        metadata[key] = _array(cursor, what) if kept else _value(cursor, kind, what)
    described = [_described(cursor) for _ in range(tensor_count)]
    return Header(version, metadata, _placed(described, cursor, metadata))


def _version(cursor: Cursor) -> int:
    magic = bytes(cursor.take(4, "magic"))
    if magic != MAGIC:
        raise BrokenFile(f"{cursor.where}: byte 0: starts with {magic!r}, not {MAGIC!r}: not a GGUF file")
    version = cursor.number("I", "version")
    if version not in VERSIONS:
        swapped = int.from_bytes(version.to_bytes(4, "little"), "big") in VERSIONS
        why = "is big-endian" if swapped else f"has version {version}"
        raise Unsupported(f"{cursor.where}: byte 4: {why} (little-endian versions 2 and 3 are read)")
    return version


def _value(cursor: Cursor, kind: int, what: str, depth: int = 0) -> Any:
    if kind in _SCALARS:
        return cursor.number(_SCALARS[kind], what)
    if kind == _STRING:
        return cursor.text(what)
    if kind == _ARRAY and depth < 3:
        return _skipped_array(cursor, what, depth)
    raise cursor.broken(f"{what} has the unknown value type {kind}")


def _skipped_array(cursor: Cursor, what: str, depth: int) -> List:
    kind = cursor.number("I", what)
    if kind in _SCALARS:
        size = struct.calcsize(_SCALARS[kind])
        count = cursor.count(f"length of {what}", "Q", size)
        cursor.skip(count * size, what)
        return List(count)
    count = cursor.count(f"length of {what}", "Q", 8)
    for _ in range(count):
        if kind == _STRING:
            cursor.skip(cursor.number("Q", what), what)
        else:
            _value(cursor, kind, what, depth + 1)
    return List(count)


def _array(cursor: Cursor, what: str) -> tuple[Any, ...]:
    kind = cursor.number("I", what)
    if kind == _STRING:
        count = cursor.count(f"length of {what}", "Q", 8)
        return tuple(cursor.text(what, MOST_NAME) for _ in range(count))
    if kind not in _SCALARS:
        raise cursor.broken(f"{what} is an array of the value type {kind}, not of numbers or texts")
    code = _SCALARS[kind]
    count = cursor.count(f"length of {what}", "Q", struct.calcsize(code))
    return struct.unpack(f"<{count}{code}", cursor.take(count * struct.calcsize(code), what))


def _described(cursor: Cursor) -> Tensor:
    """One tensor description; its offset is still from the start of the data."""
    name = cursor.text("tensor name", MOST_NAME)
    dims = cursor.number("I", f"dimensions of {name!r}")
    if not 1 <= dims <= MOST_DIMS:
        raise cursor.broken(f"tensor {name!r} has {dims} dimensions (limit {MOST_DIMS})")
    shape = tuple(cursor.number("Q", f"shape of {name!r}") for _ in range(dims))
    number, offset = cursor.number("I", f"type of {name!r}"), cursor.number("Q", f"offset of {name!r}")
    if number not in kinds():
        raise Unsupported(f"{cursor.where}: byte {cursor.at}: tensor {name!r} has the unknown type {number}")
    kind = kinds()[number]
    if 0 in shape or shape[0] % kind.block:
        raise cursor.broken(f"tensor {name!r}: {shape} is not whole blocks of {kind.block} ({kind.name})")
    return Tensor(name, shape, kind, offset)


def _placed(described: list[Tensor], cursor: Cursor, metadata: dict[str, Any]) -> tuple[Tensor, ...]:
    """Tensors with their offset in the file; each must lie inside the file, and no name may come twice."""
    alignment = metadata.get("general.alignment", 32)
    if not isinstance(alignment, int) or alignment < 8 or alignment & (alignment - 1):
        raise cursor.broken(f"general.alignment = {alignment!r} is not a power of two from 8")
    start = -(-cursor.at // alignment) * alignment
    placed: dict[str, Tensor] = {}
    for t in described:
        if t.name in placed:
            raise cursor.broken(f"tensor {t.name!r} is there twice")
        if t.offset % alignment:
            raise cursor.broken(f"tensor {t.name!r}: offset {t.offset} is not a multiple of {alignment}")
        if start + t.offset + t.nbytes > cursor.size:
            raise cursor.broken(
                f"tensor {t.name!r} ends at byte {start + t.offset + t.nbytes}, but the file has "
                f"{cursor.size} bytes (truncated: fetch it again)"
            )
        placed[t.name] = Tensor(t.name, t.shape, t.kind, start + t.offset)
    return tuple(placed.values())
