"""What the host writes before a run: the same words for the hardware, its simulator and the golden model."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Start:
    """A run from instruction `entry`. Of each sequence: `positions`, its tokens in the cache, and `caches`, how many
    words its KV cache lies behind the first one (none given: nothing). `rows`: memory addresses of the embedding rows
    of tokens, one a sequence, or a chunk of one sequence.

    >>> Start(7, (40, 3), (100, 108), (0, 512)).batch
    2
    """

    entry: int
    positions: tuple[int, ...]
    rows: tuple[int, ...]
    caches: tuple[int, ...] = ()

    @property
    def batch(self) -> int:
        """Sequences of the run."""
        return len(self.positions)

    def column(self, index: int) -> tuple[int, int, int]:
        """Position, cache and row of one column; 0 where nothing was said of it.

        >>> Start(0, (40,), (100, 108)).column(1)
        (0, 0, 108)
        """
        return tuple(v[index] if index < len(v) else 0 for v in (self.positions, self.caches, self.rows))  # type: ignore[return-value]
