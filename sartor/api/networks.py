"""A network with its real weights, as a chip takes them: of a known model, a GGUF file, or a Hugging Face folder."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..compiler import gguf, hf
from ..compiler.checkpoint import Checkpoint, folder_of
from ..compiler.requantize import requantized
from ..errors import InputError, Unsupported
from ..families.tensor.network import Network
from ..formats.hardware import coding_of
from ..workload.fetch import WEIGHTS, cache_folder, fetch
from .say import Say, silent


@dataclass(frozen=True, eq=False)
class Weights:
    """A network with real weights: its name, its file or folder, and what names its content."""

    model: str
    network: Network
    path: Path
    key: str


def weights_of(model: str, form: str, say: Say = silent, requantize: bool = False) -> Weights:
    """The network of `model` for a chip whose weights are in the format `form`.

    A Hugging Face folder (or one of its files) of real numbers is quantized to `form`. What is quantized already (GPTQ,
    AWQ and others in such a folder, a bundled model whose weights are known, a GGUF file) is taken as it is: where that
    is another format it is refused, or with `requantize` rounded once more.
    """
    folder = folder_of(Path(model))
    if folder is not None:
        say("reading and quantizing the weights")
        point = Checkpoint(folder)
        key = f"{point.key()} {coding_of(form)}"
        return Weights(model, hf.network(point, coding_of(form), _told(say), requantize), folder, key)
    found = _from_file(model) if model.endswith(".gguf") else _known(model, say)
    return _as(found, form, say, requantize)


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
    if model not in WEIGHTS:
        raise InputError(
            f"model {model!r}: no weights are known to run it with (known: {', '.join(WEIGHTS)}; or give a .gguf "
            "file, or a folder with config.json and .safetensors)"
        )
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


def _as(found: Weights, form: str, say: Say, requantize: bool) -> Weights:
    """Weights that are quantized already, on a chip that is made for `form`."""
    stored, wanted = found.network.layers[0].qkv.coding, coding_of(form)
    if stored == wanted:
        return found
    if not requantize:
        raise Unsupported(
            f"{found.model}: its matrices are {stored}, but the chip is made for {form}, {wanted}: rounding what is "
            "rounded already loses twice (take a chip for its format, the model's BF16 folder, or --requantize)"
        )
    say(f"rounding the weights once more, to {form}")
    return Weights(found.model, requantized(found.network, wanted), found.path, f"{found.key} {wanted}")
