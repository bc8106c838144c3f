"""The trace formats with one request a line: what they call their columns, and what their times mean.

Headers as seen in the public data sets in November 2026: Azure LLM inference traces 2023 and 2024, BurstGPT
1 to 3, Mooncake FAST'25, vidur's requests, per-request serving logs. vLLM's benchmark is in `vllm.py`.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from ...errors import BrokenFile


def utc_s(text: str) -> float:
    """Seconds since 1970 of an ISO date and time; UTC where no zone is given. Finer than 1 us is cut.

    >>> utc_s("1970-01-01 00:00:01.5000000"), utc_s("1970-01-01T01:00:00+01:00")
    (1.5, 0.0)
    """
    time = datetime.fromisoformat(text)
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


def number(value: object) -> float:
    """A number of a JSON line; text and true are not numbers there."""
    if type(value) not in (int, float):
        raise TypeError(f"{value!r} is not a number")
    return value  # type: ignore[return-value]


def milliseconds(value: object) -> float:
    return number(value) * 1e-3


@dataclass(frozen=True)
class Format:
    """A trace format. `to_s` makes seconds of a cell of `time`, `to_number` a float of a length."""

    name: str
    kind: str  # "csv": a header line names the columns. "jsonl": each line is an object
    time: str
    prompt: str
    output: str
    to_s: Callable[..., float]
    to_number: Callable[..., float]
    time_is: str  # what a time must look like, for messages
    refused: str = ""  # a column that we do not model

    @property
    def columns(self) -> tuple[str, str, str]:
        return self.time, self.prompt, self.output


FORMATS = (
    Format("Azure LLM inference CSV", "csv", "TIMESTAMP", "ContextTokens", "GeneratedTokens", utc_s, float,
           "a date and time such as 2023-11-16 18:15:46.68", refused="NumImages"),
    Format("BurstGPT CSV", "csv", "Timestamp", "Request tokens", "Response tokens", float, float,
           "a time in seconds"),
    Format("vidur CSV", "csv", "arrived_at", "num_prefill_tokens", "num_decode_tokens", float, float,
           "a time in seconds"),
    Format("Mooncake JSONL", "jsonl", "timestamp", "input_length", "output_length", milliseconds, number,
           "a time in milliseconds"),
    Format("serving log JSONL", "jsonl", "arrival_time", "input_toks", "output_toks", number, number,
           "a time in seconds"),
)  # fmt: skip


def known() -> str:
    """The formats that can be read, for messages."""
    return ", ".join([form.name for form in FORMATS] + ["vLLM benchmark JSON", "counters of `sartor watch`"])


def best(kind: str, names: Iterable[str]) -> tuple[Format, int]:
    """The format of this kind with most of its columns in `names`, and how many those are."""
    found = set(names)
    scored = [(form, len(found & set(form.columns))) for form in FORMATS if form.kind == kind]
    return max(scored, key=lambda pair: pair[1])


def check_columns(form: Format, names: Iterable[str], where: str) -> None:
    """An error names the first column of `form` that `names` lacks, and the name that comes closest."""
    names = list(names)
    missing = next((c for c in form.columns if c not in names), None)
    if missing is None:
        return
    close = difflib.get_close_matches(missing, names, n=1, cutoff=0.5)
    hint = f": is {close[0]!r} meant?" if close else ""
    shown = ", ".join(names)[:120]
    raise BrokenFile(f"{where}: no {missing!r}, which {form.name} needs{hint} (found: {shown})")
