"""Text to tokens and back, by the vocabulary in a GGUF file: byte-level BPE.

The merging is that of the library `tokenizers`; the file decides everything else. Bytes stand in the vocabulary
as printable characters, as GPT-2 has it.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers

from ..errors import BrokenFile, InputError, Unsupported
from ..workload.readers import gguf_vocabulary
from ..workload.readers.gguf_vocabulary import Vocabulary

START, END = "<|im_start|>", "<|im_end|>"
ENDS = (END, "<|endoftext|>", "<|eot_id|>")  # of a text, whatever the file calls its end
_SYSTEM = re.compile(re.escape(START) + r"system\n(.*?)" + re.escape(END), re.DOTALL)


def tokenizer(path: Path) -> GgufTokenizer:
    """The tokenizer of the GGUF file at `path`; a kind that is not known is refused by name."""
    return GgufTokenizer(gguf_vocabulary.read(path), path.name)


class GgufTokenizer:
    """`ends`: tokens after which nothing more is said; `bos`: what a text begins with, if the file says so."""

    def __init__(self, vocabulary: Vocabulary, where: str = "the file") -> None:
        self.vocabulary, self.where = vocabulary, where
        self._ids = {text: i for i, text in enumerate(vocabulary.tokens)}
        self._bpe = _built(vocabulary, self._ids, where)
        self._bytes = [_token_bytes(t, i in vocabulary.control) for i, t in enumerate(vocabulary.tokens)]
        ends = {self._ids[text] for text in ENDS if text in self._ids}
        self.ends = frozenset(ends if vocabulary.eos is None else {*ends, vocabulary.eos})
        self.bos = vocabulary.bos if vocabulary.add_bos else None

    def encode(self, text: str, special: bool = False) -> list[int]:
        """Tokens of `text`. With `special`, the names of control tokens in it become these tokens; without,
        they are text like any other, as what a user types should be."""
        first = [] if self.bos is None else [self.bos]
        return first + self._encoded(text, special)

    def _encoded(self, text: str, special: bool = False) -> list[int]:
        self._bpe.encode_special_tokens = not special
        return list(self._bpe.encode(encodable(text), add_special_tokens=False).ids)

    def chat(self, text: str, system: str | None = None) -> list[int]:
        """Tokens of a conversation that begins with the user's `text` and waits for the answer (ChatML);
        `system`: instead of what the file says."""
        return self.conversation([*([] if system is None else [("system", system)]), ("user", text)])

    def conversation(self, messages: Sequence[tuple[str, str]]) -> list[int]:
        """Tokens of `messages`, (role, text), after which the answer comes (ChatML). Without a first one of the
        system, what the file says there."""
        if START not in self._ids or END not in self._ids or START not in self.vocabulary.template:
            raise Unsupported(f"{self.where}: its chat template is not ChatML ({START} ... {END})")
        built_in = _SYSTEM.search(self.vocabulary.template)
        if built_in and messages[:1] and messages[0][0] != "system":
            messages = [("system", built_in[1]), *messages]
        ids = [token for role, text in messages for token in self._message(role, text)]
        return [*ids, self._ids[START], *self._encoded("assistant\n")]

    def _message(self, role: str, text: str) -> list[int]:
        body = self._encoded(f"{role}\n{text}")
        return [self._ids[START], *body, self._ids[END], *self._encoded("\n")]

    def decode(self, ids: Iterable[int]) -> str:
        """The text of tokens; control tokens have none, broken characters become U+FFFD."""
        return "".join(self.stream(ids))

    def stream(self, ids: Iterable[int]) -> Iterator[str]:
        """The text of one token after the other; a character in several tokens comes with its last one."""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        for token in ids:
            yield decoder.decode(self._piece(token))
        if rest := decoder.decode(b"", final=True):
            yield rest

    def _piece(self, token: int) -> bytes:
        if not 0 <= token < len(self._bytes):
            raise InputError(f"token {token} is not in the vocabulary of {len(self._bytes)}")
        return self._bytes[token]


def _built(v: Vocabulary, ids: dict[str, int], where: str) -> Tokenizer:
    if v.model != "gpt2":
        raise Unsupported(f"{where}: tokenizer {v.model!r} is not known (gpt2, byte-level BPE, is)")
    if v.pre not in _SPLITS:
        raise Unsupported(f"{where}: pre-tokenizer {v.pre!r} is not known ({', '.join(_SPLITS)} is)")
    built = Tokenizer(models.BPE(ids, [_merge(m, ids, where) for m in v.merges]))
    built.pre_tokenizer = _SPLITS[v.pre]()
    built.add_special_tokens(
        [AddedToken(v.tokens[i], special=True, normalized=False) for i in sorted(v.control)]
    )
    return built


def _merge(text: str, ids: dict[str, int], where: str) -> tuple[str, str]:
    left, _, right = text.partition(" ")
    if not {left, right, left + right} <= ids.keys():
        raise BrokenFile(f"{where}: merge {text!r} is not of two tokens to a third")
    return left, right


def _smollm() -> pre_tokenizers.PreTokenizer:
    """Digits one by one, then the words of GPT-2."""
    return pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )


_SPLITS = {"smollm": _smollm}


def encodable(text: str) -> str:
    """Without halves of surrogate pairs, which are no text."""
    return text.encode("utf-8", "replace").decode()


def _alphabet() -> dict[str, int]:
    """The byte of a character: printable ones are themselves, the others follow from U+0100."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [b for b in range(256) if b not in shown]
    return {chr(b): b for b in shown} | {chr(256 + i): b for i, b in enumerate(hidden)}


_BYTES = _alphabet()


def _token_bytes(token: str, control: bool) -> bytes:
    return b"" if control else bytes(_BYTES[c] for c in token if c in _BYTES)
