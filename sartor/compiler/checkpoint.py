"""A folder as Hugging Face has it: config.json and the tensors of its .safetensors files, mapped, not read."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import BrokenFile, InputError, Unsupported
from ..formats.codec import finite
from ..formats.floats import DTYPES, Floats
from ..formats.layouts.tensors import CODES, Tensor, Tensors
from ..workload.readers import safetensors_index
from ..workload.readers.fields import Fields, parse_json, read_bytes
from ..workload.readers.safetensors_index import Stored

INDEX = "model.safetensors.index.json"
NOT_LEARNED = "rotary_emb.inv_freq"  # computed from the config


@dataclass(frozen=True)
class _Place:
    path: Path
    stored: Stored


class Checkpoint:
    """`taken`: the tensors that were asked for; `check_left()` refuses others."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.name = folder, folder.resolve().name
        self.config = Fields(parse_json(read_bytes(folder / "config.json"), "config.json"), f"{self.name}/config.json")
        self.files = _files(folder)
        found = [_Place(path, t) for path in self.files for t in safetensors_index.read_header(path)]
        self._places = {p.stored.name: p for p in found if not p.stored.name.endswith(NOT_LEARNED)}
        self._data = {path: _data(path) for path in self.files}
        self.taken: set[str] = set()

    def matrix(self, name: str, n: int, k: int) -> Floats:
        """The tensor [n, k]."""
        return Floats(*self._numbers(name, (n, k)))

    def vector(self, name: str, n: int) -> np.ndarray:
        """float32 [n]."""
        kind, data = self._numbers(name, (n,))
        found = Floats(kind, data[None]).dequantized()
        finite(found, f"{self.name}: tensor {name!r}")
        return found[0]

    def parts(self, matrix: str) -> Tensors:
        """All tensors of `matrix`, by what follows its name, as `layouts.read` takes them."""
        begin = f"{matrix}."
        found = {name.removeprefix(begin): self._tensor(name) for name in self.names(begin)}
        return Tensors(f"{self.name}: {matrix}", found)

    def names(self, begin: str) -> list[str]:
        """The tensors whose names begin so."""
        return [name for name in self._places if name.startswith(begin)]

    def check_left(self) -> None:
        """Refuses a tensor that nobody wanted: another network would be run than the one in the file."""
        if left := next((name for name in self._places if name not in self.taken), None):
            raise Unsupported(f"{self.name}: tensor {left!r} has no place in the network that is lowered")

    def key(self) -> str:
        """Names the content: the sha256 of config and tensors."""
        digest = hashlib.sha256()
        for path in (self.folder / "config.json", *self.files):
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        return digest.hexdigest()

    def _numbers(self, name: str, shape: tuple[int, ...]) -> tuple[str, np.ndarray]:
        if name not in self._places:
            raise BrokenFile(f"{self.name}: tensor {name!r} is missing")
        place, self.taken = self._places[name], self.taken | {name}
        stored = place.stored
        if stored.dtype not in DTYPES:
            known = ", ".join(DTYPES)
            raise Unsupported(
                f"{self.name}: tensor {name!r} is {stored.dtype}, not real numbers ({known}): a model that is "
                "quantized already is taken as GGUF only"
            )
        if stored.shape != shape:
            sizes = (" x ".join(map(str, s)) or "one number" for s in (stored.shape, shape))
            raise BrokenFile(f"{self.name}: tensor {name!r} is {{}}, but config.json asks for {{}}".format(*sizes))
        return stored.dtype, self._array(place, DTYPES[stored.dtype])

    def _tensor(self, name: str) -> Tensor:
        place = self._places[name]
        kind = place.stored.dtype
        dtype: np.dtype[Any] | None = DTYPES.get(kind) or CODES.get(kind)
        if dtype is None:
            raise Unsupported(f"{self.name}: tensor {name!r} is {kind}, which is not read")
        return Tensor(kind, self._array(place, dtype))

    def _array(self, place: _Place, dtype: np.dtype[Any]) -> np.ndarray:
        end = place.stored.offset + place.stored.elements * dtype.itemsize
        return self._data[place.path][place.stored.offset : end].view(dtype).reshape(place.stored.shape)


def folder_of(path: Path) -> Path | None:
    """The folder of a checkpoint: itself, or that of one of its files; None of anything else."""
    inside = path.name == "config.json" or path.name.endswith((".safetensors", ".safetensors.index.json"))
    folder = path.parent if inside else path
    return folder if folder.is_dir() else None


def _files(folder: Path) -> list[Path]:
    """Those of the index, or all there are."""
    if (folder / INDEX).is_file():
        places = safetensors_index.index(read_bytes(folder / INDEX), INDEX)
        return [folder / name for name in sorted(set(places.values()))]
    found = sorted(folder.glob("*.safetensors"))
    if not found:
        raise InputError(f"{folder}: holds no .safetensors files (the weights must be beside config.json)")
    return found


def _data(path: Path) -> np.ndarray:
    """The bytes behind the header, which was read before and is right."""
    raw = np.memmap(path, np.uint8, "r")
    return raw[8 + int.from_bytes(raw[:8].tobytes(), "little") :]
