"""A conversation with a compiled network: prompts in chunks, then token by token, on any model of the core."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from ..errors import InputError
from .binary import Binary


class Machine(Protocol):
    """What runs a program: the golden model, or the RTL in its simulator."""

    def run(self, entry: int, position: int, tokens: list[int]) -> int: ...


def chunk_at(prompt: list[int], start: int, columns: int) -> list[int]:
    """The chunk of `prompt` from `start`, filled up with its last token; the prompt's last one is in none.

    >>> chunk_at([1, 2, 3, 4, 5, 6], 4, columns=4)
    [5, 5, 5, 5]
    """
    chunk = prompt[:-1][start : start + columns]
    return chunk + chunk[-1:] * (columns - len(chunk))


def chunks(binary: Binary, prompt: list[int]) -> Iterator[tuple[int, list[int]]]:
    """All but the last token in chunks of the core's columns, the last one filled up with it."""
    columns = binary.core.columns
    for start in range(0, len(prompt) - 1, columns):
        yield start, chunk_at(prompt, start, columns)


def check_prompt(binary: Binary, prompt: list[int], count: int) -> None:
    """Whether `prompt` and `count` tokens after it can be run."""
    columns, limit = binary.core.columns, binary.memory.context
    chunked = -(-max(len(prompt) - 1, 0) // columns) * columns
    need = max(len(prompt) + count - 1, chunked)
    if not prompt:
        raise InputError("the prompt is empty (at least one token)")
    if need > limit:
        raise InputError(
            f"a prompt of {len(prompt)} tokens and {count} more need {need} places in the KV cache, but it "
            f"holds {limit} (a shorter prompt, fewer tokens, or more context)"
        )
    for token in prompt:
        if not 0 <= token < binary.vocabulary:
            raise InputError(f"token {token} is not in the vocabulary of {binary.vocabulary}")


def longest_prompt(binary: Binary) -> int:
    """Tokens of the longest prompt whose chunks, the last one filled up, all fit into a cache."""
    columns, context = binary.core.columns, binary.memory.context
    return min(context, context // columns * columns + 1)


class Session:
    """Feeds one machine. `position`: tokens in the cache."""

    def __init__(self, binary: Binary, machine: Machine) -> None:
        self.binary, self.machine, self.position = binary, machine, 0

    def generate(self, prompt: list[int], count: int) -> Iterator[int]:
        """Up to `count` greedy tokens after `prompt`."""
        check_prompt(self.binary, prompt, count)
        for start, chunk in chunks(self.binary, prompt):
            self.machine.run(self.binary.program.prefill, start, [self.binary.row(t) for t in chunk])
        self.position = len(prompt) - 1
        token = prompt[-1]
        for _ in range(count):
            token = self.step(token)
            yield token

    def step(self, token: int) -> int:
        """One decode step: `token` goes into the cache, the next one comes back."""
        following = self.machine.run(self.binary.program.decode, self.position, [self.binary.row(token)])
        self.position += 1
        return following
