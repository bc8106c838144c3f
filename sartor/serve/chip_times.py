"""Times of a step on a chip, looked up in the table made from its estimate."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from .chip_table import ChipTable
from .times import Chunk, Line, Spread

_BEYOND = 1 << 20  # steps at once beyond the table's last context


class ChipTimes:
    """Plain lists, because one number is looked up at a time. Between the table's points, straight lines."""

    wants_spread = False

    def __init__(self, table: ChipTable) -> None:
        self._contexts = table.contexts.tolist()
        self._chunks = table.chunks.tolist()
        self._decode_s, self._decode_j = (a.tolist() for a in table.decode)
        self._prompt_s, self._prompt_j = (a.tolist() for a in table.prompt)
        self._cached_s, self._cached_j = (a.tolist() for a in table.cached)
        self._shared_s, self._shared_j = (a.tolist() for a in table.shared)
        self._head_s, self._head_j = (a.tolist() for a in table.head)

    def line(self, n: int, context: int, spread: Spread) -> Line:
        knots, mean = self._contexts, context / n
        i = bisect_right(knots, mean)
        steps = int(knots[i] - mean) + 1 if i < len(knots) else _BEYOND
        i = min(i, len(knots) - 1)
        low, width = knots[i - 1], knots[i] - knots[i - 1]
        seconds, joules = self._decode_s[n], self._decode_j[n]
        s_more = (seconds[i] - seconds[i - 1]) / width
        j_more = (joules[i] - joules[i - 1]) / width
        beyond = mean - low
        return Line(seconds[i - 1] + s_more * beyond, s_more, joules[i - 1] + j_more * beyond, j_more, steps)

    def step(self, chunks: Sequence[Chunk], n: int, context: int, spread: Spread) -> tuple[float, float]:
        seconds = joules = 0.0
        if n:
            line = self.line(n, context, spread)
            seconds, joules = line.s, line.j
        for tokens, cached in chunks:
            seconds += self._prompt_s[tokens]
            joules += self._prompt_j[tokens]
            if cached:
                more_s, more_j = self._after(tokens, cached)
                seconds += more_s
                joules += more_j
        if len(chunks) + bool(n) > 1:
            saved_s, saved_j = self._saved(chunks, n)
            seconds -= saved_s
            joules -= saved_j
        return seconds, joules

    def _saved(self, chunks: Sequence[Chunk], n: int) -> tuple[float, float]:
        """By passing the matrices together."""
        shared_s, shared_j, tokens = self._shared_s[n], self._shared_j[n], n
        for count, _ in chunks:
            shared_s += self._shared_s[count]
            shared_j += self._shared_j[count]
            tokens += count
        one_s, one_j, many = self._head_s[1], self._head_j[1], len(chunks)
        all_ = min(n + many, len(self._head_s) - 1)
        return (
            shared_s - self._shared_s[tokens] + self._head_s[n] + many * one_s - self._head_s[all_],
            shared_j - self._shared_j[tokens] + self._head_j[n] + many * one_j - self._head_j[all_],
        )

    def _after(self, tokens: int, cached: int) -> tuple[float, float]:
        """What `cached` tokens before a chunk add to it; beyond the table, on along the last piece."""
        knots, sizes = self._contexts, self._chunks
        i = min(bisect_right(knots, cached), len(knots) - 1)
        x = (cached - knots[i - 1]) / (knots[i] - knots[i - 1])
        k = min(bisect_right(sizes, tokens), len(sizes) - 1)
        y = (tokens - sizes[k - 1]) / (sizes[k] - sizes[k - 1])
        return _between(self._cached_s, i, x, k, y), _between(self._cached_j, i, x, k, y)


def _between(table: list[list[float]], i: int, x: float, k: int, y: float) -> float:
    low, high = table[k - 1], table[k]
    first = low[i - 1] + x * (low[i] - low[i - 1])
    return first + y * (high[i - 1] + x * (high[i] - high[i - 1]) - first)
