"""Verbs that make hardware: what they print for people, or one JSON object."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .. import api
from ..errors import CheckFailed
from ..search.store import writable
from ..units import si
from . import grid, verified
from .console import OUT, as_json
from .stages import Stages, live


def build(
    chip: str, model: str | None, context: int | None, out: Path | None, requantize: bool, json: bool
) -> None:
    if out is not None:
        writable(out)
    stages = Stages()
    with live(stages):
        built = api.build(chip, model, context, stages, requantize)
        folder = out or Path("out") / built.chip.name
        files = api.save(built, folder)
    if json:
        as_json({**built.facts, "files": [str(path) for path in files]})
        return
    _show_built(built.facts, folder)


def _show_built(facts: dict[str, Any], folder: Path) -> None:
    rates, size = facts["rates"], sum(m["bytes"] for m in facts["memories"])
    cores = "" if facts["cores"] == 1 else f", one core of {facts['cores']}"
    OUT.print(
        f"[bold]{facts['chip']}[/]{cores}: {si(rates['macs_per_s'], 'MAC/s')}, {size / 1024:.0f} KiB on chip, "
        f"{rates['port_bytes_per_cycle']} bytes a cycle at the memory port\n",
        highlight=False,
    )
    rows = [{"file": str(folder / name), "size": si(n, "B")} for name, n in facts["bytes"].items()]
    grid.show(OUT, f"written in {facts['build_s']:.1f} s", rows)
    if facts["model"]:
        m = facts["model"]
        place = f"{m['bytes'] / 1e6:.0f} MB of memory with a context of {m['context']:,} tokens"
        OUT.print(f"{m['name']}: {place}, {m['instructions']} instructions", highlight=False)


def verify(
    chip: str,
    model: str | None,
    prompt: str,
    tokens: int,
    seed: int,
    stalls: bool,
    requantize: bool,
    structural: bool,
    batch: int,
    json: bool,
) -> None:
    stages = Stages()

    def watch(now: Any) -> None:
        stages.below = verified.running(now)

    with live(stages):
        found = api.verify(
            chip, model, prompt, tokens, seed, stalls, structural, stages, watch, requantize, batch
        )
    if json:
        as_json(found)
    else:
        OUT.print(verified.verified(found))
    if found["mismatches"]:
        raise CheckFailed(f"{found['chip']}: RTL and golden model differ in {found['mismatches']} places")


def synth(chip: str, liberty: str | None, json: bool) -> None:
    stages = Stages()
    with live(stages):
        found = api.synth(chip, liberty, stages)
    if json:
        as_json(found)
        return
    _show_synth(found)


def _show_synth(f: dict[str, Any]) -> None:
    core = "" if f["cores"] == 1 else f", one core of {f['cores']}"
    gates = f"{f['gate_equivalents']:,.0f} gate equivalents, {f['registers']:,} registers"
    OUT.print(f"[bold]{f['chip']}[/]{core}: {gates}, {f['memory_bits'] / 8192:.0f} KiB of memory", highlight=False)
    OUT.print(_on_cells(f, f["liberty"]) if f["liberty"] else _by_density(f["area"]), highlight=False)
    OUT.print()
    rows = [
        {"component": c["name"], "gate equivalents": f"{c['gate_equivalents']:,.0f}",
         "registers": f"{c['registers']:,}", "memory bits": f"{c['memory_bits']:,}",
         "share": f"{c['gate_equivalents'] / f['gate_equivalents']:.1%}"}
        for c in f["components"]
    ]  # fmt: skip
    grid.show(OUT, "by component (a.b is part of a)", rows, f["note"])


def _by_density(a: dict[str, Any]) -> str:
    """The area without a library."""
    least, most = a["low_um2"] / a["um2"] - 1, a["high_um2"] / a["um2"] - 1
    return (
        f"[bold]{a['um2'] / 1e6:.3g} mm2[/] of cells in {a['node']} by density, {least:+.0%} to {most:+.0%}: what "
        "parts of a core take when they are mapped (with --liberty: cells of a library)"
    )


def _on_cells(f: dict[str, Any], c: dict[str, Any]) -> str:
    """The parts on a library's cells, in a few lines."""
    speed = "keeps" if c["slack_s"] >= 0 else "MISSES"
    unit = f"one dot unit: {c['unit_um2']:,.0f} um2, {c['unit_cells']:,} cells"
    return (
        f"[bold]{c['core_um2'] / 1e6:.3g} mm2[/] of logic on {c['library']}, {c['um2_per_mac']:.3g} um2 a MAC, "
        f"{si(c['fmax_hz'], 'Hz')} at most ({speed} {si(f['clock_hz'], 'Hz')}), {1e15 * c['j_per_mac']:.3g} fJ a MAC\n"
        f"{unit}, in the core {f['dot_units']} times; a vector lane: {c['lane_um2']:,.0f} um2, "
        f"{1e15 * c['j_per_lane_op']:.3g} fJ an operation; the rest at {c['gate_um2']:.3g} um2 a gate equivalent, as "
        f"these parts in the mean: the whole {c['low_core_um2'] / 1e6:.3g} to {c['high_core_um2'] / 1e6:.3g} mm2\n"
        + _token(c["token"])
    )


def _token(t: dict[str, Any]) -> str:
    """The energy of a token, and what is in it."""
    if "refused" in t:
        return f"energy of a token: {t['refused']}"
    parts = ", ".join(f"{name} {j / t['j']:.0%}" for name, j in t["parts_j"].items())
    return (
        f"[bold]{si(t['j'], 'J')}[/] a token of {t['model']} with {t['context']:,} in the cache ({parts}), at most "
        f"{si(t['high_j'], 'J')}\n{t['note']}"
    )
