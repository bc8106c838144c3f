"""The text of an answer as it grows: whole characters, ended by what the user asked to stop at."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Protocol


class Tokenizer(Protocol):
    """Text to tokens and back. `ends`: tokens after which nothing more is said."""

    ends: frozenset[int]

    def encode(self, text: str, special: bool = False) -> list[int]: ...

    def decode(self, ids: Iterable[int]) -> str: ...

    def stream(self, ids: Iterable[int]) -> Iterator[str]: ...


class Text:
    """Takes tokens, gives text that can no longer become part of a stop sequence."""

    def __init__(self, tokenizer: Tokenizer, stops: tuple[str, ...] = ()) -> None:
        self._stops, self._ids, self._held = stops, deque[int](), ""
        self._pieces = tokenizer.stream(self._fed())
        self.stopped = False

    def _fed(self) -> Iterator[int]:
        while self._ids:
            yield self._ids.popleft()

    def push(self, token: int) -> str:
        """What `token` adds."""
        self._ids.append(token)
        return self._released(next(self._pieces, ""))

    def end(self) -> str:
        """What was held back; nothing after a stop."""
        rest = self._released("".join(self._pieces))
        rest, self._held = rest + ("" if self.stopped else self._held), ""
        return rest

    def _released(self, piece: str) -> str:
        if self.stopped:
            return ""
        text = self._held + piece
        found = [at for stop in self._stops if (at := text.find(stop)) >= 0]
        if found:
            self.stopped, self._held = True, ""
            return text[: min(found)]
        keep = max((_overlap(text, stop) for stop in self._stops), default=0)
        cut = len(text) - keep
        self._held = text[cut:]
        return text[:cut]


def _overlap(text: str, stop: str) -> int:
    """Characters at the end of `text` that `stop` begins with.

    >>> _overlap("so it en", "end"), _overlap("done", "end")
    (2, 1)
    """
    most = min(len(text), len(stop) - 1)
    return next((n for n in range(most, 0, -1) if text.endswith(stop[:n])), 0)
