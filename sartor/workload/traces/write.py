"""Write traffic as Mooncake JSONL, which load generators and `read_trace` read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ...errors import InputError
from ..traffic import Traffic


def write_mooncake(traffic: Traffic, path: str | Path) -> None:
    """`traffic` to the file `path`, whole or not at all; times to 1 us; with the hashes that it has, as numbers."""
    path = Path(path)
    columns = (traffic.arrival_s, traffic.prompt_tokens, traffic.output_tokens)
    batch = [None] * len(traffic) if traffic.batch is None else traffic.batch.tolist()
    rows = zip(*(column.tolist() for column in columns), _hashes(traffic), batch, strict=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            file.writelines(_line(*row) for row in rows)
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise InputError(f"{path}: cannot be written: {error.strerror} (try another folder)") from None


def _hashes(traffic: Traffic) -> Iterator[list[int] | None]:
    """Of each request."""
    pieces = traffic.pieces
    for i in range(len(traffic)):
        yield None if pieces is None else pieces.ids[pieces.starts[i] : pieces.starts[i + 1]].tolist()


def _line(arrival_s: float, prompt: int, output: int, hashes: list[int] | None, batch: float | None) -> str:
    ms = round(arrival_s * 1e3, 3)
    more = "" if hashes is None else f', "hash_ids": {hashes}'
    more += "" if batch is None else f', "batch": {batch:.15g}'
    return f'{{"timestamp": {ms:.15g}, "input_length": {prompt}, "output_length": {output}{more}}}\n'
