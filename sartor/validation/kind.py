"""What a kind of validation is. Each is one file of this folder and one line in `KINDS` (`validate.py`)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

Inputs = Mapping[str, Any]
Measured = Mapping[str, float]


@dataclass(frozen=True)
class Column:
    """One column of a file: our name for it, and how its text or number is read."""

    name: str
    unit: str = ""  # of a measured column
    whole: bool = False  # a whole number of at least 1
    optional: bool = False
    number: bool = False  # of an input: where given, a number of at least 0
    count: bool = False  # of an input: where given, a whole number; 0 says nothing
    also: Mapping[str, str] = field(default_factory=dict)  # other names that files have for it, each with its unit
    instead: bool = False  # says what another column says in another way: nobody misses it


@dataclass(frozen=True)
class Form:
    """One form of file. Predicting sees the `inputs` and nothing else; `measured` are what it is judged by, and
    `beside` what was measured too and only helps to tell a wrong unit; `fixed` is the same for all rows."""

    name: str
    inputs: Mapping[str, Column]
    measured: Mapping[str, Column]
    beside: Mapping[str, Column] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    mend: Callable[[Row], Row] = lambda row: row  # for what is known of the instrument; no prediction is at hand


@dataclass(frozen=True)
class Row:
    """One measurement, taken apart."""

    where: str
    inputs: Inputs
    measured: Measured
    beside: Measured
    # By quantity: errors that a perfect estimate would have, because of how it was read, and the chance of each.
    least: Mapping[str, tuple[tuple[float, float], ...]] = field(default_factory=dict)
    unjudged: str = ""  # why a measured quantity is not there
    # By quantity: from where to where it may lie, however far from what is predicted: no wrong unit is told there.
    may: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def spread(self) -> float:
        """Half the logarithm of the range, `low` to `high`, that its figure is published with; 0 where it has none."""
        low, high = (self.beside.get(end, 0.0) for end in ("low", "high"))
        return math.log(high / low) / 2 if 0 < low < high else 0.0


@dataclass(frozen=True)
class Refused:
    """The estimate does not stand for this row, and why."""

    reason: str


Prediction = Mapping[str, float] | Refused


class Kind(Protocol):
    """One kind of number that is checked against measurements."""

    def default(self) -> list[Path]:
        """The measurements that come with the package; none: they must be given."""
        ...

    def form(self, row: Mapping[str, Any]) -> Form | str:
        """The form that `row` is in, or why it is none of them."""
        ...

    def impossible(self, rows: Sequence[Row]) -> Sequence[str | None]:
        """Why no measurement can be as each of `rows` says; None where it can."""
        ...

    def predict(self, rows: Sequence[Inputs]) -> Iterable[Prediction]:
        """One prediction a row, by the names of the measured quantities."""
        ...

    def labels(self, inputs: Inputs) -> Mapping[str, str]:
        """What a row is counted under: first its kind, then chip, format and so on."""
        ...
