"""What a format costs in accuracy: what is printed for people, or one JSON object."""

from __future__ import annotations

from typing import Any

from .. import api
from . import grid
from .console import ERR, OUT, as_json, bar


def quality(json: bool, **asked: Any) -> None:
    with bar() as progress:
        task = progress.add_task("", total=None)

        def watch(what: str, done: int, of: int) -> None:
            progress.update(task, description=what, completed=done, total=of)

        found = api.quality_of(**asked, progress=watch)
    for line in found["warnings"]:
        ERR.print(f"[yellow]warning:[/] {line}", highlight=False)
    if json:
        as_json(found)
        return
    grid.show(OUT, f"{found['model']}, {found['tokens']:,} tokens of {found['text']}", [_line(found)], _footnote(found))
    if found.get("classes"):
        alone = [{"alone": row["class"], "kl": f"{row['kl']:.4g}"} for row in found["classes"]]
        OUT.print()
        grid.show(OUT, "each class by itself", alone, f"sum {sum(row['kl'] for row in found['classes']):.4g}")


def _line(f: dict[str, Any]) -> dict[str, str]:
    return {
        "weights": f["weights"], "activations": f["activations"], "kv": f["kv"], "KL nats": f"{f['kl']:.4g}",
        "perplexity": _perplexity(f["perplexity"]), "of the reference": _perplexity(f["reference_perplexity"]),
        "same likeliest token": f"{f['top1_agreement']:.1%}", "bits a weight": f"{f['bits_per_weight']:.3f}",
    }  # fmt: skip


def _perplexity(p: float) -> str:
    """
    >>> _perplexity(22.001), _perplexity(5.3e90)
    ('22.00', '5.3e+90')
    """
    return f"{p:.2f}" if p < 1e6 else f"{p:.3g}"


def _footnote(f: dict[str, Any]) -> str:
    when = "measured before, now from the cache" if f["cached"] else "kept in the cache"
    return f"KL ± {f['kl_error']:.2g} (standard error); took {f['seconds']:.0f} s, {when}"
