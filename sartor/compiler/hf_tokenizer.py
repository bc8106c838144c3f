"""Text to tokens and back, by the tokenizer.json of a Hugging Face folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from tokenizers import Tokenizer
from tokenizers.decoders import DecodeStream

from ..errors import BrokenFile, InputError
from ..workload.readers.fields import Fields, parse_json, read_bytes
from .tokenizer import ENDS, encodable


def folder_tokenizer(folder: Path) -> FolderTokenizer:
    """The tokenizer of `folder`."""
    path = folder / "tokenizer.json"
    if not path.is_file():
        raise InputError(f"{path}: no such file (text is made into tokens by it: put it beside config.json)")
    try:
        built = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing narrower
        raise BrokenFile(f"{path.name}: not a tokenizer: {str(error)[:120]}") from None
    return FolderTokenizer(built, _ends(folder, built))


class FolderTokenizer:
    """`ends`: tokens after which nothing more is said. What a text begins with is in the file."""

    def __init__(self, built: Tokenizer, ends: frozenset[int]) -> None:
        self._built, self.ends = built, ends

    def encode(self, text: str, special: bool = False) -> list[int]:
        """Tokens of `text`. With `special`, the names of control tokens in it become these tokens."""
        self._built.encode_special_tokens = not special
        return list(self._built.encode(encodable(text)).ids)

    def decode(self, ids: Iterable[int]) -> str:
        """The text of tokens; control tokens have none."""
        return str(self._built.decode(self._known(ids), skip_special_tokens=True))

    def stream(self, ids: Iterable[int]) -> Iterator[str]:
        """The text of one token after the other; a character in several tokens comes with its last one."""
        pieces = DecodeStream(skip_special_tokens=True)
        for token in ids:
            yield pieces.step(self._built, self._known([token])[0]) or ""

    def _known(self, ids: Iterable[int]) -> list[int]:
        size, ids = self._built.get_vocab_size(), list(ids)
        for token in ids:
            if not 0 <= token < size:
                raise InputError(f"token {token} is not in the vocabulary of {size}")
        return ids


def _ends(folder: Path, built: Tokenizer) -> frozenset[int]:
    """Of a text, by name and by what the config says."""
    found = {i for name in ENDS if (i := built.token_to_id(name)) is not None}
    for name in ("config.json", "generation_config.json"):
        if (folder / name).is_file():
            said = Fields(parse_json(read_bytes(folder / name), name), name).raw.get("eos_token_id")
            found |= {i for i in (said if isinstance(said, list) else [said]) if isinstance(i, int)}
    return frozenset(found)
