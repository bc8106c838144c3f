"""One request on its way through the cluster."""

from __future__ import annotations

from collections.abc import Sequence


class Request:
    """`target`: tokens that must be in the cache before the next token comes out: the prompt, and after a
    pre-emption what was generated too. `todo`: output tokens still to come. `left`: tokens of the target that are
    still to be computed. `given`: tokens that come with it and need not be computed.
    `away`: tokens of its cache that are in the host's memory."""

    __slots__ = (
        "arrival_s", "away", "base", "blocks", "finish", "given", "hashes", "held", "last_s", "left", "number", "order",
        "output", "priority", "prompt", "target", "todo",
    )  # fmt: skip

    def __init__(
        self, number: int, arrival_s: float, prompt: int, output: int,
        hashes: Sequence[int] = (), priority: int = 0,
    ) -> None:  # fmt: skip
        self.number, self.arrival_s, self.prompt, self.output = number, arrival_s, prompt, output
        self.hashes, self.priority = hashes, priority
        self.target, self.left, self.todo = prompt, prompt, output
        self.given = self.away = 0
        self.blocks = 0  # of the KV cache, that it holds
        self.held = 0  # of them, those it shares by their hash
        self.base = self.finish = self.order = -1
        self.last_s = 0.0

    def start_again(self) -> None:
        """On another engine: the prompt, and what users have already seen, are to be computed."""
        self.target = self.left = self.prompt + self.output - self.todo
        self.given = self.away = self.blocks = self.held = 0
        self.base = self.finish = self.order = -1
