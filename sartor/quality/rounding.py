"""What formats do to numbers: weights, activations along their last axis, keys and values of the cache.

`chip` is what the generated chip does (docs/numerics.md, section 3): codes of 8 bits with a power of two for 32
neighbors, for keys alike, for values one for a head and token, exponents of the cache clamped; of a cache of 4 bits
likewise, with scales of two more bits and a sign.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..families.tensor.cache_numerics import cache_scale, coded, key_scale, scale_value
from ..families.tensor.core import GROUP
from ..families.tensor.numerics import EXPONENT_BIAS, biased_exponent, marked
from ..formats import kv
from ..formats.codec import codec
from .classes import STORED
from .recipe import CACHES, CHIP

Rounding = Callable[[np.ndarray], np.ndarray]


def weights(name: str, where: str) -> Rounding:
    """[n, k] to [n, k]; `where` names the tensor in errors."""
    return lambda w: codec(name).round_trip(w, where)


def activations(name: str) -> Rounding | None:
    """[..., k] to [..., k], each row by itself; None where nothing is rounded."""
    if name == STORED:
        return None
    if name == CHIP:
        return chip_groups
    return lambda x: weights(name, "activations")(x.reshape(-1, x.shape[-1])).reshape(x.shape)


@dataclass(frozen=True)
class Cache:
    """Keys and values [tokens, heads, head_dim] in the format of the cache."""

    name: str

    def keys(self, x: np.ndarray) -> np.ndarray:
        return kv.round_trip_keys(x, self.name)

    def values(self, x: np.ndarray) -> np.ndarray:
        return kv.round_trip_values(x, self.name)


def cache(name: str) -> Cache | None:
    return None if name in (STORED, *CACHES) else Cache(name)


def chip_groups(x: np.ndarray) -> np.ndarray:
    """Groups of 32 along the last axis, as activations."""
    groups = _groups(x)
    scale = np.ldexp(np.float32(1), biased_exponent(np.abs(groups).max(-1, keepdims=True)) - EXPONENT_BIAS)
    return (coded(groups, scale, 8) * scale).reshape(x.shape)


def chip_keys(keys: np.ndarray, bits: int = 8) -> np.ndarray:
    """Groups of 32 along the last axis, as keys."""
    groups = _groups(keys)
    scale = _float(key_scale(groups, bits))
    return (coded(groups, scale, bits) * scale).reshape(keys.shape)


def chip_values(values: np.ndarray, bits: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Codes [tokens, heads, head_dim] and scales [tokens, heads]."""
    scale = _float(cache_scale(marked(values).max(-1), bits))
    return coded(values, scale, bits), scale[..., 0]


def _float(scale: np.ndarray) -> np.ndarray:
    return scale_value(scale[..., None]).astype(np.float32)


def _groups(x: np.ndarray) -> np.ndarray:
    if x.shape[-1] % GROUP:
        raise InputError(f"rows of {x.shape[-1]} numbers are not whole groups of {GROUP}, which the chip quantizes")
    return x.reshape(*x.shape[:-1], -1, GROUP)
