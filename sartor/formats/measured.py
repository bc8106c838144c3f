"""Measurements of what formats cost a model, a line each: those that come with the package, and a user's own.

`sartor quality --rows FILE` writes such lines; `[quality] rows` of a study reads them.
"""

from __future__ import annotations

import csv
import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import BrokenFile, InputError
from ..tables import data_text

CALIBRATED = "-gptq"  # behind a format: rounded with calibration, to the same bits
SAME = "none"  # as the model is stored
NAMING = ("model", "text", "tokens", "weights", "activations", "kv", "rotate", "smooth")  # what a line is of
FIGURES = ("bits_per_weight", "kl", "kl_error", "perplexity", "reference_perplexity", "top1_agreement")
COLUMNS = (*NAMING, *FIGURES, "date")


@dataclass(frozen=True)
class Row:
    """One measurement. `weights` as --weights has it; KL in nats, mean over tokens."""

    model: str
    text: str
    tokens: int
    weights: str
    activations: str
    kv: str
    rotate: bool
    smooth: float | None
    bits_per_weight: float
    kl: float
    kl_error: float
    perplexity: float
    reference_perplexity: float
    top1_agreement: float

    @functools.cached_property
    def alone(self) -> tuple[str, str] | None:
        """Class and format, where only one class has one: of weights, `kv` or `activations`."""
        given = [(name, form) for name in ("activations", "kv") if (form := getattr(self, name)) != SAME]
        parts = [part for part in self.weights.split(",") if part != SAME]
        given += [(part.partition("=")[0], part.partition("=")[2]) for part in parts if "=" in part]
        whole = any("=" not in part for part in parts)
        return given[0] if len(given) == 1 and not whole and self.smooth is None else None


def measured(file: str = "") -> tuple[Row, ...]:
    """All rows of measured/quality.csv, and of the user's `file`."""
    return _bundled() + (rows_in(Path(file)) if file else ())


@functools.cache
def _bundled() -> tuple[Row, ...]:
    name = "measured/quality.csv"
    return tuple(_rows(data_text(name).splitlines(), name))


def rows_in(file: Path) -> tuple[Row, ...]:
    return tuple(_rows(lines(file), str(file)))


def lines(file: Path) -> list[str]:
    """Of a file of rows."""
    try:
        return file.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise BrokenFile(f"{file}: not UTF-8 text") from None
    except OSError as error:
        raise InputError(f"{file}: {error.strerror} (sartor quality --rows {file} makes it)") from None


def _rows(text: Iterable[str], where: str) -> Iterator[Row]:
    reader = csv.DictReader(text)
    missing = [name for name in COLUMNS[:-1] if name not in (reader.fieldnames or ())]
    if missing:
        raise BrokenFile(f"{where}: no column {missing[0]!r} (sartor quality --rows writes {','.join(COLUMNS)})")
    for row in reader:
        try:
            yield _row(row)
        except (ValueError, TypeError) as error:
            raise BrokenFile(f"{where}: line {reader.line_num}: {error}") from None


def _row(r: dict[str, str]) -> Row:
    return Row(
        r["model"], r["text"], int(r["tokens"]), r["weights"], r["activations"], r["kv"], r["rotate"] == "true",
        float(r["smooth"]) if r["smooth"] else None, *(float(r[name]) for name in FIGURES),
    )  # fmt: skip
