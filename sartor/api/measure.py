"""Measure the GPU that is here."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..errors import UnknownName
from ..measuring.plan import MODELS, SECTIONS, Plan, chosen
from ..measuring.run import Device, Progress, run
from ..measuring.torch_gpu import TorchGpu

KINDS = ("gpu",)


def measure(
    kind: str = "gpu",
    out: str | Path | None = None,
    sections: str | None = None,
    models: str | None = None,
    weights: str | None = None,
    budget_s: float | None = None,
    progress: Progress = lambda what, number, of: None,
    device: Device | None = None,
) -> dict[str, Any]:
    """Measure GEMMs, attention and whole steps into the file `out` (NAME-OF-THE-GPU.jsonl by default), which `validate`
    reads and `fit` uses. What the file holds already is not measured again.

    Returns file, gpu, and how many points were measured, known, skipped (too large), failed, and left.
    """
    if kind not in KINDS:
        raise UnknownName("kind of measurement", kind, KINDS)
    formats = chosen(weights, ("bf16", "fp8"), "weights")
    plan = Plan(chosen(sections, SECTIONS, "sections"), chosen(models, MODELS, "models"), formats)
    gpu = device or TorchGpu()
    file = Path(out) if out else Path(f"{gpu.name}.jsonl")
    return asdict(run(gpu, plan.points(), file, budget_s, progress)) | {"file": str(file)}
