"""Blocks of KV cache. Free ones are handed out in the order in which they came back, so that what was in them can be
found again until they are handed out.

As vLLM's block pool: a request gives its blocks back last first, so that the beginning of a prompt stays longest.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

from .request import Request


class Cache:
    """`free` blocks of `blocks`. What was in free ones is of use to pre-empted requests only; the order of the free
    ones is kept only while there are any."""

    def __init__(self, blocks: int, block_tokens: int, keeping: bool = True) -> None:
        self.blocks, self.free = blocks, blocks
        self._block_tokens, self._keeping = block_tokens, keeping
        # Free blocks, oldest first: whose they were, and how many. Empty: nobody's.
        self._order: OrderedDict[Hashable, int] = OrderedDict()
        self._wanted = 0  # pre-empted requests among them

    def room(self, request: Request) -> bool:
        """Whether all that `request` wants in the cache fits."""
        return self._needed(request) <= self.free

    def _needed(self, request: Request) -> int:
        return -(-request.target // self._block_tokens)

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
        self._back(object(), count)

    def keep(self, request: Request, tokens: int) -> None:
        """Take back the blocks of a pre-empted request, which will look for its `tokens` again."""
        count, request.blocks = request.blocks, 0
        full = tokens // self._block_tokens if self._keeping else 0
        if full and not self._order and self.free:
            self._order[object()] = self.free
        if full:
            self._order[object()] = count - full
            self._order[request] = full
            self.free += count
            self._wanted += 1
        else:
            self._back(object(), count)

    def _back(self, key: Hashable, count: int) -> None:
        self.free += count
        if self._order and count:
            self._order[key] = count

    def reclaim(self, request: Request) -> int:
        """Give `request` the blocks at its beginning that are still there; how many tokens need not be computed."""
        have = self._order.get(request, 0) if self._wanted else 0
        if not have:
            return 0
        self._drop(request)
        request.blocks = min(have, (request.target - 1) // self._block_tokens)  # the last token is always computed
        self.free -= request.blocks
        if have > request.blocks and self._order:
            self._order[object()] = have - request.blocks
        return request.blocks * self._block_tokens

    def computed(self, request: Request, tokens: int) -> None:
        """`tokens` of the request are in its blocks: others may use them."""

    def _drop(self, key: Hashable) -> None:
        del self._order[key]
        if isinstance(key, Request):
            self._wanted -= 1
            if not self._wanted:
                self._order.clear()
