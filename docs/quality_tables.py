"""The tables of docs/quality.md: what benchmarks/quality.py measured."""

from __future__ import annotations

from collections.abc import Callable

from sartor.formats.harm import SAME, Row, harm, measured
from sartor.quality.classes import LINEAR
from sartor.quality.recipe import GPTQ
from sartor.quality.trained import needs_training

Table = tuple[tuple[str, ...], list[tuple[str, ...]]]
MODEL = "smollm2-135m-q4_1"


def _weights() -> Table:
    """Formats of all linear layers, the least harmful on turned weights first."""
    alone = [row for row in measured() if row.activations == row.kv == SAME and row.smooth is None]
    uniform = [row for row in alone if "=" not in row.weights and "," not in row.weights and row.weights != SAME]
    found = {(row.weights, row.rotate): row for row in uniform}
    names = {name.removesuffix(GPTQ): None for name, _ in found}

    def line(name: str) -> tuple[str, ...]:
        turned, plain, calibrated = found.get((name, True)), found.get((name, False)), found.get((name + GPTQ, True))
        bits = next(row.bits_per_weight for row in (turned, plain, calibrated) if row)
        mark = " (needs training)" if needs_training(name) else ""
        figures = [f(row) for row in (turned, calibrated) for f in (_kl, _ppl, _top)]
        return (f"`{name}`{mark}", f"{bits:.3f}", _kl(plain), *figures)

    def order(name: str) -> float:
        row = found.get((name, True)) or found.get((name, False))
        return row.kl if row else 0.0

    figures = "KL plain", "KL turned", "perplexity", "same token", "KL turned, gptq", "perplexity", "same token"
    return ("weights", "bits", *figures), [line(name) for name in sorted(names, key=order)]


def _others(part: str) -> Table:
    rows = [row for row in measured() if row.alone and row.alone[0] == part and not row.rotate]
    rows.sort(key=lambda row: row.kl)
    lines = [(f"`{row.alone[1]}`", _kl(row), _ppl(row), _top(row)) for row in rows if row.alone]
    return (part, "KL", "perplexity", "same token"), lines


def _classes() -> Table:
    """Each class by itself on turned weights, their sum, and all together."""
    table = harm(MODEL)
    together = {row.weights: row.kl for row in measured() if row.rotate and row.activations == row.kv == SAME}
    names = [name for name in sorted({f for _, f in table.kl}) if all((part, name) in table.kl for part in LINEAR)]
    total = {name: table.total(dict.fromkeys(LINEAR, name)) for name in names}
    lines = []
    for name in sorted(names, key=lambda n: total[n]):
        whole = together.get(name)
        last = ("", "") if whole is None else (f"{whole:.3g}", f"{total[name] / whole:.2f}")
        lines.append((f"`{name}`", *(f"{table.of(p, name):.2g}" for p in LINEAR), f"{total[name]:.3g}", *last))
    return ("format", *LINEAR, "sum", "together", "sum / together"), lines


def _kl(row: Row | None) -> str:
    return "" if row is None else f"{row.kl:.3g}"


def _ppl(row: Row | None) -> str:
    return "" if row is None else f"{row.perplexity:.2f}" if row.perplexity < 1000 else f"{row.perplexity:.1e}"


def _top(row: Row | None) -> str:
    return "" if row is None else f"{row.top1_agreement:.1%}"


TABLES: dict[str, Callable[[], Table]] = {
    "weights": _weights, "classes": _classes,
    "activations": lambda: _others("activations"), "kv": lambda: _others("kv"),
}  # fmt: skip
