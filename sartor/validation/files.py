"""Rows of the files that hold measurements: JSON lines, CSV and Parquet, each row with the place it stands at."""

from __future__ import annotations

import csv
import gzip
import json
import zlib
from collections import Counter
from collections.abc import Iterator
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, TextIO

from ..errors import BrokenFile, InputError

# A row as it stands in the file, or what is wrong with it.
Raw = dict[str, Any] | str


def packaged(name: str) -> list[Path]:
    """The measurements `name` that come with the package."""
    with as_file(files("sartor.data").joinpath("measured", name)) as path:
        return [path]


def raw_rows(path: Path) -> Iterator[tuple[str, Raw]]:
    """Every row of `path` and where it stands."""
    readers = {".jsonl": _json_lines, ".json": _json_lines, ".csv": _csv, ".parquet": _parquet}
    if path.is_dir() or not path.exists():
        raise InputError(f"{path}: {'a folder' if path.is_dir() else 'no such file'} (try a file of measurements)")
    kind = Path(path.stem).suffix.lower() if packed(path) else path.suffix.lower()
    if kind not in readers or (packed(path) and kind == ".parquet"):
        raise BrokenFile(
            f"{path.name}: files end in {', '.join(readers)}, not {path.suffix!r} (all but .parquet may be .gz)"
        )
    try:
        yield from readers[kind](path)
    except UnicodeDecodeError as error:
        raise BrokenFile(f"{path.name}: cannot be read: {error} (try a file in UTF-8)") from None
    except (OSError, EOFError, zlib.error, csv.Error) as error:
        raise BrokenFile(f"{path.name}: cannot be read: {error}") from None


def packed(path: Path) -> bool:
    return path.suffix.lower() == ".gz"


def _opened(path: Path, newline: str | None = None) -> TextIO:
    """The text of a file, packed or not, without the byte-order mark that some programs begin with."""
    if packed(path):
        return gzip.open(path, "rt", encoding="utf-8-sig", newline=newline)
    return path.open(encoding="utf-8-sig", newline=newline)


def _json_lines(path: Path) -> Iterator[tuple[str, Raw]]:
    if (whole := _array(path)) is not None:
        yield from ((f"{path.name} row {number}", row) for number, row in enumerate(whole, start=1))
        return
    with _opened(path) as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield f"{path.name} line {number}", _object(line)


def _array(path: Path) -> list[Raw] | None:
    """The rows of a file that is one JSON array; None where it is not."""
    with _opened(path) as file:
        first = file.readline()
        if not first.lstrip().startswith("["):
            return None
        text = first + file.read()
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return [r if isinstance(r, dict) else "not a JSON object" for r in found] if isinstance(found, list) else None


def _object(line: str) -> Raw:
    try:
        found = json.loads(line.rstrip().removesuffix(","))  # lines cut out of an array
    except (ValueError, RecursionError):
        return "not a JSON object (cut off?)"
    return found if isinstance(found, dict) else "not a JSON object"


def _csv(path: Path) -> Iterator[tuple[str, Raw]]:
    with _opened(path, newline="") as file:
        rows = csv.DictReader(file)
        named = rows.fieldnames = [name.strip() for name in rows.fieldnames or ()]
        if len(named) == 1 and (other := next((c for c in ";\t|" if c in named[0]), None)):
            raise BrokenFile(f"{path.name}: columns are parted by {other!r} (try commas, and points in numbers)")
        twice = [name for name, count in Counter(named).items() if count > 1]
        if twice:
            raise BrokenFile(f"{path.name}: column {twice[0]!r} is there twice (try one name a column)")
        for number, row in enumerate(rows, start=2):
            whole = None not in row and None not in row.values()
            yield f"{path.name} line {number}", row if whole else "not as many cells as the header has"


def _parquet(path: Path) -> Iterator[tuple[str, Raw]]:
    import pyarrow.lib
    import pyarrow.parquet

    try:
        rows = pyarrow.parquet.read_table(path).to_pylist()
    except pyarrow.lib.ArrowException as error:
        raise BrokenFile(f"{path.name}: not a Parquet file: {str(error).splitlines()[0]}") from None
    yield from ((f"{path.name} row {number}", row) for number, row in enumerate(rows, start=1))
