"""Measurements as lines of a file: what formats.measured reads, and a study of a user's own model."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..formats.measured import COLUMNS, FIGURES, NAMING, lines, rows_in
from ..formats.spec import format_named
from .classes import LINEAR, shown
from .model import Model
from .recipe import GPTQ, Recipe, bits_per_weight


def bits(model: Model, recipe: Recipe) -> float:
    """Of a weight of the linear layers."""
    chosen = {part: name.removesuffix(GPTQ) for part, name in recipe.weights.items() if part in LINEAR}
    return bits_per_weight(model, recipe, {p: format_named(name).bits(model.row(p)) for p, name in chosen.items()})


def line(model: Model, text: str, recipe: Recipe, found: Mapping[str, Any]) -> dict[str, str]:
    """One measurement, in COLUMNS. `text`: its name; `found`: as measure.measure gives it."""
    named = {"model": model.name, "text": text.removesuffix(".txt"), "tokens": str(found["tokens"]), **of(recipe)}
    figures = {**found, "bits_per_weight": bits(model, recipe)}
    return {**named, **{name: f"{figures[name]:.6g}" for name in FIGURES}, "date": f"{date.today():%Y-%m}"}


def of(recipe: Recipe) -> dict[str, str]:
    """The columns that say how the model was compressed."""
    smooth = "" if recipe.smooth is None else f"{recipe.smooth:g}"
    return {"weights": shown(recipe.weights), "activations": recipe.activations, "kv": recipe.kv,
            "rotate": str(recipe.rotate).lower(), "smooth": smooth}  # fmt: skip


def check(file: Path) -> bool:
    """Whether `file` is there; it is refused where it is something else, or has no folder to be in."""
    if not file.parent.is_dir():
        raise InputError(f"--rows {file}: there is no folder {file.parent} (make it first)")
    return file.is_file() and rows_in(file) is not None


def keep(file: Path, new: Iterable[Mapping[str, str]]) -> None:
    """Append the lines that `file` does not have; it is made where there is none."""
    there = check(file)
    held = {_key(row) for row in csv.DictReader(lines(file))} if there else set()
    try:
        with file.open("a", encoding="utf-8", newline="") as out:
            writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
            if not there:
                writer.writeheader()
            writer.writerows(row for row in new if _key(row) not in held)
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}") from None


def _key(row: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(row[name] for name in NAMING)
