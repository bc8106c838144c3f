"""Pieces of prompts from the hashes in a trace."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..traffic import Pieces

SIZES = (16, 32, 64, 128, 256, 512, 1024)  # tokens that a hash may stand for


def pieces_of(hashes: Sequence[Sequence], prompt_tokens: np.ndarray, order: np.ndarray) -> Pieces | None:
    """The pieces of all requests in the order `order`; None where the hashes do not tell what they stand for: the size
    in tokens is the one that gives every prompt as many pieces as it has hashes.

    >>> pieces_of([["a", "b"], ["a"]], np.array([30, 16]), np.array([1, 0]))
    Pieces(starts=array([0, 1, 3]), ids=array([0, 0, 1]), tokens=16)
    """
    counts = np.array([len(some) for some in hashes])
    size = next((s for s in SIZES if (np.ceil(prompt_tokens / s) == counts).all()), None)
    if size is None:
        return None
    numbers: dict = {}
    ids = [numbers.setdefault(piece, len(numbers)) for i in order for piece in hashes[i]]
    starts = np.concatenate([[0], np.cumsum(counts[order])])
    return Pieces(starts, np.array(ids, np.int64), size)
