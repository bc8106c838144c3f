"""What a model asks for."""

from __future__ import annotations

from typing import Any

from ..workload.find import find_model
from ..workload.summary import summary


def read(
    model: str, batch: int = 1, context: int = 1024, weights: str | None = None, kv: str = "bf16"
) -> dict[str, Any]:
    """Parameters, bytes, operations and cache of `model`, per phase, at `batch` sequences and `context` tokens."""
    return summary(find_model(model), batch, context, weights, kv)
