"""Fit the figures of public dies (overheads.csv, `published`): python benchmarks/chip_facts.py

Least absolute errors of logarithms over the chips of sartor/validation/area.py's `FITTED_TO`; exponents and the
factor of PHYs stay. Prints the figures and the factor by which dies are off, fitted and not.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

sys.path.insert(0, str(Path(__file__).parents[1]))

from sartor.validation import area_predict
from sartor.validation.area import FITTED_TO, Area
from sartor.validation.rows import usable_rows
from sartor.validation.tally import Tally

FITTED = ("edge", "gpu_factor", "sram_factor")
STARTS = 5


def main() -> int:
    kind = Area()
    rows = [(row, area_predict.asked(row.inputs)) for row in usable_rows(kind, kind.default()[0], Tally())]
    dies = [(row.inputs["chip"].lower(), known, row.measured["area"]) for row, known in rows
            if not isinstance(known, str) and known.counted and "area" in row.measured]  # fmt: skip
    fitted = np.array([name in FITTED_TO for name, _, _ in dies])
    written = {name: area_predict.published(name) for name in FITTED}

    def off(values: np.ndarray) -> np.ndarray:
        area_predict.published = lambda name: (
            dict(zip(FITTED, np.abs(values), strict=True)).get(name) or kept(name)
        )
        return np.abs([np.log(area_predict.die_mm2(known) / mm2) for _, known, mm2 in dies])

    kept, start = area_predict.published, np.array(list(written.values()))
    draws = [start * np.exp(np.random.default_rng(seed).normal(0, 0.2, len(start))) for seed in range(STARTS)]
    found = min(
        (minimize(lambda v: off(v)[fitted].mean(), at, method="Nelder-Mead") for at in draws),
        key=lambda r: r.fun,
    )
    errors = off(found.x)
    print(
        {name: round(float(v), 2) for name, v in zip(FITTED, np.abs(found.x), strict=True)},
        "written:",
        written,
    )
    for label, some in (("fitted", errors[fitted]), ("not", errors[~fitted])):
        mean, worst = np.exp(some.mean()), np.exp(some.max())
        print(f"{label}: {len(some)} dies, a factor {mean:.3f} in the mean, {worst:.2f} at worst")
    return 0


if __name__ == "__main__":
    sys.exit(main())
