"""The figures of a GPU generation from measured rows: least squares on the logarithm of what is predicted.

The estimate itself is fitted, by letting another `Technology` pick the facts of the generation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..families.gpu.machine import BLOCKS, DYNAMIC
from ..formats.spec import format_named
from ..tables import Fact, table
from ..tech.technology import Technology
from . import gpu_predict, names
from .kind import Inputs, Refused, Row

# What rows of each form say something about; a figure that no row speaks of is not fitted.
_ATTENTION = ("attention_efficiency", "attention_one_wave", "attention_wave", "attention_overhead")
_PASSES = ("vector_overhead", "row_element", "single_token", "vector_bytes_per_cycle", "step_overhead")
SPEAKS = {
    "attn_decode": _ATTENTION,
    "attn_prefill": ("attention_compute_efficiency", "score_cycles", "attention_overhead"),
    "decode": (*_PASSES, "idle_fraction", "j_per_byte", "j_per_near_byte", "j_per_op", "j_per_operand_byte"),
    "prefill": ("vector_bytes_per_cycle", "j_per_op", "compute_efficiency_16", "attention_compute_efficiency",
                "limit_reaction"),
}  # fmt: skip


def speaks(inputs: Inputs) -> tuple[str, ...]:
    """The figures that a row says something about.

    >>> speaks({"form": "gemm", "format": "fp8", "casts": False})
    ('stream_efficiency_8', 'compute_efficiency_8', 'op_overhead')
    """
    if inputs["form"] != "gemm":
        return SPEAKS[inputs["form"]]
    form = format_named(names.number_format(inputs["format"]) or "bf16")
    width = 16 if form.element_bits > 8 else 8 if form.element_bits > 4 else 4
    kind = "int8" if form.name == "int8" else width
    own = (f"stream_efficiency_{width}", f"compute_efficiency_{kind}")
    if names.weight_only(inputs["format"]):
        return ()  # kernels of one stack, slower than good ones: judged, not fitted to
    if not inputs.get("casts") or width == 16:
        return (*own, "op_overhead")
    casts = ("vector_overhead", "vector_bytes_per_cycle", f"core_draw_{width}")
    return tuple(gpu_predict.scaling(inputs) + name for name in (*own, *casts))


# How much an error of each counts: steps are what is asked for, power readings scatter.
WEIGHTS = {"decode": 1.0, "prefill": 0.6, "gemm": 0.4, "attn_decode": 0.4, "attn_prefill": 0.1}
WATTS_WEIGHT = {"decode": 0.4, "prefill": 0.2}
OUTLIER = 0.03  # relative error beyond which a row counts less than its square
# What is expected before any row is seen, in coherent units, and how firmly: an error of the logarithm counts that
# much. It keeps figures apart that few rows tell apart; a direct reading (idle power) is firm.
EXPECTED = {
    "stream_efficiency_16": (0.85, 0.1), "stream_efficiency_8": (0.85, 0.1), "stream_efficiency_4": (0.8, 0.1),
    "compute_efficiency_16": (0.75, 0.1), "compute_efficiency_8": (0.72, 0.1), "compute_efficiency_4": (0.6, 0.1),
    "compute_efficiency_int8": (0.5, 0.1),
    "core_draw_8": (4.0, 0.1), "core_draw_4": (4.0, 0.1),
    "op_overhead": (3e-6, 0.02), "attention_efficiency": (0.9, 0.1), "attention_one_wave": (0.9, 0.1),
    "attention_wave": (1.5e-6, 0.05), "attention_overhead": (3e-6, 0.05),
    "attention_compute_efficiency": (0.85, 0.1), "score_cycles": (1 / 16, 0.1),
    "vector_overhead": (2e-6, 0.05), "row_element": (1.2e-9, 0.1), "single_token": (0.8, 0.1),
    "vector_bytes_per_cycle": (23.0, 0.2), "step_overhead": (25e-6, 0.1),
    "idle_fraction": (0.2, 0.3), "j_per_byte": (60e-12, 0.05), "j_per_op": (0.9e-12, 0.05),
    "j_per_near_byte": (150e-12, 0.1), "j_per_operand_byte": (15e-12, 0.05), "limit_reaction": (0.1, 0.05),
}  # fmt: skip


@dataclass(frozen=True)
class Fit:
    """Fitted figures of one generation, in coherent units, and the rows they were fitted to."""

    generation: str
    values: Mapping[str, float]
    rows: int

    @property
    def tech(self) -> Technology:
        """Facts with the fitted figures in place."""
        return technology(self.generation, self.values)


def by_generation(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """`rows` by the generation of their chip."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        chip = names.chip(row.inputs["chip"])
        if chip is not None:
            found.setdefault(chip.generation, []).append(row)
    return found


def technology(generation: str, values: Mapping[str, float]) -> Technology:
    """The table's facts, but `values` for `generation`."""

    def pick(fact: Fact) -> Any:
        ours = fact.table == "gpu" and fact.item == generation
        return values.get(fact.quantity, fact.value) if ours else fact.value

    return Technology(pick)


def fit(rows: Sequence[Row], generation: str) -> Fit:
    """Fit the figures of `generation` that `rows` speak of."""
    from scipy.optimize import least_squares

    known = table("gpu").facts
    figures = sorted({f for row in rows for f in speaks(row.inputs) if (generation, f) in known})
    start, firm = np.array([EXPECTED[figure.removeprefix(DYNAMIC).removeprefix(BLOCKS)] for figure in figures]).T

    def errors(log_factors: np.ndarray) -> np.ndarray:
        values = dict(zip(figures, start * np.exp(log_factors), strict=True))
        return np.concatenate([_errors(rows, technology(generation, values)), firm * log_factors])

    found = least_squares(errors, np.zeros(len(figures)), loss="soft_l1", f_scale=OUTLIER, diff_step=1e-3)
    return Fit(generation, dict(zip(figures, (start * np.exp(found.x)).tolist(), strict=True)), len(rows))


def _errors(rows: Sequence[Row], tech: Technology) -> np.ndarray:
    """Weighted logarithms of predicted over measured: of seconds, and of watts, so that an error of time is not made
    good by one of energy; 0 where nothing is predicted."""
    found = []
    for row, guess in zip(rows, gpu_predict.predict([row.inputs for row in rows], tech), strict=True):
        form, measured = row.inputs["form"], row.measured
        if isinstance(guess, Refused):
            found += [0.0] * len(measured)
            continue
        off = np.log(guess["latency"] / measured["latency"])
        found.append(WEIGHTS[form] * off)
        if "energy" in measured:
            found.append(WATTS_WEIGHT.get(form, 0.0) * (np.log(guess["energy"] / measured["energy"]) - off))
    return np.array(found)
