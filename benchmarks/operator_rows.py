"""Rows of the tables of operators that aiconfigurator-core holds (operators.py): each shape once.

Each stack counts once, with the median of its versions, and an operator with the median of its stacks; of shapes that
one stack alone has nothing is said.
"""

from __future__ import annotations

import io
import math
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet

from sartor.validation import KINDS, gpu_limits
from sartor.validation.gpu import CALLS
from sartor.validation.kind import Refused, Row
from sartor.validation.rows import Unusable, split

OPERATORS = {"gemm": "gemm/*/*/gemm_perf.parquet", "context_attention": "attention/*/*/context_attention_perf.parquet",
             "generation_attention": "attention/*/*/generation_attention_perf.parquet"}  # fmt: skip
ATTENTION = ("context_attention", "generation_attention")
LEAST_STACKS = 2
LEAST_SIDE = 512  # of a matrix: narrower ones are cut along K in more parts than any model needs


def tables(source: Path, system: str, pattern: str) -> Iterator[Any]:
    """The tables of one system, out of a wheel or a folder."""
    if source.is_dir():
        yield from (pyarrow.parquet.read_table(file) for file in sorted((source / system).glob(pattern)))
        return
    with zipfile.ZipFile(source) as wheel:
        for name in sorted(wheel.namelist()):
            if Path(name).match(f"systems/data/{system}/{pattern}"):
                yield pyarrow.parquet.read_table(io.BytesIO(wheel.read(name)))


def rows(source: Path, system: str, op: str) -> list[Row]:
    """Rows of kind `gpu` for the operator `op` of `system`: each shape once, and only what can be."""
    found: dict[tuple[Any, ...], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    form, columns = CALLS[op], [*CALLS[op].inputs]
    for one in tables(source, system, OPERATORS[op]):
        some = [one[c].to_pylist() if c in one.column_names else [None] * len(one) for c in columns]
        measured = one["framework"].to_pylist(), one["latency"].to_pylist()
        for key, stack, ms in zip(zip(*some, strict=True), *measured, strict=True):
            found[key][stack].append(ms)
    kept = []
    for key, stacks in found.items():
        if len(stacks) >= LEAST_STACKS:
            ms = float(np.median([np.median(some) for some in stacks.values()]))
            raw = {**dict(zip(columns, key, strict=True)), "latency": ms}
            try:
                kept.append(split(form, f"{system} {op} {key}", raw))
            except Unusable:
                continue
    return _usable(kept)


def _usable(some: Sequence[Row]) -> list[Row]:
    """Matrices that models have, and nothing that is refused or cannot be."""
    wide = [r for r in some if min(r.inputs.get("n", math.inf), r.inputs.get("k", math.inf)) >= LEAST_SIDE]
    known = [r for r, why in zip(wide, KINDS["gpu"].predict([r.inputs for r in wide]), strict=True)
             if not isinstance(why, Refused)]  # fmt: skip
    return [r for r, why in zip(known, gpu_limits.impossible(known), strict=True) if why is None]
