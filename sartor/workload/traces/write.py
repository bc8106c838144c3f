"""Write traffic as Mooncake JSONL, which load generators and `read_trace` read."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from ...errors import InputError
from ..traffic import Traffic


def write_mooncake(traffic: Traffic, path: str | Path) -> None:
    """`traffic` to the file `path`, whole or not at all; times to 1 us, no hashes: prefix hits are lost."""
    path = Path(path)
    rows = zip(traffic.arrival_s.tolist(), traffic.prompt_tokens.tolist(), traffic.output_tokens.tolist(),
               strict=True)  # fmt: skip
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.writelines(_line(*row) for row in rows)
        os.replace(temporary, path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from None
    finally:
        Path(temporary).unlink(missing_ok=True)


def _line(arrival_s: float, prompt: int, output: int) -> str:
    ms = round(arrival_s * 1e3, 3)
    return f'{{"timestamp": {ms:.15g}, "input_length": {prompt}, "output_length": {output}}}\n'
