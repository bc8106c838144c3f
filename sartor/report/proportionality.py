"""Compression proportionality: how much faster a decoded token gets for the bits that its weights lose."""

from __future__ import annotations

import csv
import functools
import json
from dataclasses import replace
from importlib.resources import files
from typing import Any

from ..chip.spec import Chip, Memory, Tile
from ..families.tensor.family import Tensor
from ..families.tensor.spec import from_chip
from ..formats.spec import format_named
from ..workload.derive import operators
from ..workload.find import bundled
from ..workload.step import Step

GPU = {"gpu": "H100", "model": "llama3-8b", "context": 512, "from": "bf16"}
BITS = {"bf16": 16.0, "fp8": 8.0, "int4": 4.125}  # as they were stored: INT4 with a BF16 scale and zero for 128
NETWORK = "llama-3.2-1b"
FORMULAS = "formulas"
BASE, BATCHES, CONTEXT = "q8_0", (4, 16), 512  # of the formulas
COUNTED = (1, 4)  # batches of the RTL
TILE = Tile(16, 32, 16, 32, BASE, kv="int8-g32", scratchpad_bytes=1024 * 1024, fifo_bytes=128 * 1024)
CHIP = Chip("proportional", "tensor", "N7", 450e6, Memory("lpddr4x", 1, 4e9, 64 * 0.55 * 450e6), tile=TILE)


@functools.cache
def points() -> tuple[dict[str, Any], ...]:
    """Speed-ups: `who` at `batch`, `promised` by the bits, `speedup` counted, estimated or measured."""
    ours = _ours()
    return (*ours, *_batched([p["name"] for p in ours if p["batch"] == 1]), *_gpu())


def _ours() -> list[dict[str, Any]]:
    """Our RTL, cycle by cycle: against Q8_0 at the same batch, the layer of Llama-3.2-1B's shapes. Nothing where nobody
    ran `benchmarks/proportionality.py --write`."""
    path = files("sartor.data").joinpath("measured/proportionality.csv")
    if not path.is_file():
        return []
    rows = [r for r in csv.DictReader(path.read_text(encoding="utf-8").splitlines()) if r["network"] == NETWORK]
    return [{"who": "RTL", "batch": int(r["batch"]), "name": r["format"], "speedup": float(r["speedup"]),
             "promised": float(r["speedup"]) / float(r["proportionality"])} for r in rows]  # fmt: skip


def _batched(names: list[str]) -> list[dict[str, Any]]:
    """The same core with columns for as many tokens, by the formulas of cycles."""
    found = []
    for batch in BATCHES:
        for name in names:
            speedup, promised = by_batch(name, batch)
            found.append({"who": FORMULAS, "batch": batch, "name": name, "speedup": speedup, "promised": promised})
    return found


def by_batch(name: str, batch: int) -> tuple[float, float]:
    """How many times faster a decode step is than in BASE, by the formulas of cycles, and what the bits promise."""
    return token_s(BASE, batch) / token_s(name, batch), format_named(BASE).bits() / format_named(name).bits()


@functools.cache
def token_s(name: str, batch: int) -> float:
    """Of a decode step of NETWORK, all of it, with CONTEXT tokens before each of `batch`."""
    designs = from_chip(replace(CHIP, tile=replace(TILE, weights=name)))
    phase = Tensor(designs).replica(1, {}).phase(operators(bundled(NETWORK), "decode"), Step(batch, 1, CONTEXT))
    return float(phase.latency_s)


def _gpu() -> list[dict[str, Any]]:
    """An H100, decode steps of Llama-3-8B's shapes against BF16 at the same batch."""
    lines = files("sartor.data").joinpath("measured/h100.jsonl").read_text(encoding="utf-8").splitlines()
    steps = [r for r in map(json.loads, lines) if r["kind"] == "decode" and r["model"] == GPU["model"]
             and r["ctx"] == GPU["context"] and r["dt"] in BITS]  # fmt: skip
    plain = {r["b"]: r for r in steps if r["dt"] == GPU["from"]}
    return [{"who": GPU["gpu"], "batch": r["b"], "name": r["dt"], "speedup": plain[r["b"]]["s"] / r["s"],
             "promised": BITS[plain[r["b"]]["dt"]] / BITS[r["dt"]]}
            for r in steps if r["b"] in plain and r["dt"] != GPU["from"]]  # fmt: skip
