"""Blocks of KV cache. Free ones are handed out in the order in which they came back, so that what was in them can be
found again until they are handed out: by the request that was pre-empted, or by any prompt with the same hashes.

As vLLM's block pool: a request gives its blocks back last first, so that the beginning of a prompt stays longest.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

from .request import Request


class Cache:
    """`free` blocks of `blocks`. The order of the free ones is kept only while somebody may look for them."""

    def __init__(self, blocks: int, block_tokens: int, prefix_cache: bool = True) -> None:
        self.blocks, self.free = blocks, blocks
        self._block_tokens, self._caching = block_tokens, prefix_cache
        # Free blocks, oldest first: whose they were, and how many. Empty: nobody's.
        self._order: OrderedDict[Hashable, int] = OrderedDict()
        self._wanted = 0  # pre-empted requests among them

    @property
    def used(self) -> int:
        return self.blocks - self.free

    def take(self, count: int) -> None:
        """Hand out `count` free blocks."""
        self.free -= count
        order = self._order
        while count and order:
            key, have = next(iter(order.items()))
            if have > count:
                order[key] = have - count
                return
            count -= have
            self._drop(key)

    def give(self, request: Request) -> None:
        """Take back all blocks of a request that is done."""
        count, request.blocks = request.blocks, 0
        self.free += count
        if self._order and count:
            self._order[object()] = count

    def keep(self, request: Request, tokens: int) -> None:
        """Take back the blocks of a pre-empted request, which will look for its `tokens` again."""
        count, request.blocks = request.blocks, 0
        full = tokens // self._block_tokens
        if self._caching and full:
            if not self._order and self.free:
                self._order[object()] = self.free
            if count > full:
                self._order[object()] = count - full
            self._order[request] = full
            self._wanted += 1
        elif self._order and count:
            self._order[object()] = count
        self.free += count

    def found(self, request: Request) -> int:
        """Blocks at the beginning of what the request wants in the cache that are still there."""
        left = self._order.get(request, 0) if self._wanted else 0
        return min(left, (request.target - 1) // self._block_tokens)  # the last token is always computed

    def reclaim(self, request: Request) -> int:
        """Give those blocks back to the request; how many there were."""
        count = self.found(request)
        if self._wanted and request in self._order:
            rest = self._order[request] - count
            self._drop(request)
            if rest and self._order:
                self._order[object()] = rest
        self.free -= count
        request.blocks = count
        return count

    def _drop(self, key: Hashable) -> None:
        del self._order[key]
        if isinstance(key, Request):
            self._wanted -= 1
            if not self._wanted:
                self._order.clear()
