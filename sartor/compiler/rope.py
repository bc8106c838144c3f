"""Scaled rotary angles: what a checkpoint says, as divisors of the angle of each pair.

Linear: all angles are divided (Chen et al., arXiv 2306.15595). Llama 3: long waves are divided, short ones are not,
those between partly (transformers, modeling_rope_utils.py). Other kinds also change with the context or scale the
attention: they are refused by name.
"""

from __future__ import annotations

import math

import numpy as np

from ..workload.readers.fields import Fields

KINDS = ("default", "none", "linear", "llama3")


def divisors(f: Fields, head_dim: int, base: float) -> tuple[float, ...]:
    """Of a config's `rope_scaling` or `rope_parameters`; () where angles are as they are."""
    match f.one_of("rope_type", "type", known=KINDS, default="default"):
        case "linear":
            return (f.real("factor"),) * (head_dim // 2)
        case "llama3":
            return _llama3(f, head_dim, base)
        case _:
            return ()


def _llama3(f: Fields, head_dim: int, base: float) -> tuple[float, ...]:
    factor, low, high = f.real("factor"), f.real("low_freq_factor"), f.real("high_freq_factor")
    if not low < high:
        raise f.fail("high_freq_factor", f"must be above low_freq_factor = {low:g}")
    waves = f.real("original_max_position_embeddings") / (
        2 * math.pi * base ** (np.arange(0, head_dim, 2) / head_dim)
    )  # in the original context
    kept = np.clip((waves - low) / (high - low), 0, 1)
    return tuple(float(v) for v in 1 / (kept + (1 - kept) / factor))
