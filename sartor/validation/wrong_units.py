"""Measurements a thousand times what is predicted, or a thousandth: their unit is wrong.

No estimate that we have is off by more than a factor of twenty; milliseconds taken for seconds are off by a thousand.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from .kind import Measured, Prediction, Refused

May = Mapping[str, tuple[float, float]]
NOWHERE: May = MappingProxyType({})
READ = " as read"  # behind a quantity that is there twice
OFF = 2.5  # decimal orders of magnitude beyond which no estimate is off; half as many where its column is named
MOST = 0.5  # share of a file's rows that must be off alike before its column is named
ELSE = "its column is in another unit"
_FACTORS = {-3: "a billionth of", -2: "a millionth of", -1: "a thousandth of",
            1: "a thousand times", 2: "a million times", 3: "a billion times"}  # fmt: skip


def why(predicted: Mapping[str, float], measured: Measured, may: May = NOWHERE) -> str | None:
    """Why a row is not judged: one of its quantities is out of all proportion, and not where it `may` be all the same;
    None where none is.

    >>> why({"latency": 1e-3}, {"latency": 1.2})
    'latency is a thousand times what is predicted: its unit is wrong'
    >>> why({"latency": 1e-3}, {"latency": 2e-2}) is None, why({"ttft": 1.0}, {"ttft": 400.0}, {"ttft": (0.01, 500.0)})
    (True, None)
    """
    for quantity, value in measured.items():
        if _may(may, quantity, value):
            continue
        if predicted.get(quantity, 0.0) > 0 and abs(_orders(value, predicted[quantity])) >= OFF:
            return f"{quantity} is {factor(value, predicted[quantity])} what is predicted: its unit is wrong"
    return None


def factor(measured: float, predicted: float) -> str:
    """How far off, in words."""
    orders = _orders(measured, predicted)
    words = _FACTORS.get(round(orders / 3))
    return words if words and abs(orders) >= OFF else f"{measured / predicted:.2g} times"


def named(rows: Iterable[tuple[Measured, Prediction, May]]) -> dict[str, str]:
    """The columns that are off alike in most of a file's `rows`, by what each is. A value that is off and may be says
    nothing either way."""
    of: Counter[str] = Counter()
    off: Counter[tuple[str, str]] = Counter()
    for measured, predicted, may in rows:
        if isinstance(predicted, Refused):
            continue
        words = {
            quantity.removesuffix(READ): factor(value, predicted[quantity])
            for quantity, value in measured.items()
            if 0 < predicted.get(quantity, 0.0) < math.inf
            and not (_may(may, quantity, value) and abs(_orders(value, predicted[quantity])) >= OFF)
        }
        of.update(words.keys())
        off.update(words.items())
    return {
        quantity: f"{quantity} is {words} what is predicted in {n} of {of[quantity]} rows: {ELSE}"
        for (quantity, words), n in off.most_common()
        if words in _FACTORS.values() and n > MOST * of[quantity]
    }


def doubted(quantity: str, measured: float, predicted: float, columns: Mapping[str, str]) -> bool:
    """Whether a row that is not off enough by itself has its value from a column that is in another unit.

    >>> [doubted("latency", s, 1e-3, {"latency": "its column is in another unit"}) for s in (0.25, 2e-3)]
    [True, False]
    """
    return quantity.removesuffix(READ) in columns and abs(_orders(measured, predicted)) > OFF / 2


def _may(may: May, quantity: str, value: float) -> bool:
    least, most = may.get(quantity, (math.inf, 0.0))
    return least <= value <= most


def _orders(measured: float, predicted: float) -> float:
    return math.log10(measured / predicted)
