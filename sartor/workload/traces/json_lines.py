"""JSON traces: one object a line, or vLLM's one object a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO, Any

from ...errors import BrokenFile, UnknownName
from ..traffic import Traffic
from . import vllm
from .columns import join, numbered_batches, request_batch
from .formats import FORMATS, Format, known
from .prefix import PrefixCache


def read(file: IO[str], path: Path, first: int, line: str) -> Traffic:
    """JSON lines if the first is a whole object of a known kind, else vLLM's one object."""
    entry = _parsed(line)
    form = _format(entry) if isinstance(entry, dict) and "input_lens" not in entry else None
    if form is None:
        whole = entry if entry is not None else _parsed(line + file.read())
        return vllm.traffic(_checked(whole, path.name), path)
    _check_keys(entry, form, f"{path.name} line {first}")
    return _read_lines(file, path, first, line, form)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _format(entry: dict) -> Format | None:
    """The format with most of its keys in `entry`; None where no format has any."""
    form = max((f for f in FORMATS if f.kind == "jsonl"), key=lambda f: sum(c in entry for c in f.columns))
    return form if any(c in entry for c in form.columns) else None


def _checked(whole: Any, name: str) -> dict:
    if whole is None:
        raise BrokenFile(f"{name}: is not whole JSON: it may be cut off (try to save it again)")
    if not isinstance(whole, dict) or not {"duration", "input_lens"} & set(whole):
        raise BrokenFile(f"{name}: is JSON, but no known trace (try one of: {known()})")
    return whole


def _read_lines(file: IO[str], path: Path, first: int, line: str, form: Format) -> Traffic:
    cache = PrefixCache()
    batches = []
    for lines, texts in numbered_batches(file, first, line):
        entries = [_entry(text, f"{path.name} line {i}", form) for i, text in zip(lines, texts, strict=True)]
        columns = ([entry[c] for entry in entries] for c in form.columns)
        batches.append(request_batch(form, path.name, lines, *columns))
        _count_prefixes(cache, entries, form, path.name, lines)
    return join(batches, path.stem, path.name, f"{form.name} {path.name}", cache.hit)


def _entry(text: str, where: str, form: Format) -> dict:
    try:
        entry = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BrokenFile(f"{where}: {text.strip()[:60]!r} is not JSON: {str(error)[:80]}") from None
    if not isinstance(entry, dict):
        raise BrokenFile(f"{where}: {text.strip()[:60]!r} is not an object with {', '.join(form.columns)}")
    _check_keys(entry, form, where)
    return entry


def _check_keys(entry: dict, form: Format, where: str) -> None:
    for key in form.columns:
        if key not in entry:
            raise UnknownName(f"line for {form.name}, which needs key", key, entry, where)


def _count_prefixes(
    cache: PrefixCache, entries: list[dict], form: Format, name: str, lines: list[int]
) -> None:
    """Prefix hits in the file's order, where the lines have the hashes of their blocks."""
    for i, entry in zip(lines, entries, strict=True):
        hashes = entry.get("hash_ids", [])
        try:
            cache.add(hashes, int(entry[form.prompt] or 0))
        except TypeError:
            shown = repr(hashes)[:60]
            raise BrokenFile(f"{name} line {i}: hash_ids = {shown} is not a list of hashes") from None
