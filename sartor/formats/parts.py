"""Classes of a model's matrices: those that may have a number format of their own in one chip, and what they hold.

The hardware streams the matrices of a layer as four: queries, keys and values together, what attention gives, the FFN's
gate and up together, and its down; embedding and head beside them. Values stand apart where they have a format of their
own: they are few, and bear the least.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

T = TypeVar("T")

LINEAR = ("attn_q", "attn_k", "attn_v", "attn_o", "ffn_gate", "ffn_up", "ffn_down")
EMBEDDING = "embedding"
VALUES = "attn_v"
BASE = "ffn_in"  # most multiply-adds: its multipliers are the chip's
# What may have a format of its own: what it holds, by the classes that are measured.
PARTS = {
    "attn_qk": LINEAR[:2], VALUES: LINEAR[2:3], "attn_o": LINEAR[3:4], BASE: LINEAR[4:6], "ffn_down": LINEAR[6:],
    EMBEDDING: (EMBEDDING,),
}  # fmt: skip
# Several of them at once.
GROUPS = {
    "attn_qkv": ("attn_qk", VALUES), "attention": ("attn_qk", VALUES, "attn_o"), "ffn": (BASE, "ffn_down"),
    "linear": tuple(PARTS)[:5],
}  # fmt: skip


def by_part(given: Mapping[str, T]) -> dict[str, T]:
    """What is said of each part: by its own name, or by that of its group, the smaller group first.

    >>> by_part({"linear": 4, "attention": 8, "attn_o": 3})
    {'attn_qk': 8, 'attn_v': 8, 'attn_o': 3, 'ffn_in': 4, 'ffn_down': 4}
    """
    found: dict[str, T] = {}
    for name in sorted(given, key=lambda n: -len(GROUPS.get(n, n[:0]))):
        found |= dict.fromkeys(GROUPS.get(name, (name,)), given[name])
    return {part: found[part] for part in PARTS if part in found}
