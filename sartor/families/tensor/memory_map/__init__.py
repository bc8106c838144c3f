"""Where everything lies: in the scratchpad of the core, and in its memory."""

from .fits import MOST_SUMMED, check, longest
from .memory import CacheMap, MemoryMap, cache_map, memory_map
from .scratchpad import Scratch, groups, scratch

__all__ = [
    "MOST_SUMMED", "CacheMap", "MemoryMap", "Scratch", "cache_map", "check", "groups", "longest", "memory_map",
    "scratch",
]  # fmt: skip
