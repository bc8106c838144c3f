"""Boolean functions as liberty files write them: read once, run on whole arrays of bits."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from ..errors import BrokenFile

_TOKEN = re.compile(r"\s*([A-Za-z_][\w\[\].]*|[01]|[!'*&+|^()])")


@lru_cache(maxsize=4096)
def names(function: str) -> tuple[str, ...]:
    """The inputs of a function, in order of first use.

    >>> names("!(A1 & B) | A1'")
    ('A1', 'B')
    """
    return tuple(dict.fromkeys(t for t in _tokens(function) if t[0].isalpha() or t[0] == "_"))


@lru_cache(maxsize=4096)
def truth(function: str, inputs: tuple[str, ...]) -> int:
    """The truth table as an integer: bit i is the output where bit j of i is input j.

    >>> bin(truth("A * B", ("A", "B")))
    '0b1000'
    """
    rows = 1 << len(inputs)
    mask = (1 << rows) - 1
    columns = {}
    for j, name in enumerate(inputs):
        columns[name] = sum(1 << i for i in range(rows) if i >> j & 1)
    return evaluator(function)(columns, mask) & mask


@lru_cache(maxsize=4096)
def evaluator(function: str) -> Callable[[Mapping[str, Any], Any], Any]:
    """function(values by name, all ones): works on integers and on arrays of unsigned integers.

    >>> evaluator("(A B)' + C")({"A": 0b11, "B": 0b01, "C": 0b00}, 0b11)
    2
    """
    tokens = [*_tokens(function), ""]
    source, rest = _sum(tokens)
    if rest != [""]:
        raise BrokenFile(f"liberty: cannot read the function {function!r} at {rest[0]!r}")
    # The source holds nothing but the names, operators and parentheses that were read above.
    return eval(f"lambda v, ones: {source}")  # type: ignore[no-any-return]


def _tokens(function: str) -> list[str]:
    tokens, at = [], 0
    text = function.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise BrokenFile(f"liberty: cannot read the function {function!r} at {text[at:][:20]!r}")
        tokens.append(match[1])
        at = match.end()
    return tokens


def _sum(tokens: list[str]) -> tuple[str, list[str]]:
    """Liberty binds ! first, then ^, then AND (also by standing side by side), then OR."""
    left, tokens = _product(tokens)
    while tokens[0] in ("+", "|"):
        right, tokens = _product(tokens[1:])
        left = f"({left} | {right})"
    return left, tokens


def _product(tokens: list[str]) -> tuple[str, list[str]]:
    left, tokens = _exclusive(tokens)
    while tokens[0] and tokens[0] not in "+|)":
        right, tokens = _exclusive(tokens[1:] if tokens[0] in "*&" else tokens)
        left = f"({left} & {right})"
    return left, tokens


def _exclusive(tokens: list[str]) -> tuple[str, list[str]]:
    left, tokens = _factor(tokens)
    while tokens[0] == "^":
        right, tokens = _factor(tokens[1:])
        left = f"({left} ^ {right})"
    return left, tokens


def _factor(tokens: list[str]) -> tuple[str, list[str]]:
    head, tokens = tokens[0], tokens[1:]
    if head == "!":
        inner, tokens = _factor(tokens)
        return f"({inner} ^ ones)", tokens
    if head == "(":
        inner, tokens = _sum(tokens)
        if tokens[0] != ")":
            raise BrokenFile("liberty: a function lacks a closing parenthesis")
        tokens = tokens[1:]
    elif head in ("0", "1"):
        inner = "ones" if head == "1" else "(ones ^ ones)"
    elif head and (head[0].isalpha() or head[0] == "_"):
        inner = f"v[{head!r}]"
    else:
        raise BrokenFile(f"liberty: a function ends or has {head!r} where an input belongs")
    while tokens[0] == "'":
        inner, tokens = f"({inner} ^ ones)", tokens[1:]
    return inner, tokens
