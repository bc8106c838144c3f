"""What drawing a token takes beside the head: stacks go over the scores of all words, in 32 bits, many times.

Bytes that PyTorch's kernels load and store a word and request, counted by reading them, about 30 % sure:

    top-p       the sort of a score with its 64-bit place by radix, four passes of 12 bytes in and out and one of counts
                (120), into 32 bits and by the temperature (14), softmax of what is sorted (12), its running sum (8),
                what is beyond it struck out (14), put back in place (16), softmax again, a noise for each word, the
                quotient and the largest of it (32)
    penalties   and before that, for words in prompts and outputs, 64-bit counts that are emptied and compared (37), and
                factors and differences of each word by them (99)

One of a replica's chips does it while the others wait. What the host does for it (a table of all tokens so far, each
step anew) is not counted. A row that says nothing takes the likeliest word, which the head's pass counts.
"""

from __future__ import annotations

from typing import Any

from ..families.gpu.machine import Machine
from ..workload.model import Model

BYTES = {"": 0.0, "greedy": 0.0, "top-p": 216.0, "penalties": 352.0}
_SCORE_BITS = 16.0  # the figure of kernels whose elements are no narrower


def sampled(said: str | None) -> str:
    """How tokens are drawn, by our name: "" where nothing is said.

    >>> sampled(" Top-P "), sampled(None)
    ('top-p', '')
    """
    return (said or "").strip().lower().replace("_", "-")


def cost(machine: Machine, model: Model, how: str, requests: Any) -> tuple[Any, Any]:
    """Seconds and joules of a step for `requests`; arrays alike."""
    n_bytes = BYTES[how] * model.vocabulary * requests
    return n_bytes / machine.stream_bytes_per_s(_SCORE_BITS), n_bytes * machine.j_per_byte
