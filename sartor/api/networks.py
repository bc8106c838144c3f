"""A network with its real weights, as a chip takes them: of a known model, a GGUF file, or a Hugging Face folder."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..compiler import gguf, hf
from ..compiler.checkpoint import Checkpoint, folder_of
from ..compiler.requantize import parts_of, requantized
from ..errors import InputError, Unsupported
from ..families.tensor.network import Network
from ..formats.hardware import Coding, codings_of
from ..formats.parts import BASE, EMBEDDING
from ..workload.fetch import WEIGHTS, cache_folder, fetch, named
from .say import Say, silent


@dataclass(frozen=True, eq=False)
class Weights:
    """A network with real weights: its name, its file or folder, and what names its content."""

    model: str
    network: Network
    path: Path
    key: str


def weights_of(
    model: str, form: str | Mapping[str, str], say: Say = silent, requantize: bool = False, turned_values: bool = False
) -> Weights:
    """The network of `model` for a chip whose weights are in the format `form`, or in one for each part (Tile.formats).

    A Hugging Face folder (or one of its files) of real numbers is quantized to `form`. What is quantized already (GPTQ,
    AWQ and others in such a folder, a bundled model whose weights are known, a GGUF file) is taken as it is: where that
    is another format it is refused, or with `requantize` rounded once more. `turned_values`: in a folder of real
    numbers (compiler/turned.py).
    """
    folder, codings = folder_of(Path(model)), codings_of(form)
    if folder is not None:
        say("reading and quantizing the weights")
        point = Checkpoint(folder)
        key = f"{point.key()} {_named(codings)}" + " turned values" * turned_values
        return Weights(model, hf.network(point, codings, _told(say), requantize, turned_values), folder, key)
    found = _from_file(model) if model.endswith(".gguf") else _known(model, say)
    names = {form} if isinstance(form, str) else set(form.values())
    return _as(found, codings, ", ".join(sorted(names)), say, requantize)


def check_there(model: str | None) -> None:
    """Raises an error where `model` names nothing, before anything that takes minutes."""
    if model is None or (model and folder_of(Path(model)) is not None):
        return
    if not model.endswith(".gguf"):
        named(model)
    elif not Path(model).is_file():
        raise InputError(f"{model}: no such file (check the path)")


def _named(codings: Mapping[str, Coding]) -> str:
    """One coding by itself, several by their parts."""
    if len(set(codings.values())) == 1 and EMBEDDING not in codings:
        return str(next(iter(codings.values())))
    return ", ".join(f"{part} {coding}" for part, coding in codings.items())


def tokenizer_of(path: Path) -> Any:
    """The tokenizer of a GGUF file, or of a folder."""
    try:
        from ..compiler.hf_tokenizer import folder_tokenizer
        from ..compiler.tokenizer import tokenizer
    except ImportError as error:
        raise Unsupported(
            f"text to tokens: {error.name} is not installed (try: pip install tokenizers)"
        ) from None
    return folder_tokenizer(path) if path.is_dir() else tokenizer(path)


def _told(say: Say) -> hf.Progress:
    return lambda what, share: say(f"{what}: {share:.0%}")


def _known(model: str, say: Say) -> Weights:
    model = named(model)
    say("fetching and checking the weights")
    path = fetch(WEIGHTS[model], cache_folder())
    return Weights(model, gguf.network(path), path, WEIGHTS[model].sha256)


def _from_file(name: str) -> Weights:
    path = Path(name)
    try:
        with path.open("rb") as file:
            key = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{name}: cannot be read: {error.strerror}") from None
    return Weights(name, gguf.network(path), path, key)


def _as(found: Weights, codings: Mapping[str, Coding], form: str, say: Say, requantize: bool) -> Weights:
    """Weights that are quantized already, on a chip that is made for `form`, which are `codings`."""
    net, wanted = found.network, _named(codings)
    stored = parts_of(net)
    if all(stored[part] == coding for part, coding in codings.items()):
        return found
    if not requantize:
        raise Unsupported(
            f"{found.model}: its matrices are {stored[BASE]}, but the chip is made for {form}, {wanted}: rounding what "
            "is rounded already loses twice (take a chip for its format, the model's BF16 folder, or --requantize)"
        )
    say(f"rounding the weights once more, to {form}")
    return Weights(found.model, requantized(net, codings), found.path, f"{found.key} {wanted}")
