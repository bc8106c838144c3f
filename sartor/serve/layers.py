"""Measured times of a model's layers: the tables that LLMServingSim's profiler writes with vLLM on a real chip.

A folder HARDWARE/ORGANIZATION/MODEL/VARIANT/tpN holds dense.csv (layer, tokens, time), per_sequence.csv (layer,
sequences, time), attention.csv (tokens of the prompts in the step and what is cached of them, requests that decode
and their context, time) and for mixtures of experts moe.csv (tokens, experts touched, time). Times are
microseconds of one layer's kernels.
Source: LLMServingSim 2.0, docs/profiler/output-bundle.md, 2026-08.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import BrokenFile, InputError

_US = 1e-6
# How often a layer's kernel runs in one block of the model, where not once; `None`: once in the whole model.
_TIMES: dict[str, int | None] = {"layernorm": 2, "embedding": None, "final_layernorm": None}
ATTENTION_AXES = ("prefill_chunk", "kv_prefill", "n_decode", "kv_decode")


@dataclass(frozen=True)
class Layers:
    """Seconds of a whole model of some blocks. `dense_s`: of all matrices and vector work [tokens]; `sequence_s`: head
    and sampler [sequences]; `attention_s` over `axes` [tokens of prompts, of them cached, decoding, context];
    `moe_s` over `moe_axes` [tokens, experts touched], None where there are no experts."""

    dense_s: np.ndarray
    sequence_s: np.ndarray
    axes: tuple[np.ndarray, ...]
    attention_s: np.ndarray
    moe_axes: tuple[np.ndarray, ...] = ()
    moe_s: np.ndarray | None = None


def read_layers(folder: Path, blocks: int, tokens: int, sequences: int) -> Layers:
    """The tables of `folder` for a model of `blocks` blocks and steps of at most that many tokens and sequences."""
    dense = _sum_over(_by_layer(folder / "dense.csv", "tokens"), blocks, tokens)
    sequence = _sum_over(_by_layer(folder / "per_sequence.csv", "sequences"), 1, sequences)
    axes, attention = _grid(_rows(folder / "attention.csv", (*ATTENTION_AXES, "time_us")), ATTENTION_AXES)
    attention = _fill(_repeat_idle(attention), (3, 1, 0), axes) * (_US * blocks)
    if not (folder / "moe.csv").is_file():
        return Layers(dense, sequence, axes, attention)
    names = ("tokens", "activated_experts")
    moe_axes, moe = _grid(_rows(folder / "moe.csv", (*names, "time_us")), names)
    return Layers(dense, sequence, axes, attention, moe_axes, _fill(moe, (1, 0), moe_axes) * (_US * blocks))


def _rows(path: Path, columns: tuple[str, ...]) -> np.ndarray:
    """[lines, columns] as floats."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            if missing := [c for c in columns if c not in (reader.fieldnames or ())]:
                raise BrokenFile(f"{path}: no column {missing[0]!r} (found: {', '.join(reader.fieldnames or ())})")
            return np.array([[float(row[c]) for c in columns] for row in reader]).reshape(-1, len(columns))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    except (ValueError, TypeError) as error:
        raise BrokenFile(f"{path}: {error} (a number was expected in each of {', '.join(columns)})") from None


def _by_layer(path: Path, axis: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Counts and microseconds of each layer."""
    numbers = _rows(path, (axis, "time_us"))
    with path.open(encoding="utf-8", newline="") as file:
        names = np.array([row.get("layer", "") for row in csv.DictReader(file)])
    found = {}
    for name in dict.fromkeys(names.tolist()):
        own = numbers[names == name]
        own = own[np.argsort(own[:, 0])]
        found[name] = (own[:, 0], own[:, 1])
    if not found:
        raise BrokenFile(f"{path}: holds no layer")
    return found


def _sum_over(layers: dict[str, tuple[np.ndarray, np.ndarray]], blocks: int, most: int) -> np.ndarray:
    """Seconds of all layers for 0 .. `most`; nothing costs nothing."""
    total = np.zeros(most + 1)
    at = np.arange(most + 1, dtype=float)
    for name, (counts, us) in layers.items():
        often = _TIMES.get(name, 1)
        total += _line(at, counts, us) * _US * (1 if often is None else often * blocks)
    total[0] = 0.0
    return total


def _line(at: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Interpolated; beyond the last point, on along its last piece; below the first, as at the first."""
    if len(x) < 2:
        return np.full(len(at), y[0])
    slope = max((y[-1] - y[-2]) / (x[-1] - x[-2]), 0.0)
    return np.where(at > x[-1], y[-1] + slope * (at - x[-1]), np.interp(at, x, y))


def _grid(rows: np.ndarray, names: tuple[str, ...]) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    """The rows as an array over their axes; NaN where nothing was measured."""
    found = [np.unique(rows[:, i], return_inverse=True) for i in range(len(names))]
    grid = np.full([len(values) for values, _ in found], np.nan)
    grid[tuple(index for _, index in found)] = rows[:, -1]
    return tuple(values for values, _ in found), grid


def _repeat_idle(attention: np.ndarray) -> np.ndarray:
    """Where no prompt is in the step, what is cached of it means nothing; likewise for the requests that decode."""
    attention = attention.copy()
    attention[0] = attention[0, :1]
    attention[:, :, 0] = attention[:, :, 0, :1]
    attention[:, :, 1:, 0] = attention[:, :, 1:, 1]  # the shortest context measured
    attention[0, :, 0] = 0.0
    return attention


def _fill(grid: np.ndarray, order: tuple[int, ...], axes: tuple[np.ndarray, ...]) -> np.ndarray:
    """What was not measured, along one axis after the other: between two points interpolated, beyond them on along the
    last piece."""
    for axis in order:
        x = axes[axis]
        moved = np.moveaxis(grid, axis, -1).copy()
        for line in moved.reshape(-1, len(x)):
            have = np.isfinite(line)
            if have.any() and not have.all():
                line[~have] = _line(x[~have], x[have], line[have])
        grid = np.moveaxis(moved, -1, axis)
    return grid
