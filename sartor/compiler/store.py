"""Compiled networks, kept by content: the same core, weights and context are packed once by the same code."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from dataclasses import fields
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..families.tensor import lower, memory_map
from ..families.tensor.core import Core
from ..families.tensor.network import Network
from ..families.tensor.stream_shape import Shape
from ..formats.blocks import Blocks
from ..version import code
from ..workload.cache import used
from ..workload.fetch import cache_folder
from . import binary
from .binary import Binary, Progress

# What decides the bytes of an image beside the weights: how they are read, quantized and laid out. Other code packs
# again, into a folder of its own.
PARTS = ("compiler", "formats", "families/tensor", "workload/readers", "data/formats.csv", "data/gguf_types.csv")
NOT_IN_IMAGE = ("families/tensor/rtl", "families/tensor/kernels")


def compiled(
    core: Core,
    net: Network,
    key: str,
    context: int,
    progress: Progress | None = None,
    folder: Path | None = None,
    sequences: int = 1,
) -> tuple[Binary, Path]:
    """`net` for `core`, and the file of its memory image. `key` names the weights by content.

    The image is mapped copy-on-write: what a model of the core writes stays with it.
    """
    context = memory_map.check(core, net, context)
    place = (folder or cache_folder()) / "images"
    path = place / code(PARTS, NOT_IN_IMAGE) / f"{_name(core, net, key, context, sequences)}.bin"
    memory = planned(core, net, context, sequences)
    if not path.is_file() or path.stat().st_size != memory.nbytes:
        _write(path, binary.compile_network(core, net, context, progress, sequences).image)
    used(path.parent)
    image = np.memmap(path, np.uint8, "c")
    program = lower.lower(core, net, memory)
    return Binary(core, net.name, net.vocabulary, memory, program, image), path


def planned(core: Core, net: Network, context: int, sequences: int = 1) -> memory_map.MemoryMap:
    """The memory map, without packing anything."""
    layer = net.layers[0]
    gamma = -(-net.dim * 4 // core.port_bytes)
    offsets = -(-net.kv_heads * net.head_dim * 4 // core.port_bytes) * core.balanced
    words = len(net.layers) * (2 * gamma + offsets + sum(_words(core, m) for m in layer.matrices.values()))
    return memory_map.memory_map(core, net, context, words, words + gamma + _words(core, net.head), sequences)


def _words(core: Core, w: Blocks) -> int:
    return Shape(core, w.n, w.k, w.coding.element, w.coding.scale, w.share(core.lanes), w.coding.planes).words


_NOT_IN_IMAGE = {"vector_lanes", "buffer_groups", "scratch_groups", "weight_fifo_words", "cache_fifo_words", "columns"}


def _name(core: Core, net: Network, key: str, context: int, sequences: int) -> str:
    """What decides the image: not the vector unit, the FIFOs or the sizes of the core's memories."""
    same = [(f.name, getattr(core, f.name)) for f in fields(core) if f.name not in _NOT_IN_IMAGE]
    text = repr((same, key, net.name, len(net.layers), net.vocabulary, context, sequences))
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _write(path: Path, image: np.ndarray) -> None:
    """Whole or not at all."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                image.tofile(file)
            os.replace(name, path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name)
    except OSError as error:
        raise InputError(
            f"{path.parent}: {error.strerror or error} (set SARTOR_CACHE to a folder to write to)"
        ) from None
