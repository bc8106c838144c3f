"""A model with real weights by name or by file, its tokenizer, and what names its content."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from ..compiler.checkpoint import Checkpoint, folder_of
from ..compiler.hf_tokenizer import folder_tokenizer
from ..compiler.tokenizer import tokenizer
from ..errors import InputError
from ..workload.cache import used
from ..workload.fetch import WEIGHTS, cache_folder, fetch, named
from . import gguf_reader, hf_reader
from .model import Model


def model_of(name: str) -> tuple[Model, Any]:
    """The model and its tokenizer: a bundled one whose weights are known, a GGUF file, or a Hugging Face folder."""
    folder = folder_of(Path(name))
    if folder is not None:
        return hf_reader.model(Checkpoint(folder), _content(_files(folder))), folder_tokenizer(folder)
    if name.endswith(".gguf"):
        path = Path(name)
        return gguf_reader.model(path, path.stem, _content([path])), tokenizer(path)
    known = _known(name)
    path = fetch(WEIGHTS[known], cache_folder())
    return gguf_reader.model(path, known, WEIGHTS[known].sha256), tokenizer(path)


def _known(name: str) -> str:
    """The weights that are known of a bundled model."""
    if "/" in name or name.endswith((".json", ".safetensors")):
        raise InputError(f"--model {name}: no such file or folder (a folder with config.json, or a .gguf file)")
    return named(name)


def _files(folder: Path) -> list[Path]:
    return [folder / "config.json", *Checkpoint(folder).files]


def _content(paths: list[Path]) -> str:
    """sha256 of the files. Hashed once: then path, size and time stand for the content of a large file."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(_hash(path))
    return digest.hexdigest()


def _hash(path: Path) -> bytes:
    try:
        stat = path.stat()
        named = hashlib.sha256(f"{path.resolve()} {stat.st_size} {stat.st_mtime_ns}".encode()).hexdigest()[:32]
        kept = cache_folder() / "quality" / f"{named}.sha256"
        if kept.is_file():
            used(kept)
            return kept.read_bytes()
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").digest()
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(found)
        return found
    except OSError as error:
        raise InputError(f"{error.filename or path}: {error.strerror}") from None
