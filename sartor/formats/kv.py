"""What a format does to a KV cache: keys by channel, values by token.

Integers without a group in their name (int8, int4, int3, int2) are in KIVI form: binary16 scale and minimum, of keys
for each channel over `tokens` neighbors in time, of values for each token and head over its channels. Tokens that do
not fill a group yet, and the newest `residual` ones, are in binary16. All other formats take the channels of a token
and head as a row; a scale that is the tensor's is that of all keys, or all values. Of a pair (pair.py) each its own.
Source: Liu et al., "KIVI", arXiv 2402.02750.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .codec import Codec, codec
from .integers import made
from .pair import of_keys, of_values
from .spec import NumberFormat, format_named

TOKENS = 32


def round_trip_keys(k: np.ndarray, name: str, tokens: int = TOKENS, residual: int = 0) -> np.ndarray:
    """float32 [tokens, heads, dim]: the keys as they come back."""
    form = format_named(of_keys(name))
    if not _kivi(form):
        return _by_token(k, codec(form.name), residual)
    cut = max(0, len(k) - residual) // tokens * tokens
    out = _binary16(k)
    if cut:
        channels = np.ascontiguousarray(k[:cut].reshape(cut, -1).T)
        out[:cut] = _minimum(form, tokens).round_trip(channels, "the keys").T.reshape(k[:cut].shape)
    return out


def round_trip_values(v: np.ndarray, name: str, residual: int = 0) -> np.ndarray:
    """float32 [tokens, heads, dim]: the values as they come back."""
    form = format_named(of_values(name))
    return _by_token(v, _minimum(form, v.shape[2]) if _kivi(form) else codec(form.name), residual)


def _kivi(form: NumberFormat) -> bool:
    return form.codec == "kivi" or (form.element == "integer" and not form.group)


def _minimum(form: NumberFormat, group: int) -> Codec:
    return made(replace(form, group=group, scale_bits=16, offset_bits=16))


def _by_token(x: np.ndarray, each: Codec, residual: int) -> np.ndarray:
    out = _binary16(x)
    if cut := max(0, len(x) - residual):
        rows = x[:cut].reshape(-1, x.shape[2])
        out[:cut] = each.round_trip(rows, "the cache").reshape(x[:cut].shape)
    return out


def _binary16(x: np.ndarray) -> np.ndarray:
    return x.astype(np.float16).astype(np.float32)
