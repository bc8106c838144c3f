"""How wrong the estimates are, against measurements."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ..errors import InputError
from ..validation import record, validation
from ..validation.serving import serving


def on_record() -> list[dict[str, Any]]:
    """Errors of every kind of estimate as they stand on record (docs/trust.md): `kind`, `rows` (held_out, unseen, or
    fitted: our own figures have seen them), `group`, `n`, `median_ape`, `p90_ape`, `worst_ape`; and `band`: four in
    five measurements lie within 1 + `band` times what is predicted, either way."""
    return [
        {"kind": one.kind, "rows": one.rows, "group": one.group, "n": one.n, "median_ape": one.median,
         "p90_ape": one.p90, "worst_ape": one.worst, "band": math.expm1(one.band)}
        for one in record.on_record().values()
    ]  # fmt: skip


def validate(
    kind: str,
    data: str | Path | Sequence[str | Path] = (),
    layers: str | Path | None = None,
    called: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Any]:
    """Predict every row of the files `data` (forms: docs/validation.md), or of the measurements that come with the
    package, and compare. Kind `serving`: `data` are files of measured points, or folders of recorded runs with
    `layers`, the folder of the layers' times. `called`: what the files call a chip, a model or a format, and its name
    here, or a file that holds it.

    Returns n, median_ape, p90_ape, worst_ape (absolute errors as fractions of what was measured) of all times; `by` the
    same for each kind of row, chip, format and model, with `on_record` where errors on rows that no figure was fitted
    to are known (docs/trust.md); `coverage` with what was refused or excluded, and why, rows that are there twice, and
    columns that are not read. Rows that figures were fitted to (`rows`: how many) are predicted by figures that were
    fitted without the rows like them; `fitted` in `by` is what the figures in use, which have seen them, say.
    """
    paths = [Path(path) for path in ([data] if isinstance(data, str | Path) else data)]
    if kind == "serving" and not (paths and all(path.is_file() for path in paths)):
        return serving(paths, None if layers is None else Path(layers))
    if layers is not None:
        raise InputError("layers are read for recorded runs of serving alone (leave them out, or give those runs)")
    found = validation(kind, paths, called).facts()
    for group, row in found["by"].items():
        if known := record.beside(kind, group):
            row["on_record"] = known
    return found
