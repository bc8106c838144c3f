"""A cache in which prompts share what they begin with, told by the hashes of their pieces."""

from __future__ import annotations

from collections.abc import Hashable

from .cache import Cache
from .request import Request


class PrefixCache(Cache):
    """A piece is `piece_tokens` tokens of a prompt, whole; its hash stands for it and all before it. Pieces in use are
    counted by user; a free one is there until one of its blocks is handed out."""

    def __init__(self, blocks: int, block_tokens: int, piece_tokens: int) -> None:
        super().__init__(blocks, block_tokens)
        self._piece_tokens, self._each = piece_tokens, piece_tokens // block_tokens
        self._users: dict[int, int] = {}
        self._order[object()] = blocks

    def hits(self, request: Request) -> int:
        """Pieces at the beginning of the prompt that are there."""
        users, order = self._users, self._order
        for i, piece in enumerate(request.hashes):
            if piece not in users and order.get(piece) != self._each:
                return i
        return len(request.hashes)

    def _needed(self, request: Request) -> int:
        """Pieces in use take no room; free ones, and all that is not there, do."""
        used = sum(piece in self._users for piece in request.hashes[: self.hits(request)])
        return super()._needed(request) - used * self._each

    def reclaim(self, request: Request) -> int:
        hits = self.hits(request)
        for piece in request.hashes[:hits]:
            if piece not in self._users:
                del self._order[piece]
                self.free -= self._each
            self._users[piece] = self._users.get(piece, 0) + 1
        request.held, request.blocks = hits, hits * self._each
        own = self._order.pop(request, 0)  # what it computed itself, before it was pre-empted
        if own and hits == len(request.hashes):
            self.free -= own
            request.blocks += own
        elif own:
            self._order[object()] = own
        return min(request.blocks, (request.target - 1) // self._block_tokens) * self._block_tokens

    def computed(self, request: Request, tokens: int) -> None:
        while request.held < len(request.hashes) and (request.held + 1) * self._piece_tokens <= tokens:
            piece = request.hashes[request.held]
            if piece in self._users:  # somebody computed the same at the same time: the rest is its own
                request.hashes = request.hashes[: request.held]
                return
            if stale := self._order.pop(piece, 0):
                self._order[object()] = stale
            self._users[piece] = 1
            request.held += 1

    def give(self, request: Request) -> None:
        self._back(object(), request.blocks - request.held * self._each)
        self._let_go(request)

    def keep(self, request: Request, tokens: int) -> None:
        held = request.held * self._each
        full = max(tokens // self._block_tokens - held, 0)
        self._back(object(), request.blocks - held - full)
        self._back(request, full)
        self._let_go(request)

    def _let_go(self, request: Request) -> None:
        """Pieces that nobody else uses become free, the last one first."""
        for piece in reversed(request.hashes[: request.held]):
            self._users[piece] -= 1
            if not self._users[piece]:
                del self._users[piece]
                self._back(piece, self._each)
        request.held = request.blocks = 0

    def _back(self, key: Hashable, count: int) -> None:
        self.free += count
        if count:
            self._order[key] = count

    def _drop(self, key: Hashable) -> None:
        del self._order[key]


def cache(blocks: int, block_tokens: int, keeping: bool, piece_tokens: int) -> Cache:
    """`piece_tokens`: 0 where prompts have no hashes."""
    if piece_tokens and keeping:
        return PrefixCache(blocks, block_tokens, piece_tokens)
    return Cache(blocks, block_tokens, keeping)
