"""What formats do to numbers: weights, activations along their last axis, keys and values of the cache.

`chip` is what the generated chip does (docs/numerics.md, section 3): codes of 8 bits with a power of two for 32
neighbors, for keys alike, for values one for a head and token, exponents of the cache clamped; of a cache of 4 bits
likewise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..families.tensor.core import GROUP
from ..families.tensor.numerics import EXPONENT_BIAS, biased_exponent, cache_exponent
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


def chip_groups(x: np.ndarray, bits: int = 0) -> np.ndarray:
    """Groups of 32 along the last axis, as activations; with `bits` as keys of so many."""
    if x.shape[-1] % GROUP:
        raise InputError(f"rows of {x.shape[-1]} numbers are not whole groups of {GROUP}, which the chip quantizes")
    groups = x.reshape(*x.shape[:-1], -1, GROUP)
    largest = _largest(groups)
    return _coded(groups, cache_exponent(largest, bits) if bits else largest, bits or 8).reshape(x.shape)


def chip_keys(keys: np.ndarray, bits: int = 8) -> np.ndarray:
    """[tokens, heads, head_dim]."""
    return chip_groups(keys, bits)


def chip_values(values: np.ndarray, bits: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Codes [tokens, heads, head_dim] and scales [tokens, heads]."""
    exponent = cache_exponent(_largest(values), bits)
    scale = np.ldexp(np.float32(1), exponent - EXPONENT_BIAS)
    return _coded(values, exponent, bits) / scale, scale[..., 0]


def _largest(groups: np.ndarray) -> np.ndarray:
    """The biased exponent of each group, [..., 1]."""
    return biased_exponent(np.abs(groups).max(-1, keepdims=True))


def _coded(groups: np.ndarray, exponent: np.ndarray, bits: int) -> np.ndarray:
    scale = np.ldexp(np.float32(1), exponent - EXPONENT_BIAS)
    codes = groups / scale
    most = (1 << bits - 1) - 1
    np.clip(np.rint(codes, out=codes), -most, most, out=codes)
    codes *= scale
    return codes
