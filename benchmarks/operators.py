"""Operators of serving stacks as aiconfigurator-core measured them, and what the estimate says of them.

    pip download --no-deps aiconfigurator-core==0.12.0
    python benchmarks/trust.py --operators aiconfigurator_core-0.12.0-*.whl

The wheel (Apache-2.0), or the folder `systems/data` that is in it, holds tables of GEMMs and attention of vLLM, SGLang
and TensorRT-LLM on each system (operator_rows.py). One file alone: `sartor validate gpu --data`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import beside
import link_facts
import operator_sums
from operator_rows import ATTENTION, OPERATORS, rows, tables

from sartor.chip.presets import preset
from sartor.tables import Fact, table
from sartor.tech.link import switched_all_reduce_s
from sartor.tech.technology import NOMINAL, Technology
from sartor.validation import KINDS, gpu_predict
from sartor.validation.gpu_folds import held_out
from sartor.validation.kind import Refused, Row
from sartor.validation.record import Recorded, record
from sartor.validation.summary import Pair

SHEET, KNOWN, OTHER = "h200_sxm", "h100_sxm", "b200_sxm"  # never fitted to; fitted to; of another generation
FIRST, LARGE = "stacks", "large"  # words of the groups' names
LARGE_S, LARGE_BYTES = 1e-3, 0.25e9  # of prefill attention, and of the cache that decode attention reads
EVERY = 5  # of the rows of attention that are fitted to: neighbors tell the same


def pairs(some: Sequence[Row], tech: Technology = NOMINAL) -> list[Pair]:
    """Predicted from the inputs, beside what was measured."""
    found = gpu_predict.predict([row.inputs for row in some], tech)
    labels = KINDS["gpu"].labels
    return [
        Pair(row.where, labels(row.inputs), "latency", float(one["latency"]), row.measured["latency"])
        for row, one in zip(some, found, strict=True)
        if not isinstance(one, Refused)
    ]


def records(source: Path) -> list[Recorded]:
    """Of the H200, from its data sheet and the H100's figures: operators, what they are beside the H100's, whole decode
    steps as sums of them, and sums over chips. Of H100 and B200 their attention, in shapes of heads that were left out,
    and the B200's by the H100's figures."""
    by_system = {system: {op: rows(source, system, op) for op in OPERATORS} for system in (SHEET, KNOWN)}
    unseen = _grouped(one for op in OPERATORS for one in _judged(by_system[SHEET][op]))
    for op in OPERATORS:
        for name, pair in _beside(by_system[SHEET][op], by_system[KNOWN][op]):
            unseen[name].append(pair)
    for pair in _steps(SHEET, by_system[SHEET]):
        unseen[f"decode sum {pair.labels['model']} {_chip(SHEET)}"].append(pair)
    unseen[f"all_reduce {_chip(SHEET)}"] = _sums(source)
    known = [row for op in ATTENTION for row in by_system[KNOWN][op]]
    other = [row for op in ATTENTION for row in rows(source, OTHER, op)]
    for name, some in _grouped(_judged(other, by_hopper())).items():
        unseen[f"{name} by hopper"] = some
    left_out = _grouped(one for some in (known, other) for one in _left_out(some))
    fitted = defaultdict(list)
    for pair in _steps(KNOWN, by_system[KNOWN]):
        fitted[f"decode sum {pair.labels['model']} {_chip(KNOWN)}"].append(pair)
    return [
        record("gpu", kind, f"{FIRST} {name}", found)
        for kind, groups in (("held_out", left_out), ("unseen", unseen), ("fitted", fitted))
        for name, found in groups.items()
    ]


def by_hopper() -> Technology:
    """Facts of which every chip has Hopper's figures: what is known of a GPU before one of its generation is there."""
    known = table("gpu").facts

    def pick(fact: Fact) -> float:
        same = known.get(("hopper", fact.quantity)) if fact.table == "gpu" else None
        return (same or fact).value

    return Technology(pick)


def _judged(some: Sequence[Row], tech: Technology = NOMINAL) -> Iterator[tuple[Row, Pair]]:
    return zip(some, pairs(some, tech), strict=True)


def _left_out(some: Sequence[Row]) -> Iterator[tuple[Row, Pair]]:
    """Rows of one chip, each by figures of its generation that were fitted without its shape of heads."""
    generation = preset(_chip(some[0].where.split()[0])).generation
    return zip(some, held_out(some, generation, EVERY).pairs(some, KINDS["gpu"].labels), strict=True)


def _grouped(some: Iterable[tuple[Row, Pair]]) -> dict[str, list[Pair]]:
    groups: dict[str, list[Pair]] = defaultdict(list)
    for row, pair in some:
        for name in _names(row, pair):
            groups[name].append(pair)
    return groups


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
    """How many times as long an operator takes on the one chip as on the other."""
    there = {beside.sizes(row.inputs): row for row in sheet}
    for key, both in beside.ratios(_sized(sheet), _sized(known)):
        for name in _names(there[key], both):
            yield f"{name} over {_chip(KNOWN)}", both


def _sized(some: Sequence[Row]) -> Iterator[tuple[Any, Pair]]:
    return ((beside.sizes(row.inputs), pair) for row, pair in _judged(some))


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
