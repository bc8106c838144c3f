"""Ports of the memory block: its commands, its words, and the memory port."""

from __future__ import annotations

from amaranth.hdl import unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..core import Core
from .cache_address import key_bytes, log2
from .matrix_ports import CODE_BITS

ADDRESS_BITS = 32  # words of the memory port
WORDS_BITS = 32  # of a STREAM
RUN_BITS = 24  # words of one run of a FETCH
OUTER_BITS = 8
WEIGHTS, CACHE = 0, 1  # tags


def stream_layout() -> data.StructLayout:
    """STREAM: `words` words from `address`."""
    return data.StructLayout({"address": unsigned(ADDRESS_BITS), "words": unsigned(WORDS_BITS)})


def fetch_layout() -> data.StructLayout:
    """FETCH, resolved: `outer` runs of `run` words, `stride` words from the start of one to the next."""
    return data.StructLayout(
        {
            "address": unsigned(ADDRESS_BITS), "run": unsigned(RUN_BITS), "outer": unsigned(OUTER_BITS),
            "stride": unsigned(ADDRESS_BITS),
        }
    )  # fmt: skip


def store_layout(core: Core) -> data.StructLayout:
    """What a word to write is made of (store_word.py): `codes` of a key or of the rows of values, or a `scale` repeated
    in them; `offset`: the byte in the word at which they belong."""
    return data.StructLayout(
        {
            "address": unsigned(ADDRESS_BITS), "codes": unsigned(CODE_BITS * key_bytes(core)),
            "offset": unsigned(log2(core.port_bytes)), "values": unsigned(1), "scale": unsigned(1),
        }
    )  # fmt: skip


def words_signature(core: Core) -> stream.Signature:
    """Words of the memory port."""
    return stream.Signature(unsigned(8 * core.port_bytes))


def request_signature(core: Core) -> wiring.Signature:
    """Requests of the memory port, one word each; `tag` comes back with what is read."""
    return wiring.Signature(
        {
            "valid": Out(1), "ready": In(1), "write": Out(1), "address": Out(ADDRESS_BITS),
            "data": Out(8 * core.port_bytes), "mask": Out(core.port_bytes), "tag": Out(1),
        }
    )  # fmt: skip


def response_signature(core: Core) -> wiring.Signature:
    """What was read; always taken."""
    return wiring.Signature({"valid": Out(1), "data": Out(8 * core.port_bytes), "tag": Out(1)})
