"""Bit fields of an instruction, drawn word by word as the host writes them."""

from __future__ import annotations

from typing import Any

from ..tags import Html, tag
from .drawing import svg, write
from .instructions import pieces

_BITS, _BIT, _LEFT = 32, 28.5, 62.0  # bits of a word, drawing units of a bit, and left of the first
_LETTER = 6.7  # drawing units of a letter
_HEAD, _LOW, _GAP = 16.0, 30.0, 8.0


def fields_svg(operation: dict[str, Any]) -> Html:
    """One row a word, the highest bit on the left."""
    drawn, top = [], 0.0
    words = pieces(operation["fields"])
    for number, word in enumerate(words):
        height = max([_LOW, *(_LETTER * len(n) + 10 for n, low, high in word if _turned(n, low, high))])
        drawn.append(write(_LEFT - 10, top + _HEAD + height / 2 + 4, f"word {number}", "right"))
        drawn += [_field(name, low, high, top + _HEAD, height) for name, low, high in word]
        top += _HEAD + height + _GAP
    label = f"bit fields of {operation['name']}"
    return svg(_LEFT + _BITS * _BIT + 2, top, *drawn, label=label, cls="bits")


def _turned(name: str, low: int, high: int) -> bool:
    """Whether the name only fits along the height."""
    return _LETTER * len(name) + 4 > (high - low + 1) * _BIT


def _field(name: str, low: int, high: int, top: float, height: float) -> Html:
    x, width = _LEFT + (_BITS - 1 - high) * _BIT, (high - low + 1) * _BIT
    middle = x + width / 2
    rect = tag("rect", x=f"{x:g}", y=f"{top:g}", width=f"{width:g}", height=f"{height:g}",
               cls="opcode" if name == "opcode" else "field")  # fmt: skip
    turned = _turned(name, low, high)
    text = write(middle + (4 if turned else 0), top + height / 2 + (0 if turned else 4), name, "code", turned)
    if high == low:
        return rect + text + write(middle, top - 4, f"{high}", "bit")
    ends = write(x + 9, top - 4, f"{high}", "bit") + write(x + width - 9, top - 4, f"{low}", "bit")
    return rect + text + ends
