"""The chosen chip in words and numbers: what a data sheet's first line would say."""

from __future__ import annotations

import tomllib
from typing import Any

from ..formats.parts import PARTS
from ..units import parse
from .numbers import count, figure, plain, quantity, size_bytes

# design variable -> what it measures
_SIZES, _CLOCKS = ("scratchpad", "fifo"), ("clock",)


def chip_facts(report: dict[str, Any]) -> dict[str, str]:
    """Blanks of the sentence `headline.chip`."""
    design, spec = report["chip"]["design"], tomllib.loads(report["chip"]["toml"])
    return {
        "node": design["node"],
        "area": f"{plain(sum(report['breakdown']['area_mm2'].values()))} mm²",
        "macs": count(macs(design)),
        "clock": quantity(design["clock"], "Hz"),
        "memory": f"{spec['memory']['capacity']} {design['memory'].upper()}",
        "bandwidth": quantity(parse(spec["memory"]["bandwidth"], "bytes_per_s"), "B/s"),
        "power": figure("power_w", report["headline"]["power_w"]),
        "weights": weights(design), "cache": design["cache"],
    }  # fmt: skip


def weights(design: dict[str, Any]) -> str:
    """The format of the weights, and of each part of the model that has another.

    >>> weights({"weights": "int4-g32", "attn_v": "mxint8", "attn_o": "int4-g32", "embedding": "mxint8"})
    'int4-g32 (mxint8: attn_v, embedding)'
    """
    own: dict[str, list[str]] = {}
    for part in PARTS:
        if (form := design.get(part, design["weights"])) != design["weights"]:
            own.setdefault(form, []).append(part)
    apart = "; ".join(f"{form}: {', '.join(parts)}" for form, parts in own.items())
    return f"{design['weights']} ({apart})" if apart else str(design["weights"])


def refusal(silicon: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The sentence that says why hardware was not generated, and its blanks."""
    if "cores" in silicon:
        return "silicon.cores", {"cores": silicon["cores"]}
    return "silicon.refused", {"reason": silicon["refused"]}


def macs(design: dict[str, Any]) -> int:
    """Multipliers of a whole chip."""
    return int(design["cores"] * design["rows"] * design["lanes"] * design["columns"])


def choice(variable: str, value: Any) -> str:
    """A design variable's value with its unit.

    >>> choice("scratchpad", 131072), choice("clock", 700000000), choice("node", "N3"), choice("load", 0.5)
    ('128 KiB', '700 MHz', 'N3', '50 %')
    """
    if isinstance(value, str):
        return value
    if variable in _SIZES:
        return size_bytes(value)
    if variable in _CLOCKS:
        return quantity(value, "Hz")
    return f"{100 * value:g} %" if variable == "load" else f"{value:g}"


def deployed(row: dict[str, Any]) -> str:
    """Chips of a replica with the arithmetic shown.

    >>> deployed({"tensor_parallel": 4, "stages": 2, "chips": 8.0})
    '8 (4 × 2)'
    """
    tensor, stages = row["tensor_parallel"], row["stages"]
    chips = tensor * stages
    return "1" if chips == 1 else f"{chips:g} ({tensor:g} × {stages:g})"
