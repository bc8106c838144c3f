"""Validation: family `gpu` against whole steps measured on an H100, which are not part of the repository.

The efficiencies of generation hopper were fitted to these 115 steps of Llama-3-8B, Llama-2-7B and
Llama-3.2-1B; SmolLM2-135M, the INT4 steps and single kernels were not in the fit. The bounds are the errors
measured when this was written, and a tenth.
"""

import json
from pathlib import Path

import numpy as np
import pytest
from pytest import approx

from sartor.chip.presets import preset
from sartor.families import priced
from sartor.workload.derive import operators
from sartor.workload.find import bundled
from sartor.workload.operators import Step

ROWS = Path(__file__).parents[2] / ".." / "shared" / "data" / "measured" / "h100.jsonl"
pytestmark = pytest.mark.skipif(
    not ROWS.is_file(), reason="no measured rows at ../shared/data/measured/h100.jsonl"
)

MODELS = {
    "llama3-8b": "llama-3.1-8b",
    "llama3.2-1b": "llama-3.2-1b",
    "llama2-7b": "llama-2-7b",
    "smollm2-135m": "smollm2-135m",
}
FORMATS = {"bf16": "bf16", "fp8": "fp8-e4m3", "int4": "int4-g128"}
TENTH = 1.1


def rows(kind: str, model: str, dt: str) -> list[dict]:
    with ROWS.open(encoding="utf-8") as file:
        found = [json.loads(line) for line in file]
    return [r for r in found if (r["kind"], r.get("model"), r.get("dt")) == (kind, model, dt) and "s" in r]


def estimated(row: dict) -> tuple[float, float]:
    """Seconds and joules of the step of `row`."""
    chip = priced(preset("h100-sxm"), FORMATS[row["dt"]], "bf16")
    step = Step(row["b"], 1, row["ctx"]) if row["kind"] == "decode" else Step(row["b"], row["seq"], 0)
    phase = chip.replica(1, {}).phase(operators(bundled(MODELS[row["model"]]), row["kind"]), step)
    return float(phase.latency_s), float(phase.dynamic_j + chip.static_w * phase.latency_s)


def errors(measured: list[dict]) -> tuple[np.ndarray, np.ndarray]:
    """Absolute relative errors of seconds and of joules."""
    found = [(estimated(r), r) for r in measured]
    seconds = [abs(s / r["s"] - 1) for (s, _), r in found]
    joules = [abs(j / r["J"] - 1) for (_, j), r in found if r.get("J")]
    return np.array(seconds), np.array(joules)


# kind, model, format: rows; median and 90th percentile of the error of seconds, then of joules
MEASURED = [
    ("decode", "llama3-8b", "bf16", 21, 0.013, 0.047, 0.018, 0.053),
    ("decode", "llama2-7b", "bf16", 16, 0.008, 0.020, 0.020, 0.112),
    ("decode", "llama3.2-1b", "bf16", 25, 0.013, 0.051, 0.035, 0.094),
    ("decode", "smollm2-135m", "bf16", 23, 0.045, 0.084, 0.065, 0.137),
    ("decode", "llama3-8b", "fp8", 23, 0.026, 0.048, 0.041, 0.078),
    ("prefill", "llama3-8b", "bf16", 10, 0.025, 0.049, 0.077, 0.117),
    ("prefill", "llama2-7b", "bf16", 10, 0.021, 0.038, 0.038, 0.100),
    ("prefill", "llama3-8b", "fp8", 10, 0.027, 0.046, 0.050, 0.136),
]


@pytest.mark.parametrize(("kind", "model", "dt", "n", "s50", "s90", "j50", "j90"), MEASURED)
def test_steps(
    kind: str, model: str, dt: str, n: int, s50: float, s90: float, j50: float, j90: float
) -> None:
    measured = rows(kind, model, dt)
    assert len(measured) >= n
    seconds, joules = errors(measured)
    assert np.median(seconds) <= s50 * TENTH and np.percentile(seconds, 90) <= s90 * TENTH
    assert np.median(joules) <= j50 * TENTH and np.percentile(joules, 90) <= j90 * TENTH


def test_all_steps_together() -> None:
    # 138 steps in BF16 and FP8: seconds 1.7 % in the middle and 6.1 % at the 90th percentile; joules 3.6 %
    # and 10.7 %.
    seconds, joules = errors([r for kind, model, dt, *_ in MEASURED for r in rows(kind, model, dt)])
    assert np.median(seconds) <= 0.018 and np.percentile(seconds, 90) <= 0.067
    assert np.median(joules) <= 0.040 and np.percentile(joules, 90) <= 0.118


@pytest.mark.parametrize(("batch", "milliseconds"), [(1, 6.65), (64, 13.4)])
def test_decode_of_llama_3_8b_at_a_context_of_2048(batch: int, milliseconds: float) -> None:
    (row,) = [r for r in rows("decode", "llama3-8b", "bf16") if (r["b"], r["ctx"]) == (batch, 2048)]
    assert row["s"] == approx(milliseconds / 1e3, rel=0.01)
    assert estimated(row)[0] == approx(milliseconds / 1e3, rel=0.15)


def test_a_poor_kernel_is_not_the_estimate() -> None:
    # Weights in INT4 ran through one packed kernel that is slow at larger batches. The estimate stands for
    # good kernels: it may be faster than that measurement, and is near it only where the kernel is at its
    # best, at batch 1.
    for row in rows("decode", "llama3-8b", "int4"):
        assert estimated(row)[0] <= row["s"] * 1.15
        if row["b"] == 1:
            assert estimated(row)[0] == approx(row["s"], rel=0.25)
