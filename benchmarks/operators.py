"""Operators of serving stacks as aiconfigurator-core measured them, and what the estimate says of them.

    pip download --no-deps aiconfigurator-core==0.12.0
    python benchmarks/trust.py --operators aiconfigurator_core-0.12.0-*.whl

The wheel (Apache-2.0), or the folder `systems/data` that is in it, holds tables of GEMMs and attention of vLLM, SGLang
and TensorRT-LLM on each system. Each stack counts once, with the median of its versions, and an operator with the
median of its stacks; of shapes that one stack alone has nothing is said. One file alone: `sartor validate gpu --data`.
"""

from __future__ import annotations

import io
import math
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import link_facts
import numpy as np
import operator_sums
import pyarrow.parquet

from sartor.chip.presets import preset
from sartor.tables import table
from sartor.tech.link import switched_all_reduce_s
from sartor.validation import KINDS, gpu_limits, gpu_predict
from sartor.validation.gpu import CALLS
from sartor.validation.kind import Refused, Row
from sartor.validation.record import Recorded, record
from sartor.validation.rows import Unusable, split
from sartor.validation.summary import Pair

OPERATORS = {"gemm": "gemm/*/*/gemm_perf.parquet", "context_attention": "attention/*/*/context_attention_perf.parquet",
             "generation_attention": "attention/*/*/generation_attention_perf.parquet"}  # fmt: skip
SHEET, KNOWN, OTHER = "h200_sxm", "h100_sxm", "b200_sxm"  # never fitted to; measured; of another generation
FIRST, LARGE = "stacks", "large"  # words of the groups' names
LARGE_S, LARGE_BYTES = 1e-3, 0.25e9  # of prefill attention, and of the cache that decode attention reads
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


def pairs(some: Sequence[Row]) -> list[Pair]:
    """Predicted from the inputs, beside what was measured."""
    found = gpu_predict.predict([row.inputs for row in some])
    labels = KINDS["gpu"].labels
    return [
        Pair(row.where, labels(row.inputs), "latency", float(one["latency"]), row.measured["latency"])
        for row, one in zip(some, found, strict=True)
        if not isinstance(one, Refused)
    ]


def records(source: Path) -> list[Recorded]:
    """Of the H200, from its data sheet and the H100's figures: operators, what they are beside the H100's, whole decode
    steps as sums of them, and sums over chips. Of H100 and B200 their attention, to which no figure was fitted."""
    all_rows = {system: {op: rows(source, system, op) for op in OPERATORS} for system in (SHEET, KNOWN)}
    other = {OTHER: {op: rows(source, OTHER, op) for op in OPERATORS if op != "gemm"}}
    groups: dict[str, list[Pair]] = defaultdict(list)
    for system, by_op in (all_rows | other).items():
        for op, some in by_op.items():
            if op != "gemm" or system == SHEET:
                for row, pair in zip(some, pairs(some), strict=True):
                    for name in _names(row, pair):
                        groups[name].append(pair)
    for op in OPERATORS:
        for name, pair in _beside(all_rows[SHEET][op], all_rows[KNOWN][op]):
            groups[name].append(pair)
    for system, by_op in all_rows.items():
        for pair in _steps(system, by_op):
            groups[f"decode sum {pair.labels['model']} {_chip(system)}"].append(pair)
    groups[f"all_reduce {_chip(SHEET)}"] = _sums(source)
    return [record("gpu", "unseen", f"{FIRST} {name}", found) for name, found in groups.items() if found]


def _chip(system: str) -> str:
    return system.replace("_", "-")


def _names(row: Row, pair: Pair) -> list[str]:
    words = [word for word in (pair.labels["kind"], _chip(pair.where.split()[0]), _format(pair)) if word]
    return [" ".join(words), *([" ".join((*words, LARGE))] if _is_large(row) else ())]


def _format(pair: Pair) -> str:
    return pair.labels["format"] if pair.labels["kind"] == "gemm" else ""


def _is_large(row: Row) -> bool:
    """Where the chip sets the time, and not how a stack starts its kernels."""
    i = row.inputs
    if i["form"] == "gemm":
        return False
    if i["form"] == "attn_prefill":
        return row.measured["latency"] > LARGE_S
    return 4 * i["batch"] * i["context"] * i["kv_heads"] * i["head_dim"] > LARGE_BYTES


def _beside(sheet: Sequence[Row], known: Sequence[Row]) -> Iterator[tuple[str, Pair]]:
    """How many times as long an operator takes on the one chip as on the other: a stack's own kernel, which is the same
    on both, drops out of it."""
    there = {_sizes(row): pair for row, pair in zip(known, pairs(known), strict=True)}
    for row, one in zip(sheet, pairs(sheet), strict=True):
        if other := there.get(_sizes(row)):
            times = one.predicted / other.predicted, one.measured / other.measured
            both = Pair(one.where, one.labels, "latency", *times)
            for name in _names(row, one):
                yield f"{name} over {_chip(KNOWN)}", both


def _sizes(row: Row) -> Any:
    return tuple(sorted((name, value) for name, value in row.inputs.items() if name != "chip"))


def _steps(system: str, by_op: Mapping[str, Sequence[Row]]) -> list[Pair]:
    wide = [row for row in by_op["gemm"] if KINDS["gpu"].labels(row.inputs)["format"] == "bf16"]
    return operator_sums.pairs(system, operator_sums.measured(wide, by_op["generation_attention"]))


def _sums(source: Path) -> list[Pair]:
    """All-reduces of TensorRT-LLM, by the figures of the link that were fitted to the H100's."""
    chip = preset(_chip(SHEET))
    chips, n_bytes, seconds = link_facts.measured(tables(source, SHEET, link_facts.PATTERN))
    fact = {name: table("links").fact(chip.link.kind, name).value for name in link_facts.FIGURES}
    found = switched_all_reduce_s(n_bytes, chips, chip.link.bandwidth_bytes_per_s, *fact.values())
    return [Pair("", {}, "latency", float(p), float(s)) for p, s in zip(found, seconds, strict=True)]
