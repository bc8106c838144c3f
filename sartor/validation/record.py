"""The errors on record: what each kind of number was off by when this was written, held out, as fitted, and unseen.

`sartor/data/measured/errors.csv`, one group of rows a line: kind, rows (held_out, fitted or unseen), group, n, median,
p90, worst, band. `band` is the half width of the 80 % band of the logarithm of measured over predicted. Written by
benchmarks/trust.py.
"""

from __future__ import annotations

import csv
import functools
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from ..tables import data_text
from .summary import MAIN, Pair, by_label, figures

FILE = "measured/errors.csv"
SHARE = 0.8
GROWTH = 1.1  # an error may grow by a tenth before a check fails
GRAIN = 0.0005  # and by this, the last digit that is printed


@dataclass(frozen=True)
class Recorded:
    """One group's errors, as fractions."""

    kind: str
    rows: str
    group: str
    n: int
    median: float
    p90: float
    worst: float
    band: float


def band(pairs: Sequence[Pair]) -> float:
    """Four in five measurements lie within this factor of what is predicted, as a logarithm: the 80 % quantile of their
    errors, by the estimate that is right in the median whatever they are distributed like (Hyndman and Fan 1996, their
    eighth): of few, further out than their own. Where what was measured is a range, of which a row is the middle, an
    independent error of that width is added."""
    logs = np.abs(np.log([p.measured / p.predicted for p in pairs]))
    return math.hypot(np.quantile(logs, SHARE, method="median_unbiased"), np.median([p.spread for p in pairs]))


def records(kind: str, rows: str, pairs: Sequence[Pair]) -> list[Recorded]:
    """One record a group of `pairs`: each kind of row, alone and by format, of each quantity."""
    found = []
    for group in by_label(pairs):
        members = [p for p in pairs if group in names(p)]
        if members:
            found.append(record(kind, rows, group, members))
    return found


def by_quantity(kind: str, rows: str, pairs: Sequence[Pair], form: str = "", label: str = "chip") -> list[Recorded]:
    """One record a quantity, of all chips (or what else `label` is) together and of each, where there is a label;
    `form` is put before its name."""
    groups: dict[str, list[Pair]] = {}
    for pair in pairs:
        for name in (pair.quantity, *([f"{pair.quantity} {pair.labels[label]}"] if label else ())):
            groups.setdefault(form + name, []).append(pair)
    return [record(kind, rows, group, groups[group]) for group in sorted(groups)]


def record(kind: str, rows: str, group: str, pairs: Sequence[Pair]) -> Recorded:
    """The errors of `pairs`, all of one group."""
    f = figures(pairs)
    median, p90, worst = (round(float(f[key]), 5) for key in ("median_ape", "p90_ape", "worst_ape"))
    return Recorded(kind, rows, group, f["n"], median, p90, worst, round(band(pairs), 5))


def by_chip(kind: str, rows: str, pairs: Sequence[Pair]) -> list[Recorded]:
    """One record a kind of row, chip and format."""
    groups: dict[str, list[Pair]] = {}
    for pair in pairs:
        groups.setdefault(" ".join(list(pair.labels.values())[:3]), []).append(pair)
    return [record(kind, rows, group, groups[group]) for group in sorted(groups)]


def names(pair: Pair) -> tuple[str, str]:
    """The groups of a pair that are put on record."""
    tail = "" if pair.quantity in MAIN else f" {pair.quantity}"
    kind, form = pair.labels["kind"], pair.labels["format"]
    return f"{kind}{tail}", f"{kind} {form}{tail}" if form else f"{kind}{tail}"


def written(found: Iterable[Recorded]) -> str:
    """The text of the table."""
    text = io.StringIO()
    out = csv.DictWriter(text, [f.name for f in fields(Recorded)], lineterminator="\n")
    out.writeheader()
    out.writerows(asdict(one) for one in found)
    return text.getvalue()


@functools.cache
def on_record() -> Mapping[tuple[str, str, str], Recorded]:
    """By kind, rows and group."""
    rows = csv.DictReader(data_text(FILE).splitlines())
    parse = {"n": int, "median": float, "p90": float, "worst": float, "band": float}
    found = [Recorded(**{k: parse.get(k, str)(v) for k, v in row.items()}) for row in rows]
    return {(one.kind, one.rows, one.group): one for one in found}


def beside(kind: str, group: str) -> dict[str, Any] | None:
    """The errors on record of such a group, on rows that no figure was fitted to; None where there are none.

    >>> beside("gpu", "decode bf16")["rows"], beside("rtl", "decode")
    ('held_out', None)
    """
    for rows in ("held_out", "unseen"):
        if one := on_record().get((kind, rows, group)):
            return {"rows": rows, "n": one.n, "median_ape": one.median, "p90_ape": one.p90}
    return None


def grown(now: Iterable[Recorded]) -> list[str]:
    """What of `now` is worse than its record by more than a tenth, or has none."""
    complaints = []
    for one in now:
        before = on_record().get((one.kind, one.rows, one.group))
        if before is None:
            complaints.append(f"{one.kind} {one.rows} {one.group}: not on record (run: python benchmarks/trust.py)")
            continue
        for name in ("median", "p90"):
            value, was = getattr(one, name), getattr(before, name)
            if value > GROWTH * was + GRAIN:
                complaints.append(f"{one.kind} {one.rows} {one.group}: {name} {value:.2%}, on record {was:.2%}")
    return complaints
