"""The pace of a pass: how many cycles a vector word takes, and what happens in each of them.

A word has several phases, a cycle each. Phase 0 reads `a` from the scratchpad, or the first phases take it from
a stream, `chunks` words of it. `b` as a factor is read in the phase after a scratch `a`, or with the last stream
word: the launch phase, after which a and p are complete. A scratch addend is read in the phase after that.
Functions take two cycles a word, because two lanes share one unit. A reduction sends every word twice through the
adder: two cycles a word, and enough for the sum of the same slot; a power of two, so that both ways never meet.
"""

from __future__ import annotations

from ....rtl import float_add
from ..core import GROUP, Core
from ..isa import Source

FUNCTION_INTERVAL = 2
BYTES = {Source.WEIGHTS: 4, Source.CACHE: 4, Source.CACHE_BF16: 2}  # of a number in a stream
MOST_INTERVAL = 16


def chunks(core: Core, source: Source) -> int:
    """Stream words that one vector word takes, at least 1."""
    return max(1, core.vector_lanes * BYTES[source] // core.port_bytes)


def slices(core: Core, source: Source) -> int:
    """Vector words in one stream word, at least 1."""
    return max(1, core.port_bytes // (core.vector_lanes * BYTES[source]))


def reduce_interval(core: Core) -> int:
    """Least cycles a word of a reduction: a slot's sum must be back before the next one reads it, a cycle early."""
    return max(2, _power(-(-(float_add.LATENCY + 1) * core.vector_lanes // GROUP)))


def _power(x: int) -> int:
    return 1 << (x - 1).bit_length()
