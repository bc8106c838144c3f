"""What an instruction wrote, in 64 bits: the simulator and the golden model compare these, not the data.

Each write becomes one 64-bit number, the splitmix64 mix of what was written where; a digest is their sum
modulo 2^64, so that the order of writes does not count, and digests of parts are added. An element written
twice counts twice. The same arithmetic in C++ is in sartor/sim/trace.h.

Bytes in memory belong to the FENCE that waits for them: the store queue empties after its VEC has ended.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import float32

MODULUS = 2**64
# Kinds of writes, in the highest bits of what is mixed.
SCRATCH, BUFFER, MEMORY = 1, 2, 3
_KIND = np.uint64(60)
_COLUMN, _GROUP, _ADDRESS, _BYTE = (np.uint64(shift) for shift in (40, 8, 32, 8))
_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIXES = (
    (np.uint64(30), np.uint64(0xBF58476D1CE4E5B9)), (np.uint64(27), np.uint64(0x94D049BB133111EB)),
)  # fmt: skip
_LAST = np.uint64(31)


def mix(x: Any) -> np.ndarray:
    """splitmix64 of uint64 numbers.

    Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.

    >>> hex(mix(np.array([0], np.uint64))[0])
    '0xe220a8397b1dcdaf'
    """
    z = np.atleast_1d(np.asarray(x, np.uint64)) + _STEP  # a new array: the rest is in place
    for shift, factor in _MIXES:
        z ^= z >> shift
        z *= factor
    z ^= z >> _LAST
    return z


def digest_scratch(addresses: Any, values: Any) -> int:
    """Numbers written to the scratchpad: element addresses [...] and binary32 values [...]."""
    bits = float32.bits(values).astype(np.uint64).ravel()
    addresses = np.asarray(addresses).astype(np.uint64).ravel()
    return _total(mix(np.uint64(SCRATCH) << _KIND | addresses << _ADDRESS | bits))


def digest_buffer(column: Any, group: Any, codes: Any, exponent: Any) -> int:
    """Groups written to the activation buffer: columns, groups and biased exponents [...], codes
    int8 [..., 32]."""
    column, group, exponent = (
        x.astype(np.uint64).ravel() for x in np.broadcast_arrays(column, group, exponent)
    )
    words = np.ascontiguousarray(codes, np.int8).view("<u8").reshape(-1, 4)
    chain = mix(np.uint64(BUFFER) << _KIND | column << _COLUMN | group << _GROUP | exponent)
    for i in range(4):
        chain = mix(chain + words[:, i])
    return _total(chain)


def digest_memory(addresses: Any, data: Any) -> int:
    """Bytes written to memory: byte addresses [...] and bytes [...]."""
    data = np.ascontiguousarray(data).view(np.uint8).astype(np.uint64).ravel()
    addresses = np.asarray(addresses).astype(np.uint64).ravel()
    return _total(mix(np.uint64(MEMORY) << _KIND | addresses << _BYTE | data))


def _total(mixed: np.ndarray) -> int:
    return int(mixed.sum(dtype=np.uint64))
