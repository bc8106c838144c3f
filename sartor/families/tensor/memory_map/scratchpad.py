"""Where the vectors lie in the scratchpad."""

from __future__ import annotations

from dataclasses import dataclass

from ..core import GROUP, Core
from ..network import Network


def groups(elements: int) -> int:
    return -(-elements // GROUP)


@dataclass(frozen=True)
class Scratch:
    """First groups of the vectors in the scratchpad, for `columns` tokens side by side; strides from one
    token to the next are `dim`, `qkv`, ... groups."""

    columns: int
    x: int
    t: int
    gamma: int
    rope: int
    qkv: int
    turned: int
    mixed: int
    scores: int
    value_scales: int
    gate_up: int
    sigmoid: int
    end: int
    qkv_groups: int
    gate_up_groups: int
    score_groups: int
    score_columns: int


def scratch(core: Core, net: Network, columns: int, context: int) -> Scratch:
    """Attention and FFN use the same space, one after the other."""

    def rows(n: int) -> int:  # a matrix writes whole row tiles
        return groups(-(-n // core.rows) * core.rows)

    dim, qkv = rows(net.dim), rows((net.heads + 2 * net.kv_heads) * net.head_dim)
    heads, both = groups(net.heads * net.head_dim), groups(net.kv_heads * net.head_dim)
    gate_up, scores = rows(2 * net.ffn), groups(context)
    score_columns = max(columns, min(net.group, core.columns))
    x, t = 0, columns * dim
    gamma = t + columns * max(dim, heads)
    rope = gamma + max(dim, both * core.balanced)  # the keys' offsets, once the norm is over
    shared = rope + columns * groups(2 * net.head_dim)
    turned = shared + columns * qkv
    mixed = turned + columns * (heads + both)
    score = mixed + columns * max(heads, rows(net.head_dim))
    value_scales = score + score_columns * scores
    sigmoid = shared + columns * gate_up
    end = max(value_scales + scores, sigmoid + columns * groups(net.ffn))
    return Scratch(
        columns, x, t, gamma, rope, shared, turned, mixed, score, value_scales, shared, sigmoid, end,
        qkv, gate_up, scores, score_columns,
    )  # fmt: skip
