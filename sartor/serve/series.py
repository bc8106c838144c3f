"""What happened in each second: sums over the runs of all engines, kept as they come, so that memory grows with the
length of the trace in seconds and not with its requests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# Spread evenly over a run, so that each second has its share. `busy`: engines; the last three are averages over time.
SUMS = ("busy", "steps", "decode_tokens", "prompt_tokens", "energy_j", "running", "waiting", "used_blocks")


class Series:
    """Bins of `width_s` seconds."""

    def __init__(self, width_s: float = 1.0) -> None:
        self.width_s = width_s
        self._sums = np.zeros((len(SUMS), 0))

    def add(self, start_s: np.ndarray, end_s: np.ndarray, sums: np.ndarray) -> None:
        """Runs [runs] with what they add up to, [sums, runs]."""
        first = (start_s // self.width_s).astype(int)
        last = (end_s // self.width_s).astype(int)
        self._grow(int(last.max()) + 2)
        rates = sums / np.maximum(end_s - start_s, 1e-12)
        head = np.minimum(end_s, (first + 1) * self.width_s) - start_s
        tail = np.where(last > first, end_s - last * self.width_s, 0.0)
        whole = rates * self.width_s
        for row, rate, full in zip(self._sums, rates, whole, strict=True):
            row += np.bincount(first, rate * head, len(row)) + np.bincount(last, rate * tail, len(row))
            # A full bin between the first and the last: put on after the first, taken off at the last.
            inner = last > first + 1
            steps = np.bincount(first[inner] + 1, full[inner], len(row))
            row += np.cumsum(steps - np.bincount(last[inner], full[inner], len(row)))

    def _grow(self, bins: int) -> None:
        have = self._sums.shape[1]
        if bins > have:
            wider = np.zeros((len(SUMS), max(bins, 2 * have)))
            wider[:, :have] = self._sums
            self._sums = wider

    def columns(self, until_s: float) -> dict[str, np.ndarray]:
        """[seconds], up to `until_s`: each second's sums; averages as such."""
        bins = int(until_s // self.width_s) + 1
        self._grow(bins)
        found = dict(zip(SUMS, self._sums[:, :bins], strict=True))
        averages = {name: found[name] / self.width_s for name in ("busy", "running", "waiting", "used_blocks")}
        return {"second_s": np.arange(bins) * self.width_s, **found, **averages}


def sums_of(runs: Sequence[tuple]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Engines, starts, ends and what `Series.add` wants of the runs of a book."""
    columns = np.array(runs, float).T
    engine, start, end, steps, decoding, prompt, running, waiting, used, joules = columns
    length = end - start
    return engine.astype(int), start, end, np.stack(
        [length, steps, decoding * steps, prompt, joules, running * length, waiting * length, used * length]
    )
