"""JSON traces: one object a line, or vLLM's one object a file."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import numpy as np

from ...errors import BrokenFile
from ..traffic import Traffic
from . import scraped, vllm
from .columns import BATCH, PRIORITY, column, join, numbered_batches, request_batch
from .formats import Format, best, check_columns, known, number
from .prefix import PrefixCache


def read(file: IO[str], path: Path, first: int, line: str) -> Traffic:
    """JSON lines if the first is a whole object of a known kind, else vLLM's one object."""
    if _is_scraped(line):
        return scraped.read(file, path, first, line)
    form = _format_of(line)
    if form is not None:
        return _read_lines(file, path, first, line, form)
    whole = _parsed(line + file.read(), path.name, first)
    if not isinstance(whole, dict) or not {"duration", "input_lens"} & set(whole):
        raise BrokenFile(f"{path.name} line {first}: is JSON, but no known trace (try one of: {known()})")
    return vllm.traffic(whole, path)


def _is_scraped(line: str) -> bool:
    """Whether it is what `sartor watch` writes."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(entry, dict) and scraped.KEY in entry


def _format_of(line: str) -> Format | None:
    """The format of a file that starts with `line`; None where that is not an object with any known key."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(entry, dict) or "input_lens" in entry:
        return None
    form, matches = best("jsonl", entry)
    return form if matches else None


def _parsed(text: str, name: str, line: int) -> Any:
    """The JSON of `text`, which starts at `line` of the file."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        at = line + getattr(error, "lineno", 1) - 1
        why = str(getattr(error, "msg", error))[:80]
        raise BrokenFile(f"{name} line {at}: {text.strip()[:60]!r} is not whole JSON: {why}") from None


def _read_lines(file: IO[str], path: Path, first: int, line: str, form: Format) -> Traffic:
    name, cache, batches = path.name, PrefixCache(), []
    for lines, texts in numbered_batches(file, first, line):
        entries = [_entry(text, name, i, form) for i, text in zip(lines, texts, strict=True)]
        columns = ([entry[c] for entry in entries] for c in form.columns)
        batch = request_batch(form, name, lines, *columns)
        hashes = [_hashes(entry.get("hash_ids"), name, i) for i, entry in zip(lines, entries, strict=True)]
        for some in hashes:
            cache.add(some)
        kept = [some for some, entry in zip(hashes, entries, strict=True) if entry[form.output] > 0]
        priority, together = _priorities(entries, form, name, lines), _together(entries, form, name, lines)
        batches.append(replace(batch, hashes=kept if any(kept) else None, priority=priority, batch=together))
    return join(batches, path.stem, name, f"{form.name} {name}", cache.hit)


def _priorities(entries: list[dict], form: Format, name: str, lines: list[int]) -> np.ndarray | None:
    """Of the finished requests; 0 where an entry has none, None where no entry has one."""
    rows = [i for i, entry in enumerate(entries) if entry[form.output] > 0]
    if not any("priority" in entries[i] for i in rows):
        return None
    values = [entries[i].get("priority", 0) for i in rows]
    found = column(values, number, PRIORITY, "priority", lambda i: f"{name} line {lines[rows[i]]}")
    return found.astype(np.int64)


def _together(entries: list[dict], form: Format, name: str, lines: list[int]) -> np.ndarray | None:
    """Sequences in a decode pass of each finished request; None where one of them lacks it."""
    rows = [i for i, entry in enumerate(entries) if entry[form.output] > 0]
    if not all("batch" in entries[i] for i in rows):
        return None
    values = [entries[i]["batch"] for i in rows]
    return column(values, number, BATCH, "batch", lambda i: f"{name} line {lines[rows[i]]}")


def _entry(text: str, name: str, line: int, form: Format) -> dict:
    entry = _parsed(text, name, line)
    if not isinstance(entry, dict):
        wanted = ", ".join(form.columns)
        raise BrokenFile(f"{name} line {line}: {text.strip()[:60]!r} is not an object with {wanted}")
    if not all(c in entry for c in form.columns):  # asked here first, for speed
        check_columns(form, entry, f"{name} line {line}")
    return entry


def _hashes(hashes: Any, name: str, line: int) -> list:
    """The hashes of a prompt's blocks, checked; null is none."""
    hashes = [] if hashes is None else hashes
    if not isinstance(hashes, list) or not {int, str}.issuperset(map(type, hashes)):
        raise BrokenFile(f"{name} line {line}: hash_ids = {repr(hashes)[:60]} is not a list of numbers")
    return hashes
