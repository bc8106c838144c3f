"""Several conversations on one machine: each has its place in the memory, and a step decodes a token of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from ..errors import InputError
from ..families.tensor.start import Start
from .binary import Binary
from .session import check_prompt, chunks


class Machine(Protocol):
    """What runs a program for several sequences: the golden model, or the RTL in its simulator."""

    def start(self, given: Start) -> list[int]: ...


@dataclass
class Sequence:
    """A conversation: its place, tokens in its cache, and the token that comes next."""

    place: int
    position: int
    token: int


class Together:
    """Feeds one machine. Who comes takes a free place; a step is of any sequences, up to the core's columns."""

    def __init__(self, binary: Binary, machine: Machine) -> None:
        self.binary, self.machine = binary, machine
        self._free = list(range(binary.memory.sequences))

    def generate(self, prompts: list[list[int]], count: int) -> Iterator[list[int]]:
        """Up to `count` greedy tokens after each of `prompts`, a token of each at a time."""
        self._check(len(prompts))
        for prompt in prompts:
            check_prompt(self.binary, prompt, count)
        sequences: list[Sequence] = []
        try:
            for prompt in prompts:
                sequences.append(self.enter(prompt, count))
            for _ in range(count):
                yield self.step(sequences)
        finally:  # also where no place was free for all, or nobody asks for more
            for each in sequences:
                self.leave(each)

    def enter(self, prompt: list[int], count: int) -> Sequence:
        """A sequence with all of `prompt` but its last token in its cache, which has room for `count` more."""
        check_prompt(self.binary, prompt, count)
        if not self._free:
            raise InputError(
                f"all {self.binary.memory.sequences} places of the memory have a sequence (let one leave, or compile "
                "for more sequences)"
            )
        one = Sequence(self._free.pop(0), len(prompt) - 1, prompt[-1])
        for start, chunk in chunks(self.binary, prompt):
            self._run(self.binary.program.prefill, (start,), chunk, [one])
        return one

    def leave(self, one: Sequence) -> None:
        """Its place is free."""
        self._free.append(one.place)

    def step(self, sequences: list[Sequence]) -> list[int]:
        """Each sequence's token goes into its cache; its next one."""
        self._check(len(sequences))
        for one in sequences:
            if one.position >= self.binary.memory.context:
                raise InputError(
                    f"the sequence in place {one.place} has {one.position} tokens, all that its KV cache holds (let it "
                    "leave, or compile for more context)"
                )
        positions, tokens = tuple(s.position for s in sequences), [s.token for s in sequences]
        following = self._run(self.binary.program.batch, positions, tokens, sequences)
        for one, token in zip(sequences, following, strict=True):
            one.position, one.token = one.position + 1, token
        return following

    def _run(self, entry: int, positions: tuple[int, ...], tokens: list[int], of: list[Sequence]) -> list[int]:
        caches = tuple(self.binary.memory.cache_of(s.place) for s in of)
        return self.machine.start(Start(entry, positions, tuple(self.binary.row(t) for t in tokens), caches))

    def _check(self, count: int) -> None:
        most = self.binary.program.together
        if not 1 <= count <= most:
            raise InputError(f"{count} sequences a step, but the core decodes 1 to {most} of {self.binary.network}")
