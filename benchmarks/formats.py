"""How fast formats are made of BF16 weights on one core: `python benchmarks/formats.py [--json] [FORMAT ...]`.

MB of BF16 input per CPU second, encoded, and encoded and dequantized at once (round_trip); a matrix of 2048 x 4096, the
best of three runs, the first of which may compile a search. Exit code 1: a format stays below TARGET.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from sartor.errors import Unsupported
from sartor.formats.codec import codec
from sartor.formats.floats import Floats
from sartor.formats.spec import SPARSE, formats

N, K = 2048, 4096
TARGET = 50.0


def main(names: list[str], as_json: bool) -> int:
    w = np.random.default_rng(0).normal(size=(N, K)).astype(np.float32) * np.float32(0.02)
    weights = Floats("BF16", (w.view(np.uint32) >> np.uint32(16)).astype(np.uint16))
    rows = [row for name in names or [*formats(), f"int4-g128{SPARSE}"] if (row := measured(name, weights))]
    if as_json:
        print(json.dumps({"target": TARGET, "formats": rows}))
    else:
        print(f"{'format':<18}{'bits':>8}{'encode':>10}{'round trip':>12}   MB of BF16 a second and core")
        for row in rows:
            print("{format:<18}{bits:>8.3f}{encode:>10.0f}{round_trip:>12.0f}".format(**row))
    return int(any(row["encode"] < TARGET for row in rows))


def measured(name: str, weights: Floats) -> dict[str, Any] | None:
    """None of a format that is only read."""
    one = codec(name)
    try:
        encode, both = (speed(job, weights) for job in (one.encode, one.round_trip))
    except Unsupported:
        return None
    return {"format": name, "bits": one.bits_per_weight(K), "encode": encode,
            "round_trip": both}  # fmt: skip


def speed(job: Callable[[Floats], object], weights: Floats) -> float:
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        job(weights)
        best = min(best, time.process_time() - start)
    return weights.data.nbytes / 1e6 / best


if __name__ == "__main__":
    words = [a for a in sys.argv[1:] if a != "--json"]
    sys.exit(main(words, "--json" in sys.argv))
