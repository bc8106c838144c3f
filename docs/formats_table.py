"""The table of all formats in docs/formats.md: what each costs a model, what it costs in cells, and how fast it is at RTL."""

from __future__ import annotations

import functools
import importlib
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from sartor.api.format_facts import MODEL, NETWORK, cells, harms, ours, speeds
from sartor.families.tensor.design import FORMATS
from sartor.families.tensor.family import Tensor
from sartor.families.tensor.spec import from_chip
from sartor.formats.hardware import decoded
from sartor.formats.harm import OWN_CACHE, SAME, Row, measured
from sartor.formats.spec import format_named
from sartor.quality.trained import needs_training
from sartor.workload.derive import operators
from sartor.workload.step import Step

BENCH = Path(__file__).parents[1] / "benchmarks"
HEAD = ("format", "bits", "KL", "perplexity", "KL, file's grid", "um2 a multiply-add", "fJ a weight", "RTL: times faster",
        "of what bits promise")  # fmt: skip
CACHE_HEAD = ("format", "chip", "bits", "KL", "perplexity")


def text() -> list[str]:
    return [
        "## All formats: harm, silicon, speed", "",
        "KL and perplexity: all linear layers of SmolLM2-135M-Instruct in the format, rounded to nearest with the residual",
        "stream turned (its own is 22.00); `file's grid`: rounded as they are in the file, which flatters formats near its",
        "Q4_1 ([quality.md](quality.md)). Silicon: ASAP7, one multiply-add of the dot unit with 8-bit activations, and what one",
        "weight takes in it, planes and halves of bytes included; `~`: no such multiplier was synthesized, the figure is",
        "ours times a ratio of macs.csv ([formats-silicon.md](formats-silicon.md)). RTL: cycles of a decoded token against",
        "`q8_0`, a layer of Llama-3.2-1B's shapes, batch 1, and the share of what the bits promise. *(trained)*: only for models",
        "trained for it; `~` before a speed: not run at RTL, but estimated, which is within 0.2 % of all that were. Empty: no",
        "decoder; Q4_K and Q6_K are read and not written, so that nothing is rounded to them. `sartor list formats` prints the same in one "
        "view, with the clock of a core. `python docs/generate.py` makes this table; the rows come from `benchmarks/quality.py`, `silicon.py`",
        "and `proportionality.py`, each with `--write`.", "",
    ]  # fmt: skip


def rows() -> list[tuple[str, ...]]:
    """By bits, the fewest last."""
    names = [name for name in FORMATS if format_named(name).codec not in ("kivi", "pair")]
    return [_row(name) for name in sorted(names, key=lambda n: (-format_named(n).bits(), n))]


def cache_text() -> list[str]:
    return [
        "### Caches", "",
        "Keys and values of SmolLM2-135M-Instruct in the format, nothing else changed; *chip*: as a generated chip stores them, its keys",
        "balanced where they have 4 bits, queries and softmax weights as the chip has them. `int4` and `int3` are in KIVI form.", "",
    ]  # fmt: skip


def caches() -> list[tuple[str, ...]]:
    """By KL."""
    own = {called: name for name, called in OWN_CACHE.items()}
    found = [r for r in measured() if r.model == MODEL and r.smooth is None and r.weights == r.activations == SAME]
    known = [(own.get(r.kv, r.kv), r) for r in found if r.kv in own or r.kv in FORMATS]
    return [
        (f"`{name}`", "yes" if r.kv in own else "", f"{format_named(name).bits():.4g}", _kl(r), _perplexity(r))
        for name, r in sorted(known, key=lambda each: each[1].kl)
    ]


def _row(name: str) -> tuple[str, ...]:
    turned, plain, speed = harms().get((name, True)), harms().get((name, False)), _speed(name)
    area, joules = cells(name)
    mark = "" if ours(name) else "~"
    return (
        f"`{name}`{' (trained)' if needs_training(name) else ''}", f"{format_named(name).bits():.4g}", _kl(turned),
        _perplexity(turned), _kl(plain), f"{mark}{area * 1e6:.1f}", f"{mark}{joules * 1e15:.0f}",
        *speed,
    )  # fmt: skip


def _speed(name: str) -> tuple[str, str]:
    """How much faster than Q8_0 a token is, and of what the bits promise: counted at RTL, of the format or another name of
    the same codes; or estimated."""
    coding, found = decoded().get(name), speeds()
    if coding is None:
        return "", ""
    alike = (found[other] for other in found if decoded().get(other) == coding)
    if (counted := found.get(name) or next(alike, None)) is not None:
        return f"{counted['speedup']:.2f}", f"{counted['proportionality']:.1%}"
    faster = estimated_cycles("q8_0") / estimated_cycles(name)
    promised = format_named("q8_0").bits() / format_named(name).bits()
    return f"~{faster:.2f}", f"~{faster / promised:.1%}"


@functools.cache
def estimated_cycles(name: str) -> float:
    """Of a decoded token of the network and on the chip that benchmarks/proportionality.py simulates, with its rows."""
    bench = _bench()
    chip = replace(bench.CHIP, tile=replace(bench.TILE, weights=name))
    asked = operators(bench.model_of(NETWORK), "decode")
    phase = Tensor(from_chip(chip)).replica(1, {}).phase(asked, Step(1, 1, bench.POSITION))
    return float(phase.latency_s) * chip.clock_hz


@functools.cache
def _bench() -> Any:
    """The chips and networks of benchmarks/proportionality.py, which are in no package."""
    sys.path.append(str(BENCH))
    return importlib.import_module("proportionality_parts")


def _kl(row: Row | None) -> str:
    return "" if row is None else f"{row.kl:.3g}"


def _perplexity(row: Row | None) -> str:
    return "" if row is None else f"{row.perplexity:.2f}" if row.perplexity < 1000 else f"{row.perplexity:.1e}"
