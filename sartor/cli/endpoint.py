"""`sartor serve`: what it says before it serves."""

from __future__ import annotations

from pathlib import Path

from .. import api
from .console import OUT, as_json, bar


def serve(
    chip: str, model: str, how: api.Serving, host: str, port: int, grace_s: float, context: int | None,
    requantize: bool,
) -> None:  # fmt: skip
    api.check_serving()
    from ..endpoint.server import bound, run

    sock = bound(host, port, how.keys)  # what cannot be served is said now, not after the weights are packed
    with bar() as shown:
        task = shown.add_task("reading the chip", total=None)
        ready = api.service(
            chip, model, how, context=context, requantize=requantize,
            say=lambda text: shown.update(task, description=text),
        )  # fmt: skip
    run(ready, sock, lambda url: _said(url, ready.model, bool(how.keys)), grace_s)


def _said(url: str, model: str, keys: bool) -> None:
    OUT.print(f"{model} at {url}/v1 ({'a key is needed' if keys else 'no key is needed'}); metrics at {url}/metrics; "
              "Ctrl-C ends it", soft_wrap=True)  # fmt: skip


def watch(url: str, out: Path, every_s: float, seconds: float | None, model: str | None, json: bool) -> None:
    with bar() as shown:
        task = shown.add_task(f"watching {url}; Ctrl-C ends it", total=None)
        found = api.watch(url, out, every_s=every_s, seconds=seconds, model=model,
                          say=lambda text: shown.update(task, description=text))  # fmt: skip
    if json:
        as_json(found)
        return
    missed = f", {found['failures']:,} times without an answer" if found["failures"] else ""
    OUT.print(f"{found['requests']:,.0f} requests in {found['intervals']:,} looks{missed}; written: {out}",
              highlight=False, markup=False, soft_wrap=True)  # fmt: skip
