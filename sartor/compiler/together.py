"""Several conversations on one machine: each has its place in the memory, and a step decodes a token of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from ..errors import InputError
from ..families.tensor.start import Start
from .binary import Binary
from .session import check_prompt, chunk_at


class Machine(Protocol):
    """What runs a program for several sequences: the golden model, or the RTL in its simulator."""

    def start(self, given: Start) -> list[int]: ...


@dataclass(eq=False)
class Sequence:
    """A conversation: its place, tokens in its cache (`position`), and the token that goes into it next, once the
    others of its prompt are there."""

    place: int
    prompt: list[int]
    position: int
    token: int

    @property
    def is_fed(self) -> bool:
        """All of its prompt but the last token is in its cache."""
        return self.position >= len(self.prompt) - 1


class Together:
    """Feeds one machine. Who comes takes a free place; a pass is a chunk of one prompt, or a token of each of any
    sequences, up to the core's columns."""

    def __init__(self, binary: Binary, machine: Machine) -> None:
        self.binary, self.machine = binary, machine
        self._free = list(range(binary.memory.sequences))
        self._held: dict[int, Sequence] = {}

    def generate(self, prompts: list[list[int]], count: int) -> Iterator[list[int]]:
        """Up to `count` greedy tokens after each of `prompts`, a token of each at a time."""
        self._check_count(len(prompts))
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
        one = self.admit(prompt, count)
        try:
            while not one.is_fed:
                self.feed(one)
        except BaseException:
            self.leave(one)
            raise
        return one

    def admit(self, prompt: list[int], count: int) -> Sequence:
        """A sequence with a place, nothing in its cache yet."""
        check_prompt(self.binary, prompt, count)
        if not self._free:
            raise InputError(
                f"all {self.binary.memory.sequences} places of the memory have a sequence (let one leave, or compile "
                "for more sequences)"
            )
        one = Sequence(self._free.pop(0), prompt, 0, prompt[-1])
        self._held[one.place] = one
        return one

    def leave(self, one: Sequence) -> None:
        """Its place is free; who has left has none to free."""
        if self._held.get(one.place) is one:
            del self._held[one.place]
            self._free.append(one.place)

    def feed(self, one: Sequence) -> None:
        """The next chunk of its prompt goes into its cache."""
        self._check([one])
        if one.is_fed:
            raise InputError(f"the sequence in place {one.place} has all of its prompt but the last token in its cache "
                             "(a step gives what follows)")  # fmt: skip
        columns = self.binary.core.columns
        chunk = chunk_at(one.prompt, one.position, columns)
        self._run(self.binary.program.prefill, (one.position,), chunk, [one])
        one.position = min(one.position + columns, len(one.prompt) - 1)

    def step(self, sequences: list[Sequence]) -> list[int]:
        """Each sequence's token goes into its cache; its next one."""
        self._check_count(len(sequences))
        self._check(sequences)
        for one in sequences:
            if not one.is_fed:
                raise InputError(f"the sequence in place {one.place} has {one.position} tokens of its prompt in its "
                                 f"cache, not {len(one.prompt) - 1} (feed it first)")  # fmt: skip
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

    def _check(self, sequences: list[Sequence]) -> None:
        """Each once, in the place that it has taken: nobody writes where another's keys and values are."""
        for one in sequences:
            if self._held.get(one.place) is not one:
                raise InputError(f"the sequence of place {one.place} has left it (let it enter again)")
        if len({one.place for one in sequences}) < len(sequences):
            raise InputError("a sequence twice in one step (a step is a token of each)")

    def _check_count(self, count: int) -> None:
        most = self.binary.program.together
        if not 1 <= count <= most:
            raise InputError(f"{count} sequences a step, but the core decodes 1 to {most} of {self.binary.network}")
