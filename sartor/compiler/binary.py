"""A network compiled for a core: its memory image, its program, and where everything lies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ..families.tensor import lower, memory_map
from ..families.tensor.core import Core
from ..families.tensor.layout import pack_matrix
from ..families.tensor.memory_map import MemoryMap
from ..families.tensor.network import Layer, Network
from ..formats.blocks import Blocks

Progress = Callable[[str, float], None]  # what, done share


@dataclass(frozen=True, eq=False)
class Binary:
    """`image` uint8 [memory.nbytes]: weight stream, embedding, rope table, empty KV cache."""

    core: Core
    network: str
    vocabulary: int
    memory: MemoryMap
    program: lower.Program
    image: np.ndarray

    def row(self, token: int) -> int:
        """Memory address of a token's embedding row."""
        return self.memory.embedding + token * self.memory.row_words


def compile_network(
    core: Core, net: Network, context: int, progress: Progress | None = None, sequences: int = 1
) -> Binary:
    """`net` for `core` with room for `context` tokens of each of `sequences`; what cannot be mapped is refused by
    name."""
    context = memory_map.check(core, net, context)
    parts = list(_stream(core, net, progress or (lambda what, share: None)))
    head_parts = _norm_bytes(core, net.final_norm), _packed(core, whole_tiles(core, net.head))
    layer_words = sum(len(p) for p in parts) // core.port_bytes
    stream = [*parts, *head_parts]
    stream_words = sum(len(p) for p in stream) // core.port_bytes
    memory = memory_map.memory_map(core, net, context, layer_words, stream_words, sequences)
    image = np.zeros(memory.nbytes, np.uint8)
    at = 0
    for part in stream:
        image[at : at + len(part)] = part
        at += len(part)
    _tables(image, net, memory)
    return Binary(core, net.name, net.vocabulary, memory, lower.lower(core, net, memory), image)


def _stream(core: Core, net: Network, progress: Progress) -> Iterator[np.ndarray]:
    """The weight stream of the layers, in the order in which the program takes it."""
    for i, layer in enumerate(net.layers):
        progress("packing weights", i / len(net.layers))
        yield from _layer(core, net, layer)


def _layer(core: Core, net: Network, layer: Layer) -> Iterator[np.ndarray]:
    yield _norm_bytes(core, layer.attention_norm)
    yield _packed(core, layer.qkv)
    if layer.values is not None:
        yield _packed(core, layer.values)
    if core.balanced:
        offset = np.zeros(net.kv_heads * net.head_dim) if layer.key_offset is None else layer.key_offset
        yield _norm_bytes(core, offset)
    yield _packed(core, layer.output)
    yield _norm_bytes(core, layer.ffn_norm)
    yield _packed(core, layer.gate_up)
    yield _packed(core, layer.down)


def _norm_bytes(core: Core, gamma: np.ndarray) -> np.ndarray:
    raw = np.ascontiguousarray(gamma, "<f4").view(np.uint8)
    return np.pad(raw, (0, -len(raw) % core.port_bytes))


def _packed(core: Core, w: Blocks) -> np.ndarray:
    w = w.in_folds(core.lanes)
    return pack_matrix(
        core, w.codes, w.scale, w.minimum, w.coding.element, w.share(core.lanes), w.coding.scale
    )


def whole_tiles(core: Core, head: Blocks) -> Blocks:
    """The head with whole row tiles: the last row again, which never wins over itself. Zeros would win where
    all logits are negative."""
    rows = np.arange(-(-head.n // core.rows) * core.rows)
    return head if len(rows) == head.n else head.rows(np.minimum(rows, head.n - 1))


def _tables(image: np.ndarray, net: Network, memory: MemoryMap) -> None:
    """Embedding rows as binary32 (d q is exact), and rope angles."""
    port = memory.core.port_bytes
    rows = np.zeros((net.vocabulary, memory.row_words * port // 4), np.float32)
    for start in range(0, net.vocabulary, 8192):
        part = slice(start, min(start + 8192, net.vocabulary))
        rows[part, : net.dim] = net.embedding.rows(part).dequantized()
    _put(image, memory.embedding * port, rows)
    _put(image, memory.rope * port, net.rope(np.arange(memory.context)))


def _put(image: np.ndarray, at: int, values: np.ndarray) -> None:
    raw = np.ascontiguousarray(values, "<f4").view(np.uint8).ravel()
    image[at : at + len(raw)] = raw
