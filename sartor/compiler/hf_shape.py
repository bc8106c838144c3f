"""The shapes of a Hugging Face checkpoint as they are lowered, by its config; RoPE's pairs and angles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import Unsupported
from ..workload.readers.fields import Fields
from ..workload.readers.hf_dense import head_dim, silu
from . import rope
from .checkpoint import Checkpoint

FAMILIES = ("llama", "mistral")


@dataclass(frozen=True)
class Shape:
    dim: int
    heads: int
    kv_heads: int
    head_dim: int
    ffn: int

    @property
    def matrices(self) -> dict[str, tuple[int, int]]:
        """Rows and columns, by their names in a layer."""
        wide, narrow = self.heads * self.head_dim, self.kv_heads * self.head_dim
        return {
            "self_attn.q_proj": (wide, self.dim), "self_attn.k_proj": (narrow, self.dim),
            "self_attn.v_proj": (narrow, self.dim), "self_attn.o_proj": (self.dim, wide),
            "mlp.gate_proj": (self.ffn, self.dim), "mlp.up_proj": (self.ffn, self.dim),
            "mlp.down_proj": (self.dim, self.ffn),
        }  # fmt: skip


def shape_of(f: Fields) -> Shape:
    heads = f.whole("num_attention_heads")
    if (size := head_dim(f, heads)) % 2:
        raise f.fail("head_dim" if f.has("head_dim") else "hidden_size", f"gives heads of {size}: RoPE turns pairs")
    return Shape(
        f.whole("hidden_size"), heads, f.whole("num_key_value_heads", default=heads), size,
        f.whole("intermediate_size"),
    )  # fmt: skip


def of_family(point: Checkpoint) -> Fields:
    """The config, whatever the weights are stored as; another architecture is refused by name."""
    f = point.config
    if (family := f.text("model_type")) not in FAMILIES:
        raise Unsupported(
            f"{f.where}: model_type = {family!r} is not modeled (known: {', '.join(FAMILIES)}): norms of queries and "
            "keys, biases and experts are estimated (sartor read, estimate), but neither measured nor lowered"
        )
    silu(f)
    for holder in (f, *(f.part(name) for name in ("rope_parameters", "rope_scaling") if f.has(name))):
        holder.only("partial_rotary_factor", 1.0)
    return f


def neighbors(rows: int, size: int) -> np.ndarray:
    """Row numbers in the order in which the two of a pair are neighbors.

    >>> neighbors(8, 4)
    array([0, 2, 1, 3, 4, 6, 5, 7])
    """
    return np.arange(rows).reshape(-1, 2, size // 2).swapaxes(1, 2).reshape(-1)


def context(f: Fields) -> int:
    """Within a sliding window all tokens are seen: beyond it nothing is lowered."""
    context = f.whole("max_position_embeddings")
    return int(min(context, f.whole("sliding_window", default=context)))


def angles(f: Fields, size: int) -> tuple[float, tuple[float, ...]]:
    """The base of the angles, and their divisors."""
    base = f.real("rope_theta", default=10000.0)
    for name in ("rope_parameters", "rope_scaling"):
        if f.has(name):
            part = f.part(name)
            base = part.real("rope_theta", default=base)
            return base, rope.divisors(part, size, base)
    return base, ()
