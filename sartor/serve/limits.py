"""What a serving engine may hold and do in one step; names and meanings as in vLLM's scheduler."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from ..errors import InputError

Policy = Literal["fcfs", "priority"]
POLICIES = get_args(Policy)


@dataclass(frozen=True)
class Limits:
    """Of one engine, which schedules one replica (or one of its pipeline's streams of batches).

    `blocks` of `block_tokens` tokens hold the KV cache. A step takes at most `batch_tokens` tokens of at most
    `max_seqs` requests, and at most `chunk_tokens` of one prompt (0: as many as there are). `ahead`: steps that
    are scheduled before the results of the one before are known (vLLM's asynchronous scheduling: 1).
    `piece_tokens`: of a prompt's piece that has a hash of its own; 0: prompts share nothing.
    `swap_s`: to move the cache of one token to the host's memory, or back; None: what is pre-empted is computed again.
    """

    blocks: int
    max_seqs: int = 256
    batch_tokens: int = 2048
    block_tokens: int = 16
    chunk_tokens: int = 0
    ahead: int = 1
    prefix_cache: bool = True
    piece_tokens: int = 0
    swap_s: float | None = None
    policy: Policy = "fcfs"

    def __post_init__(self) -> None:
        for name in ("blocks", "max_seqs", "batch_tokens", "block_tokens"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} = {getattr(self, name)} must be at least 1")
        if self.batch_tokens < self.max_seqs:
            raise InputError(
                f"batch_tokens = {self.batch_tokens} is below max_seqs = {self.max_seqs}: each request that "
                "decodes takes a token of a step (try more batch_tokens or fewer max_seqs)"
            )
        if self.piece_tokens % self.block_tokens:
            raise InputError(
                f"block_tokens = {self.block_tokens} does not divide the {self.piece_tokens} tokens that each hash of "
                "the trace stands for (try 16)"
            )
        if self.ahead not in (0, 1):
            raise InputError(f"ahead = {self.ahead} must be 0 or 1")

    @property
    def tokens(self) -> int:
        """Tokens that the KV cache holds."""
        return self.blocks * self.block_tokens

    def blocks_for(self, tokens: int) -> int:
        """Blocks that hold `tokens` of one request."""
        return -(-tokens // self.block_tokens)
