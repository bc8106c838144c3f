"""Whether a model's vectors fit into the memories of a core: the arrays' form of memory_map/."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...workload.operators import Operators
from . import sizing
from .core import GROUP
from .design import Designs


@dataclass(frozen=True)
class Widths:
    """Elements of one token: residual, what the attention's matrix gives, heads, keys, the FFN's inside."""

    hidden: float
    qkv: float
    heads: float
    keys: float
    inside: float
    head_dim: float


@functools.lru_cache(maxsize=256)
def widths(operators: Operators) -> Widths:
    body = [g for g in operators.gemms if not g.last_token_only]
    inner = [g.n * g.active for g in body if g.tensor in ("ffn", "expert") and g.shard == "column"]
    qkv = [g.n * g.active for g in body if g.tensor in ("attention", "mixer") and g.shard != "row"]
    attentions = operators.attentions
    return Widths(
        hidden=max((op.width for op in operators.lookups), default=0),
        qkv=max(qkv, default=0),
        heads=max((a.heads * a.value_dim for a in attentions), default=0),
        keys=max((a.kv_heads * a.key_dim for a in attentions), default=0),
        inside=max(inner, default=0) / 2,
        head_dim=max((a.key_dim for a in attentions), default=0),
    )


def ratio(d: Designs, operators: Operators, context: float, chips: Any) -> Any:
    """Need over room of the tightest memory. Several cores share the vectors, and split their memory as they like;
    one core keeps an eighth of it for what enters matrices (sizing.py)."""
    w, share, context = widths(operators), d.cores * chips, float(context)
    scratch = _scratch_groups(d, w, context) / share
    buffered = np.maximum(np.maximum(w.hidden, w.inside / share), max(w.heads, context) / share) / GROUP
    whole = scratch * sizing.SCRATCH_GROUP_BYTES + buffered * d.columns * sizing.BUFFER_GROUP_BYTES
    apart = np.maximum(
        scratch / sizing.scratch_groups(d.scratchpad_bytes),
        buffered / np.maximum(sizing.buffer_groups(d.scratchpad_bytes, d.columns), 1),
    )
    return np.where(share == 1, apart, whole / d.scratchpad_bytes)


def _scratch_groups(d: Designs, w: Widths, context: float) -> Any:
    """memory_map.scratch: attention and FFN use the same space, one after the other."""
    scores = -(-context // GROUP)
    always = w.hidden + d.columns * (w.hidden + max(w.hidden, w.heads) + 2 * w.head_dim)
    attention = d.columns * (w.qkv + w.heads + w.keys + w.heads) / GROUP + (d.columns + 1) * scores
    return always / GROUP + np.maximum(attention, d.columns * 3 * w.inside / GROUP)
