"""Write traffic as Mooncake JSONL, which load generators and `read_trace` read."""

from __future__ import annotations

import os
from pathlib import Path

from ...errors import InputError
from ..traffic import Traffic


def write_mooncake(traffic: Traffic, path: str | Path) -> None:
    """`traffic` to the file `path`, whole or not at all; times to 1 us, no hashes: prefix hits are lost."""
    path = Path(path)
    rows = zip(traffic.arrival_s.tolist(), traffic.prompt_tokens.tolist(), traffic.output_tokens.tolist(),
               strict=True)  # fmt: skip
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            file.writelines(_line(*row) for row in rows)
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise InputError(f"{path}: cannot be written: {error.strerror} (try another folder)") from None


def _line(arrival_s: float, prompt: int, output: int) -> str:
    ms = round(arrival_s * 1e3, 3)
    return f'{{"timestamp": {ms:.15g}, "input_length": {prompt}, "output_length": {output}}}\n'
