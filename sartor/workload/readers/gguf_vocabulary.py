"""The vocabulary in a GGUF file: tokens, their types, merges, and what the tokenizer is told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import BrokenFile
from . import gguf_header

PREFIX = "tokenizer.ggml."
ARRAYS = ("tokens", "token_type", "merges")
CONTROL = 3  # the type of tokens that no text stands for


@dataclass(frozen=True)
class Vocabulary:
    """`tokens` as the file spells them; `control`: ids that stand for no text; `merges` in order of rank."""

    model: str
    pre: str
    tokens: tuple[str, ...]
    control: frozenset[int]
    merges: tuple[str, ...]
    bos: int | None
    eos: int | None
    add_bos: bool
    template: str


def read(path: Path) -> Vocabulary:
    """The vocabulary of the file at `path`."""
    metadata = gguf_header.read(path, frozenset(PREFIX + name for name in ARRAYS)).metadata
    tokens, types, merges = (_array(metadata, name, path.name) for name in ARRAYS)
    if len(types) != len(tokens):
        raise BrokenFile(f"{path.name}: {len(tokens)} tokens, but types of {len(types)}")

    def identity(name: str) -> int | None:
        value = metadata.get(f"{PREFIX}{name}_token_id")
        if value is not None and not (isinstance(value, int) and 0 <= value < len(tokens)):
            raise BrokenFile(f"{path.name}: the {name} token is {value}, but there are {len(tokens)} tokens")
        return value

    return Vocabulary(
        str(metadata.get(PREFIX + "model", "")), str(metadata.get(PREFIX + "pre", "")), tokens,
        frozenset(i for i, kind in enumerate(types) if kind == CONTROL), merges, identity("bos"), identity("eos"),
        bool(metadata.get(PREFIX + "add_bos_token", False)), str(metadata.get("tokenizer.chat_template", "")),
    )  # fmt: skip


def _array(metadata: dict[str, Any], name: str, where: str) -> tuple[Any, ...]:
    value = metadata.get(PREFIX + name)
    kind = int if name == "token_type" else str
    if not isinstance(value, tuple) or not all(isinstance(v, kind) for v in value):
        raise BrokenFile(
            f"{where}: metadata {PREFIX}{name} is missing or not a list (the file has no tokenizer)"
        )
    return value
