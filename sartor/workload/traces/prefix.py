"""How much of the prompts an infinite prefix cache would have held."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

BLOCK_TOKENS = 512  # Mooncake's block; Source: traces/README of the FAST'25 release


class PrefixCache:
    """An infinite cache of prompt blocks by hash: it only grows, so what it finds is an upper bound."""

    def __init__(self, block_tokens: int = BLOCK_TOKENS) -> None:
        self.block_tokens = block_tokens
        self.seen: set = set()
        self.hit_tokens = 0
        self.prompt_tokens = 0

    def add(self, hashes: Iterable, prompt_tokens: int) -> None:
        """Count the leading blocks already seen, then keep all; the last block may be only partly filled."""
        hashes = list(hashes)
        hits = next((i for i, h in enumerate(hashes) if h not in self.seen), len(hashes))
        self.seen.update(hashes)
        self.hit_tokens += min(hits * self.block_tokens, prompt_tokens)
        self.prompt_tokens += prompt_tokens

    @property
    def hit(self) -> float:
        """The fraction of prompt tokens found; 0 where there was no prompt."""
        return self.hit_tokens / self.prompt_tokens if self.prompt_tokens else 0.0


def prefix_hit(prompts: Sequence[tuple[Iterable, int]], block_tokens: int = BLOCK_TOKENS) -> float:
    """The fraction of prompt tokens found, of (block hashes, prompt tokens) in order of arrival.

    >>> prefix_hit([((1, 2), 1024), ((1, 3), 1024)])
    0.25
    """
    cache = PrefixCache(block_tokens)
    for hashes, tokens in prompts:
        cache.add(hashes, tokens)
    return cache.hit
