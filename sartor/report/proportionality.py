"""Compression proportionality: how much faster a decoded token gets for the bits that its weights lose."""

from __future__ import annotations

import csv
import functools
import json
from importlib.resources import files
from typing import Any

GPU = {"gpu": "H100", "model": "llama3-8b", "context": 512, "from": "bf16"}
BITS = {"bf16": 16.0, "fp8": 8.0, "int4": 4.125}  # as they were stored: INT4 with a BF16 scale and zero for 128
NETWORK = "llama-3.2-1b"


@functools.cache
def points() -> tuple[dict[str, Any], ...]:
    """Speed-ups: `who` at `batch`, `promised` by the bits, `speedup` measured."""
    return (*_ours(), *_gpu())


def _ours() -> list[dict[str, Any]]:
    """Our RTL, cycle by cycle: against Q8_0, the layer of Llama-3.2-1B's shapes, batch 1. Nothing where nobody ran
    `benchmarks/proportionality.py --write`."""
    path = files("sartor.data").joinpath("measured/proportionality.csv")
    if not path.is_file():
        return []
    rows = [r for r in csv.DictReader(path.read_text(encoding="utf-8").splitlines()) if r["network"] == NETWORK]
    return [{"who": "RTL", "batch": 1, "name": r["format"], "speedup": float(r["speedup"]),
             "promised": float(r["speedup"]) / float(r["proportionality"])} for r in rows]  # fmt: skip


def _gpu() -> list[dict[str, Any]]:
    """An H100, decode steps of Llama-3-8B's shapes against BF16 at the same batch."""
    lines = files("sartor.data").joinpath("measured/h100.jsonl").read_text(encoding="utf-8").splitlines()
    steps = [r for r in map(json.loads, lines) if r["kind"] == "decode" and r["model"] == GPU["model"]
             and r["ctx"] == GPU["context"] and r["dt"] in BITS]  # fmt: skip
    plain = {r["b"]: r for r in steps if r["dt"] == GPU["from"]}
    return [{"who": GPU["gpu"], "batch": r["b"], "name": r["dt"], "speedup": plain[r["b"]]["s"] / r["s"],
             "promised": BITS[plain[r["b"]]["dt"]] / BITS[r["dt"]]}
            for r in steps if r["b"] in plain and r["dt"] != GPU["from"]]  # fmt: skip
