"""Columns of a trace: converted a batch at a time, checked, and joined to Traffic."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import NamedTuple

import numpy as np

from ...errors import BrokenFile
from ..traffic import Pieces, Traffic
from .formats import Format
from .pieces import pieces_of

BATCH_LINES = 10_000
MAX_TOKENS = 1e8  # no request is longer; a bigger number is a broken one
MAX_TIME_S = 1e11  # the year 5138 in seconds since 1970


class Rule(NamedTuple):
    """What a number must be."""

    low: float
    high: float
    whole: bool
    expected: str


PRIORITY = Rule(-1e9, 1e9, True, "a whole number")
BATCH = Rule(1, 1e6, False, "a number of sequences of at least 1")
PROMPT = Rule(1, MAX_TOKENS, True, f"a whole number of tokens from 1 to {MAX_TOKENS:g}")
# A request without output failed: it is counted, then dropped.
OUTPUT = Rule(0, MAX_TOKENS, True, f"a whole number of tokens from 0 to {MAX_TOKENS:g}")


def time_rule(expected: str) -> Rule:
    return Rule(-MAX_TIME_S, MAX_TIME_S, False, expected)


@dataclass(frozen=True)
class Batch:
    """Some requests of a trace, all arrays [requests]; `dropped` more had no output."""

    arrival_s: np.ndarray
    prompt_tokens: np.ndarray
    output_tokens: np.ndarray
    dropped: int
    hashes: list[list] | None = None  # of the pieces of each prompt
    priority: np.ndarray | None = None
    batch: np.ndarray | None = None


def column(
    values: Sequence[object], convert: Callable[..., float], rule: Rule, key: str, place: Callable[[int], str]
) -> np.ndarray:
    """`values` as floats [values]; the first that breaks `rule` raises an error that says where it stands."""
    try:
        found = np.fromiter(map(convert, values), float, len(values))
    except (ValueError, TypeError, OverflowError):
        found = np.array([_or_nan(convert, v) for v in values])
    good = (found >= rule.low) & (found <= rule.high)
    if rule.whole:
        good &= np.floor(found) == found
    if not good.all():
        i = int(np.argmin(good))
        raise BrokenFile(f"{place(i)}: {key} = {_short(values[i])} is not {rule.expected}")
    return found


def _or_nan(convert: Callable[..., float], value: object) -> float:
    try:
        return float(convert(value))
    except (ValueError, TypeError, OverflowError):
        return float("nan")


def _short(value: object, limit: int = 60) -> str:
    try:
        text = repr(value)
    except ValueError:  # an int of more digits than Python prints
        text = "a huge number"
    return text if len(text) <= limit else text[:limit] + "..."


def finished(
    arrival_s: np.ndarray, prompt: Sequence[object], output: Sequence[object], convert: Callable[..., float],
    keys: tuple[str, str], place: Callable[[int], str],
) -> Batch:  # fmt: skip
    """The requests that did not fail, which are those with output tokens."""
    outputs = column(output, convert, OUTPUT, keys[1], place)
    kept = outputs > 0
    # A failed request may lack its prompt length too, so only the others' prompts are held to the rule.
    rows = np.flatnonzero(kept).tolist()
    prompts = column([prompt[i] for i in rows], convert, PROMPT, keys[0], lambda i: place(rows[i]))
    lengths = prompts.astype(np.int64), outputs[kept].astype(np.int64)
    return Batch(arrival_s[kept], *lengths, dropped=int((~kept).sum()))


def numbered_batches(file: Iterable[str], first: int, *ahead: str) -> Iterator[tuple[list[int], list[str]]]:
    """Line numbers and texts of the lines that are not blank, some at a time: a big file needs little memory.

    `ahead` are lines already taken from the file; the first of all is line `first`.
    """
    lines = enumerate(chain(ahead, file), start=first)
    numbered = ((i, line) for i, line in lines if not line.isspace())
    while some := list(islice(numbered, BATCH_LINES)):
        yield [i for i, _ in some], [line for _, line in some]


def request_batch(
    form: Format, name: str, lines: list[int], times: Sequence, prompts: Sequence, outputs: Sequence
) -> Batch:
    """The finished requests of some lines of a file in the format `form`."""

    def place(i: int) -> str:
        return f"{name} line {lines[i]}"

    arrival_s = column(times, form.to_s, time_rule(form.time_is), form.time, place)
    return finished(arrival_s, prompts, outputs, form.to_number, (form.prompt, form.output), place)


def join(batches: Sequence[Batch], name: str, where: str, source: str, prefix_hit: float = 0.0) -> Traffic:
    """The traffic of `batches`: sorted by arrival (equal times keep the file's order), starting at 0 s."""
    dropped = sum(b.dropped for b in batches)
    if not sum(len(b.arrival_s) for b in batches):
        why = f"all {dropped} requests have no output tokens" if dropped else "it holds no request"
        raise BrokenFile(f"{where}: {why} (try a trace with at least one finished request)")
    arrival_s = np.concatenate([b.arrival_s for b in batches])
    order = np.argsort(arrival_s, kind="stable")
    note = f"; dropped {dropped} requests without output" if dropped else ""
    return Traffic(
        name=name,
        arrival_s=arrival_s[order] - arrival_s[order[0]],
        prompt_tokens=np.concatenate([b.prompt_tokens for b in batches])[order],
        output_tokens=np.concatenate([b.output_tokens for b in batches])[order],
        prefix_hit=prefix_hit,
        source=source + note,
        pieces=_pieces(batches, order),
        priority=_priority(batches, order),
        batch=_batch(batches, order),
    )


def _priority(batches: Sequence[Batch], order: np.ndarray) -> np.ndarray | None:
    """Where any batch has one; 0 where a batch has none."""
    if all(b.priority is None for b in batches):
        return None
    each = [np.zeros(len(b.arrival_s), np.int64) if b.priority is None else b.priority for b in batches]
    return np.asarray(np.concatenate(each)[order])


def _batch(batches: Sequence[Batch], order: np.ndarray) -> np.ndarray | None:
    """Where every batch has it."""
    each = [b.batch for b in batches if b.batch is not None]
    return np.asarray(np.concatenate(each)[order]) if len(each) == len(batches) else None


def _pieces(batches: Sequence[Batch], order: np.ndarray) -> Pieces | None:
    """Where every batch has hashes."""
    if any(b.hashes is None for b in batches):
        return None
    hashes = [some for b in batches for some in b.hashes or ()]
    return pieces_of(hashes, np.concatenate([b.prompt_tokens for b in batches]), order)
