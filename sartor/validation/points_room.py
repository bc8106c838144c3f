"""How many requests of a service the memory of its chips holds the cache of."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..families.gpu.family import Existing
from ..workload.derive import operators
from ..workload.model import Model
from ..workload.sizes import element_bytes, elements, tensor_formats, weight_bytes


def room(existing: Existing, model: Model, formats: Any, chips: int, copies: int, tokens: Any) -> Any:
    """Requests of `tokens` each that the memory of `chips` has room for beside the weights, in all `copies`; a service
    that was measured had room for one, so where we see none our figures of the memory are wrong, and nothing is
    limited."""
    usable = existing.tech.fact("overheads", "memory", "usable_fraction") * existing.capacity_bytes
    held = [
        op.cache_elements_held(tokens) * (existing.cache_bits / 8) / min(chips // copies, op.kv_heads)
        for op in operators(model, "decode").attentions
    ]
    stored = _stored_bytes(model, formats, chips, copies)
    requests = copies * (usable - stored) / sum(held)
    return np.where(requests < 1, np.inf, requests)


def _stored_bytes(model: Model, formats: Any, chips: int, copies: int) -> float:
    """Weights on a chip: each copy holds all but the experts."""
    whole = weight_bytes(model, formats)
    kept = tensor_formats(model, formats)["expert"]
    experts = sum(n * element_bytes(kept, row) for (name, row), n in elements(model).items() if name == "expert")
    return (experts + (whole - experts) * copies) / chips
