"""What unequal contexts cost: attention over requests of unequal contexts takes longer than over as many of their mean.

t = t(mean) + alpha (t(longest) - t(mean)), alpha measured by bucket: skew_fit.csv beside the layers' tables.
Source: LLMServingSim 2.0, docs/profiler/skew-alpha-fit.md, 2026-08.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path

from ..errors import BrokenFile, InputError

_COLUMNS = ("pc", "n_label", "skew_rate_label", "kv_big_label", "kp_label", "alpha", "n_samples")
_RATES = ((0.05, "sr<=5%"), (0.15, "sr<=15%"), (0.40, "sr<=40%"), (0.70, "sr<=70%"), (math.inf, "sr>70%"))
_BIG = ((1024, "kvB<=1k"), (4096, "kvB<=4k"), (16384, "kvB<=16k"), (math.inf, "kvB>16k"))
_CACHED = (
    (0, "kp=0"), (512, "kp<=512"), (1024, "kp<=1k"), (2048, "kp<=2k"), (4096, "kp<=4k"), (8192, "kp<=8k"),
    (math.inf, "kp>8k"),
)  # fmt: skip
_MOST = 256  # decoding; beyond, one bucket


@dataclass(frozen=True)
class Skew:
    """`alpha` by bucket; `mean` over the buckets of each number of prompt tokens, for a bucket without measurement."""

    alpha: dict[tuple[int, str, str, str, str], float]
    mean: dict[int, float]

    def of(self, tokens: int, cached: float, n: int, mean: float, spread: tuple[int, int]) -> float:
        """`tokens` of prompts in the step, `cached` before them; `n` decode, with `mean` context."""
        low, high = spread
        measured = self._nearest(tokens)
        rate = (mean - low) / (high - low)  # the share of long ones, if all were short or long
        key = (measured, _many(n), _bucket(_RATES, rate), _bucket(_BIG, high), _bucket(_CACHED, cached))
        return self.alpha.get(key, self.mean[measured])

    def _nearest(self, tokens: int) -> int:
        if not tokens or len(self.mean) == 1:
            return 0
        return min((t for t in self.mean if t), key=lambda t: abs(math.log(t / tokens)))


def read_skew(folder: Path) -> Skew | None:
    """The table beside the layers' tables; None where there is none or its makers switched it off in meta.yaml."""
    if not (folder / "skew_fit.csv").is_file() or not _enabled(folder.parent / "meta.yaml"):
        return None
    rows = _rows(folder / "skew_fit.csv")
    alpha = {(int(r["pc"]), *(r[c] for c in _COLUMNS[1:5])): float(r["alpha"]) for r in rows}
    sums: dict[int, tuple[float, float]] = {}
    for r in rows:
        total, weight = sums.get(int(r["pc"]), (0.0, 0.0))
        sums[int(r["pc"])] = (total + float(r["alpha"]) * float(r["n_samples"]), weight + float(r["n_samples"]))
    return Skew(alpha, {tokens: total / weight for tokens, (total, weight) in sums.items()})  # type: ignore[arg-type]


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows or any(c not in rows[0] for c in _COLUMNS):
        raise BrokenFile(f"{path}: needs the columns {', '.join(_COLUMNS)}")
    return rows


def _enabled(meta: Path) -> bool:
    """What stands under `skew_fit:` as `enabled:`."""
    try:
        lines = meta.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{meta}: cannot be read: {error}") from None
    inside = False
    for line in lines:
        if not line.startswith(" "):
            inside = line.startswith("skew_fit:")
        elif inside and line.strip().startswith("enabled:"):
            return line.split(":", 1)[1].strip() == "true"
    return False


def _bucket(bounds: tuple[tuple[float, str], ...], value: float) -> str:
    return next(name for bound, name in bounds if value <= bound)


def _many(n: int) -> str:
    """
    >>> _many(2), _many(100), _many(300)
    ('n<=2', 'n<=128', 'n>256')
    """
    return f"n>{_MOST}" if n > _MOST else f"n<={max(2, 1 << (n - 1).bit_length())}"
