"""Which measured serving points are alike: what a split has to leave out together, and what is the same measurement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..workload.model import Experts, Model
from . import names
from .kind import Row
from .points import POOLS, Points
from .points_layout import arranged


def chip_of(row: Row) -> str:
    """Our name of its chip."""
    return Points().labels(row.inputs)["chip"]


def stack_of(row: Row) -> str:
    return str(row.inputs["stack"])


def shape_of(row: Row) -> str:
    """The shapes of its model, whatever it is called: DeepSeek-R1 and V3 are one, as Llama-3.1-70B and 3.3-70B are."""
    m = _model(row)
    return repr((m.hidden, m.vocabulary, m.layers, m.tied, m.head_bias, m.learned_positions))


def architecture_of(row: Row) -> str:
    """What its model's layers are made of, whatever their sizes: Llama-3.1 8B and 70B are one, as DeepSeek-R1, Kimi-K2
    and GLM-5 are."""
    layers = _model(row).layers
    mixers = {_mixer(layer.mixer) for layer in layers if layer.mixer}
    return " ".join(sorted(mixers | {"Experts" for layer in layers if isinstance(layer.mlp, Experts)}))


def _mixer(mixer: Any) -> str:
    return type(mixer).__name__ + (" in a window" if getattr(mixer, "window", None) else "")


def _model(row: Row) -> Model:
    found = names.model(row.inputs["model"])
    assert found is not None  # rows of models that we do not know are refused before
    return found


def once(rows: Sequence[Row]) -> list[Row]:
    """Each measurement once: tables of points repeat it in snapshots of several days, under more than one name."""
    found: dict[Any, Row] = {}
    for row in rows:
        layout = row.inputs if row.inputs.get("form") == POOLS.name else arranged(row.inputs)
        inputs = tuple((name, value) for name, value in layout.items() if name not in ("model", "whole"))
        found.setdefault((shape_of(row), inputs, round(row.measured["tpot"], 5)), row)
    return list(found.values())
