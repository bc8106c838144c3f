"""Predict every row of files of measurements, and say how wrong that was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from ..errors import BrokenFile, InputError, UnknownName
from . import left_out, names, wrong_units
from .area import Area
from .cost import Cost
from .doubts import Doubts
from .dram import Dram
from .gpu import Gpu
from .kind import Kind, Prediction, Refused, Row
from .notes import Notes
from .notes import named as unread
from .points import Points
from .rows import parted
from .rtl import Rtl
from .summary import MAIN, Pair, by_label, figures
from .tally import Tally

FIGURES = ("median_ape", "p90_ape", "worst_ape", "bias")
KINDS: dict[str, Kind] = {
    "gpu": Gpu(), "dram": Dram(), "area": Area(), "cost": Cost(), "serving": Points(), "rtl": Rtl(),
}  # fmt: skip


@dataclass
class Validation:
    """Predictions beside measurements, and the rows that have none."""

    kind: str
    files: list[str]
    rows: int = 0  # usable ones
    pairs: list[Pair] = field(default_factory=list)
    refused: Tally = field(default_factory=Tally)
    excluded: Tally = field(default_factory=Tally)
    unjudged: Tally = field(default_factory=Tally)  # quantities of usable rows
    wrong_units: list[str] = field(default_factory=list)  # columns of whole files
    unlike: list[str] = field(default_factory=list)  # columns that are judged, and off beyond the record
    notes: Notes = field(default_factory=Notes)

    def facts(self) -> dict[str, Any]:
        """Everything that is printed."""
        pairs = [p.left_out for p in self.pairs]
        by, main = by_label(pairs), [p for p in pairs if p.quantity in MAIN]
        if any(p.unfitted is not None for p in self.pairs):
            for group, as_fitted in by_label(self.pairs).items():
                by[group]["fitted"] = {name: as_fitted[name] for name in FIGURES}
        refused, excluded = self.refused.rows(), self.excluded.rows()
        predicted = self.rows - sum(r["n"] for r in refused)
        return {
            "kind": self.kind, "files": self.files, **figures(main or pairs), "rows": self._rows(), "by": by,
            "coverage": {"rows": self.rows, "predicted": predicted, "share": predicted / max(self.rows, 1),
                         "refused": refused, "excluded": excluded,
                         "excluded_n": sum(r["n"] for r in excluded), "unjudged": self.unjudged.rows(),
                         "repeated": self.notes.repeated.rows(), "wrong_units": self.wrong_units,
                         "unlike": self.unlike, "unread": self.notes.unread(), "absent": self.notes.absent()},
        }  # fmt: skip


    def _rows(self) -> dict[str, int]:
        """How many have been seen by the figures in use, and are predicted by figures that were fitted without them."""
        seen = len({p.where for p in self.pairs if p.unfitted is not None})
        return {"held_out": seen, "other": len({p.where for p in self.pairs}) - seen}


def validation(kind: str, data: Sequence[Path] = (), called: Mapping[str, str] = MappingProxyType({})) -> Validation:
    """Predictions for every usable row of `data`, or of the measurements that come with the package; `called`: names in
    the files, and ours for them."""
    if kind not in KINDS:
        raise UnknownName("kind of validation", kind, KINDS)
    paths = list(data) or KINDS[kind].default()
    if not paths:
        raise InputError(f"validate {kind}: no measurements come with the package (try --data FILE)")
    for theirs, ours in called.items():
        if ours.endswith(names.FILES) and not Path(ours).is_file():
            raise InputError(f"{ours}: no such file (called {theirs!r} in the measurements)")
    found = Validation(kind, [path.name for path in paths], notes=Notes(called))
    for path in paths:
        _add(found, KINDS[kind], path)
    return found


def _add(found: Validation, kind: Kind, path: Path) -> None:
    rows, impossible = parted(kind, path, found.excluded, found.notes)
    # Only the inputs go in: what was measured cannot leak into what is predicted.
    predictions = list(kind.predict([row.inputs for row in rows]))
    kept = [_judge(found, kind, *both) for both in zip(rows, predictions, strict=True)]
    again = _of_impossible(kind, impossible)
    doubts = Doubts.of(kind, found.kind, [*zip(rows, predictions, strict=True), *zip(impossible, again, strict=True)])
    found.wrong_units += [f"{path.name}: {one}" for one in doubts.wrong]
    found.unlike += [f"{path.name}: {one}" for one in doubts.unlike]
    for at, row in enumerate(rows):
        kept[at] = kept[at] and not _doubted(found, doubts, row, predictions[at])
    if not any(kept):
        said = [f"{r['n']} x {r['reason']}" for r in found.excluded.rows()[:3]]
        said += [unread(found.notes.unread())] if found.notes.unread() else []
        why = "; ".join((*found.wrong_units, *said))
        raise BrokenFile(f"{path.name}: no row can be used: {why or 'it is empty'}")
    found.rows += sum(kept)


def _of_impossible(kind: Kind, rows: Sequence[Row]) -> Sequence[Prediction]:
    """What inputs that cannot be would give, for a column in another unit is seen by it; they may give no number."""
    try:
        with np.errstate(all="ignore"):
            return list(kind.predict([row.inputs for row in rows]))
    except ArithmeticError:
        return [Refused("no number comes of it")] * len(rows)


def _doubted(found: Validation, doubts: Doubts, row: Row, one: Prediction) -> bool:
    """Whether a row that was judged has a value from a column in another unit: then it is not."""
    quantity = doubts.quantity(row, one)
    if quantity:
        found.excluded.add(f"{quantity} is from a column that is in another unit", row.where)
        found.pairs = [pair for pair in found.pairs if pair.where != row.where]
    return quantity is not None


def _judge(found: Validation, kind: Kind, row: Row, prediction: Prediction) -> bool:
    """Whether the row can be used."""
    if isinstance(prediction, Refused):
        found.refused.add(prediction.reason, row.where)
        return True
    if why := wrong_units.why(prediction, row.measured, row.may):
        found.excluded.add(why, row.where)
        return False
    if row.unjudged:
        found.unjudged.add(row.unjudged, row.where)
    labels, unfitted = kind.labels(row.inputs), left_out.predicted(found.kind, row)
    for quantity, measured in row.measured.items():
        if quantity in prediction:
            least = row.least.get(quantity, ())
            guess = float(prediction[quantity])
            found.pairs.append(Pair(row.where, labels, quantity, guess, measured, least, row.spread,
                                    unfitted.get(quantity)))  # fmt: skip
    return True
