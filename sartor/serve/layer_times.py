"""Times of a step from measured layers, as a real engine runs them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np

from .layers import Layers
from .skew import Skew
from .times import Chunk, Line, Spread

_BEYOND = 4096  # steps at once where the table's last piece goes on


def graph_sizes(largest: int) -> list[int]:
    """Batches for which vLLM captures a CUDA graph: a step of fewer tokens runs as the next larger one.

    Source: vLLM 0.19, config/vllm.py, _set_cudagraph_sizes.

    >>> graph_sizes(24), graph_sizes(512)[-3:]
    ([1, 2, 4, 8, 16, 24], [480, 496, 512])
    """
    return [n for n in (1, 2, 4, *range(8, 257, 8), *range(272, largest + 1, 16)) if n <= largest]


class LayerTimes:
    """Steps of one engine on measured chips. `graphs`: sizes of the captured graphs; no energy was measured."""

    def __init__(self, layers: Layers, graphs: Sequence[int] = (), skew: Skew | None = None) -> None:
        sizes = sorted(graphs)
        padded = [sizes[_at_least(sizes, t)] if sizes and 0 < t <= sizes[-1] else t for t in range(len(layers.dense_s))]
        self._dense = layers.dense_s[padded].tolist()
        self._sequence = layers.sequence_s.tolist()
        self._axes = [axis.tolist() for axis in layers.axes]
        self._attention = layers.attention_s
        self._skew = skew

    @property
    def wants_spread(self) -> bool:
        return self._skew is not None

    def step(self, chunks: Sequence[Chunk], n: int, context: int, spread: Spread) -> tuple[float, float]:
        tokens = sum(c for c, _ in chunks)
        seconds = self._dense[tokens + n] + self._sequence[len(chunks) + n]
        # Prompts together are as one prompt with the same products of queries and keys.
        products = sum(c * (k + c / 2) for c, k in chunks)
        cached = products / tokens - tokens / 2 if tokens else 0.0
        seconds += self._mixed(tokens, max(cached, 0.0), n, context / n if n else 0.0, spread)
        if cached < 0:
            seconds -= self._look_up(tokens, 0.0, 0, 0.0) * (1 - products / (tokens * tokens / 2))
        return seconds, 0.0

    def _mixed(self, tokens: int, cached: float, n: int, mean: float, spread: Spread) -> float:
        """Attention of one step."""
        seconds = self._look_up(tokens, cached, n, mean)
        if self._skew and n > 1 and spread[1] > spread[0]:
            longest = self._look_up(tokens, cached, n, spread[1])
            seconds += self._skew.of(tokens, cached, n, mean, spread) * max(longest - seconds, 0.0)
        return seconds

    def line(self, n: int, context: int, spread: Spread) -> Line:
        mean = context / n
        steps = self._to_knot(mean)
        if self._skew:
            steps = min(steps, self._to_knot(spread[1]))
        fixed = self._dense[n] + self._sequence[n]
        first = self._mixed(0, 0.0, n, mean, spread)
        later = self._mixed(0, 0.0, n, mean + steps, (spread[0] + steps, spread[1] + steps))
        return Line(fixed + first, (later - first) / steps, 0.0, 0.0, steps)

    def _to_knot(self, context: float) -> int:
        """Steps until the context passes a point of the table."""
        axis = self._axes[3]
        i = bisect_right(axis, context)
        return int(axis[i] - context) + 1 if i < len(axis) else _BEYOND

    def _look_up(self, *at: float) -> float:
        """Attention, interpolated along four axes; beyond the last point, on along the last piece."""
        value = self._attention
        for axis, x in zip(self._axes, at, strict=True):
            i = min(bisect_right(axis, x), len(axis) - 1)
            share = (x - axis[i - 1]) / (axis[i] - axis[i - 1])
            value = value[i - 1] if share == 0 else value[i - 1] + share * (value[i] - value[i - 1])
        return float(value)


def _at_least(sizes: Sequence[int], value: int) -> int:
    return int(np.searchsorted(sizes, value))
