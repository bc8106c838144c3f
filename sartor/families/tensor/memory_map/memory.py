"""Where weights, embedding, angles and KV cache lie in the memory."""

from __future__ import annotations

from dataclasses import dataclass

from ....errors import InputError
from ..core import GROUP, Core
from ..network import Network

VALUE_BYTES = 4  # binary32
SCALE_BYTES = 2


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
    key_unit = blocks // slots * (slots * (SCALE_BYTES + GROUP * core.key_bits // 8) // core.port_bytes)
    value_unit = core.granule * core.rows * core.cache_bits // (8 * core.port_bytes)
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
    cache_words: int  # of one sequence
    sequences: int
    end: int
    head: CacheMap

    @property
    def nbytes(self) -> int:
        return self.end * self.core.port_bytes

    def cache_of(self, place: int) -> int:
        """Words from the first sequence's cache to that of another."""
        if not 0 <= place < self.sequences:
            raise InputError(f"place {place} is not one of the {self.sequences} that the memory has for sequences")
        return place * self.cache_words


def memory_map(
    core: Core, net: Network, context: int, layer_words: int, stream_words: int, sequences: int = 1
) -> MemoryMap:
    """Each of so many `sequences` has a cache of its own for `context` tokens."""
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
        sequences, cache + sequences * cache_words, head,
    )  # fmt: skip
