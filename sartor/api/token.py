"""The energy of one decoded token in the logic of a chip, from replays of its cells."""

from __future__ import annotations

from typing import Any

from ..chip.spec import Chip
from ..errors import InputError
from ..tables import table
from ..workload.derive import operators
from ..workload.find import find_model
from ..workload.step import Step
from .estimate import estimate
from .generate import model_of

CONTEXT = 1024  # tokens in the cache, or as many as the model holds
NOTE = (
    "What is replayed: multiply-accumulates with their scaling, operations of the lanes, bytes through the weight "
    "decoder, and the leakage of these cells. Not in it: accumulators, functions, reductions, control, wires, clock "
    "tree, glitches, on-chip memories, DRAM. high: with the factor for what a replay of cells leaves out "
    "(overheads.csv, energy cells_factor), at its own high end."
)


def energy(chip: Chip, mac_j: float, lane_j: float, byte_j: float, leakage_w: float) -> dict[str, Any]:
    """Counts of one token x energies; `leakage_w` of one core. {"refused": why} for a model that does not fit."""
    model = find_model(model_of(chip))
    context = min(CONTEXT, model.max_context)
    try:
        found = estimate(chip, model, "decode", 1, context)
    except InputError as error:
        return {"refused": str(error)}
    ops, one = operators(model, "decode"), Step(1, 1, context)
    counts = {
        "macs": float(ops.macs(one)), "lane_ops": float(sum(v.lane_ops(one) for v in ops.vectors)),
        "bytes": found["dram_bytes"],
    }  # fmt: skip
    parts = {
        "tile": counts["macs"] * mac_j, "vector": counts["lane_ops"] * lane_j, "decoder": counts["bytes"] * byte_j,
        "leakage": leakage_w * chip.cores * found["latency_s"],
    }  # fmt: skip
    total, more = sum(parts.values()), table("overheads").fact("energy", "cells_factor")
    return {
        "model": model.name, "context": context, **counts, "latency_s": found["latency_s"], "parts_j": parts,
        "j": total, "high_j": total * more.high, "note": NOTE,
    }  # fmt: skip
