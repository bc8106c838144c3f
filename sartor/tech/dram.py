"""Off-chip memory: what of its peak a pattern gets, and what a byte costs in energy, area and dollars."""

from __future__ import annotations

from typing import Any

from .technology import Technology


def stream_bytes_per_s(tech: Technology, kind: Any, peak_bytes_per_s: Any) -> Any:
    """Sequential reads (weights): peak less refresh and bank conflicts."""
    return peak_bytes_per_s * tech.column("memories", "sequential_efficiency", kind)


def chunk_efficiency(tech: Technology, kind: Any, chunk_bytes: Any) -> Any:
    """Share of the sequential rate that random contiguous chunks (cache pages) get: c / (c + half).

    Fit to Ramulator 2.1 chunk reads of 512 B to 32 KB in one channel, LPDDR5, HBM3 and GDDR6 with bank groups
    interleaved: half of the points within 1 %, the worst 9 % off. Chunks below 512 B lose more than this
    says.
    """
    return chunk_bytes / (chunk_bytes + tech.column("memories", "chunk_half", kind))


def access_j_per_byte(tech: Technology, kind: Any) -> Any:
    """Device, PHY and controller together."""
    return tech.column("memories", "energy", kind)
