"""Chips, copies of attention and requests of a serving point, from the columns of its row.

With attention data-parallel, `batch_size` is of one copy. Some tables multiply the copies, or the parts of experts,
once more: the same run, its TPOT and TTFT equal to all digits, stands there with 8 copies on 8 chips and with 64; with
tp_size 2 and no copies, and with tp_size 2 and 2 copies; with tp_size 8 and experts over 8, and with tp_size 64 and
experts in 8 parts over 8, called `tp8_ep8`. Such rows name a square number of chips, and it is the root of it.
"""

from __future__ import annotations

import math
import re
from typing import TypeGuard

from .kind import Inputs

_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]*)?")


def arranged(inputs: Inputs) -> Inputs:
    """`inputs` with all chips, the copies of attention among them, all requests at once, the most that the service was
    started for, and whether experts lie whole on chips.

    >>> point = {"chips": 1, "copies": "8", "at_once": 4, "expert_parts": "1", "expert_ranks": "8"}
    >>> [arranged(point)[name] for name in ("chips", "copies", "at_once")]
    [8, 8, 32]
    >>> squared = {"chips": 4, "copies": "4", "at_once": 4, "expert_parts": "1", "expert_ranks": "16"}
    >>> [arranged(squared)[name] for name in ("chips", "copies", "at_once")]
    [4, 1, 16]
    >>> parts = {"chips": 64, "copies": "1", "at_once": 16, "expert_parts": "8", "expert_ranks": "8"}
    >>> [arranged(parts)[name] for name in ("chips", "copies", "at_once")]
    [8, 1, 16]
    >>> arranged(parts)["whole"], arranged(parts | {"chips": 8, "expert_ranks": "1"})["whole"]
    (True, False)
    """
    tensor, copies = inputs["chips"], count(inputs.get("copies"))
    chips = tensor * copies
    root, experts = math.isqrt(chips), [count(inputs.get(name)) for name in ("expert_parts", "expert_ranks")]
    if chips > 1 and root * root == chips and (tensor == copies or experts == [root, root]):
        chips = root
    kept = {name: value for name, value in inputs.items() if name not in ("expert_parts", "expert_ranks")}
    beside = max(chips // tensor, 1)
    most = count(inputs["most"]) * beside if known(inputs.get("most")) else math.inf
    arranged = {"chips": chips, "copies": beside, "at_once": inputs["at_once"] * copies, "most": most}
    return {**kept, **arranged, "whole": 1 < chips <= experts[1]}


def experts_on_too_many(inputs: Inputs) -> bool:
    """Whether experts are spread over more chips than a row has."""
    return "expert_ranks" in inputs and count(inputs["expert_ranks"]) > inputs["chips"] * count(inputs["copies"])


def count(text: str | None) -> int:
    """A whole number in a column that may be empty; 1 where it says nothing.

    >>> count("4"), count("4.0"), count(""), count("0"), count(None)
    (4, 4, 1, 1, 1)
    """
    return int(float(text)) if text and known(text) else 1


def known(text: str | None) -> TypeGuard[str]:
    """Whether a column holds a number of at least 1.

    >>> known("4.0"), known(""), known("0"), known(None), known("1e9")
    (True, False, False, False, False)
    """
    return bool(text) and _NUMBER.fullmatch(str(text).strip()) is not None and float(str(text)) >= 1
