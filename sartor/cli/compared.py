"""Chips side by side at the same work: what `sartor compare` prints for people, or one JSON object."""

from __future__ import annotations

from typing import Any

from ..units import si
from . import grid
from .console import OUT, as_json


def compare(rows: list[dict[str, Any]], json: bool, fleets: dict[str, Any] | None = None) -> None:
    if json:
        as_json({"chips": rows, **({} if fleets is None else {"fleet": fleets})})
        return
    lines = []
    for row in rows:
        usd = dict(zip(("$ at cost", "$ at price", "$ rented"), row["usd_per_mtoken"].values(), strict=True))
        lines.append({
            "chip": row["name"], "weights": row["weights"], "chips": _replica(row), "batch": str(row["batch"]),
            "time within": f"{row['error']['latency']:.1%}" if row["error"] else "",
            **{basis: "" if v is None else f"{v:.4g}" for basis, v in usd.items()},
            "J/token": "" if row["j_per_token"] is None else si(row["j_per_token"], "J"),
            "TPOT": si(row["tpot_s"], "s"), "TTFT": si(row["ttft_s"], "s"),
            "token/s/chip": f"{row['tokens_per_s_per_chip']:.4g}",
            "misses": ", ".join(f"{k} x{v:.2f}" for k, v in row["misses"].items()),
        })  # fmt: skip
    grid.show(OUT, "the same work, each chip in its best configuration", lines,
              "dollars per million output tokens, prompts included; time within: 4 in 5 measurements")  # fmt: skip
    for row in rows:
        if row["note"]:
            OUT.print(row["note"], markup=False)
    best = next((row for row in _by_lead(rows)), None)
    if best:
        OUT.print(_lead(best["name"], best["lead"]), markup=False)


def _by_lead(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that lead another and are led by none: the cheapest."""
    led = {row["lead"]["over"] for row in rows if row["lead"]}
    return [row for row in rows if row["lead"] and row["name"] not in led]


def _lead(name: str, lead: dict[str, Any]) -> str:
    """Whether the cheapest is cheaper than the next beyond the error."""
    said = "beyond" if lead["beyond"] else "NOT beyond"
    guess = f" (not measured, taken as GPUs never fitted to: {', '.join(lead['unmeasured'])})"
    return (f"{name} is {lead['factor']:.2f} times cheaper than {lead['over']}: {said} the error of both estimates, a "
            f"factor of {1 + lead['error']:.2f}{guess if lead['unmeasured'] else ''}")  # fmt: skip


def _replica(row: dict[str, Any]) -> str:
    """Chips of a replica: tensor-parallel, times pipeline stages where there are several."""
    stages = f" x {row['stages']} stages" if row["stages"] > 1 else ""
    return f"{row['tensor_parallel']}{stages}"
