"""The traffic of a server that runs elsewhere, from its metrics."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import InputError
from .say import Say, silent
from .serve import check_serving

LEAST_S = 0.1


def watch(
    url: str, out: str | Path, *, every_s: float = 15.0, seconds: float | None = None, model: str | None = None,
    say: Say = silent,
) -> dict[str, Any]:  # fmt: skip
    """Look at the `/metrics` of a live vLLM (or of `sartor serve`) every `every_s` seconds, and append to `out` how
    many requests came and how long they were: a trace that `design`, `simulate` and the others read. Until `seconds`
    have passed, or Ctrl-C. Times at which the server did not answer are counted in `failures`."""
    check_serving()
    from ..endpoint.watch import watch as run

    if not every_s >= LEAST_S:
        raise InputError(f"--every {every_s} must be at least {LEAST_S} s")
    if seconds is not None and not seconds > 0:
        raise InputError(f"--seconds {seconds} must be above 0")
    seen = run(url, Path(out), every_s, seconds, model, say)
    return {"url": url, "file": str(out), "intervals": seen.intervals, "requests": seen.requests,
            "failures": seen.failures}  # fmt: skip
