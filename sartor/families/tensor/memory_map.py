"""Where everything lies: in the scratchpad of the core, and in its memory."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import InputError
from .core import GROUP, Core
from .network import Network

VALUE_BYTES = 4  # binary32
SCALE_BYTES = 2
MOST_SUMMED = 511 * GROUP  # of 8-bit codes: what the accumulator cannot overflow on (docs/numerics.md)


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
    rope = gamma + dim
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


@dataclass(frozen=True)
class CacheMap:
    """The KV cache of one layer and KV head, in words: keys, then values, then the values' scales."""

    key_words: int
    value_stride: int
    value_words: int
    scale_words: int
    key_unit: int  # words a granule
    value_unit: int
    scale_unit: int

    @property
    def head_words(self) -> int:
        return self.key_words + self.value_words + self.scale_words


def cache_map(core: Core, net: Network, context: int) -> CacheMap:
    granules = context // core.granule
    slots, blocks = core.slots(SCALE_BYTES), core.granule * net.head_dim // GROUP
    key_unit = blocks // slots * (slots * (SCALE_BYTES + GROUP) // core.port_bytes)
    value_unit = core.granule * core.rows // core.port_bytes
    scale_unit = core.granule * SCALE_BYTES // core.port_bytes
    tiles = net.head_dim // core.rows
    stride = granules * value_unit
    return CacheMap(
        granules * key_unit, stride, tiles * stride, granules * scale_unit, key_unit, value_unit, scale_unit
    )


@dataclass(frozen=True)
class MemoryMap:
    """First words of the parts of the memory, and sizes in words."""

    core: Core
    context: int
    weights: int
    layer_words: int  # the weight stream of all layers
    stream_words: int  # and of the final norm and the head
    embedding: int
    row_words: int
    rope: int
    rope_shift: int  # log2 of the words of one position
    cache: int
    cache_words: int
    end: int
    head: CacheMap

    @property
    def nbytes(self) -> int:
        return self.end * self.core.port_bytes


def memory_map(core: Core, net: Network, context: int, layer_words: int, stream_words: int) -> MemoryMap:
    port = core.port_bytes
    row = -(-net.dim * VALUE_BYTES // port)
    shift = (2 * net.head_dim * VALUE_BYTES // port).bit_length() - 1
    embedding = stream_words
    rope = embedding + net.vocabulary * row
    cache = rope + (context << shift)
    head = cache_map(core, net, context)
    cache_words = len(net.layers) * net.kv_heads * head.head_words
    return MemoryMap(
        core, context, 0, layer_words, stream_words, embedding, row, rope, shift, cache, cache_words,
        cache + cache_words, head,
    )  # fmt: skip


def check(core: Core, net: Network, context: int) -> int:
    """The context rounded up to granules; what does not fit is refused with what would."""
    context = -(-context // core.granule) * core.granule
    if context > net.context:
        raise InputError(f"a context of {context} tokens is beyond the {net.context} of {net.name}")
    _check_summed(core, net, context)
    fixed = (
        (net.head_dim & (net.head_dim - 1) == 0, f"head dimension {net.head_dim} is not a power of two"),
        (core.rows <= net.head_dim, f"{core.rows} rows are more than the head dimension {net.head_dim}"),
        (core.lanes <= net.head_dim, f"{core.lanes} lanes are more than the head dimension {net.head_dim}"),
        (net.dim % GROUP == 0 and net.ffn % GROUP == 0, "the model's width is not whole groups of 32"),
    )
    for ok, message in fixed:
        if not ok:
            raise InputError(f"{net.name} cannot be mapped: {message}")
    for columns in (1, core.columns):
        end = scratch(core, net, columns, context).end
        if end > core.scratch_groups:
            raise InputError(
                f"{columns} tokens of {net.name} at a context of {context} need {end} groups of scratchpad, but "
                f"the core has {core.scratch_groups} (a larger scratchpad, fewer columns or a shorter context)"
            )
    return context


def longest(core: Core, net: Network, most: int = 2048) -> int:
    """The longest context that fits, in granules, at most `most` tokens and the model's own."""
    granule = core.granule
    places = range(min(most, net.context) // granule * granule, 0, -granule)
    for context in places:
        try:
            return check(core, net, context)
        except InputError as error:
            reason = error
    raise reason if places else InputError(f"{net.name}: its context is below {granule} tokens")


def _check_summed(core: Core, net: Network, context: int) -> None:
    """What is summed must fit into the activation buffer, and its sum into the accumulator."""
    need, what, try_ = max(
        (net.dim, f"{net.name}'s width of {net.dim}", ""), (net.ffn, f"{net.name}'s FFN of {net.ffn}", ""),
        (net.heads * net.head_dim, f"{net.name}'s {net.heads} heads", ""),
        (context, f"a context of {context}", " or a shorter context"),
    )  # fmt: skip
    if groups(need) > core.buffer_groups:
        raise InputError(
            f"{what} needs {groups(need)} groups of activation buffer a column, but the core has "
            f"{core.buffer_groups} (a larger scratchpad, fewer columns{try_})"
        )
    if need > MOST_SUMMED:
        raise InputError(f"{what} is more than the {MOST_SUMMED} products that the accumulator can sum")
