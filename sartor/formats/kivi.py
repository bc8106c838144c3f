"""Integers of a KV cache in KIVI form; kv.py lays keys and values out. As a format of rows: groups with a minimum.

The row of formats.csv has the mean of keys (32 bits for 32 tokens) and of values (32 bits for a head of 128 channels).
Source: Liu et al., "KIVI", arXiv 2402.02750.
"""

from __future__ import annotations

from dataclasses import replace

from . import integers
from .codec import Codec
from .spec import NumberFormat


def made(form: NumberFormat) -> Codec:
    return integers.made(replace(form, scale_bits=16, offset_bits=16))
