"""Verbs about a chip in service: what they print for people, or one JSON object."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from .. import api
from ..serve.deploy import How
from ..units import si
from ..workload.traffic import Slo
from . import grid
from .console import OUT, as_json, bar

_BASES = {"cost": "at cost", "vendor": "at the vendor's price"}
_PERCENTILES = ("mean", "p50", "p90", "p95", "p99")


def simulate(
    chip: str, model: str, trace: str, rate: float | None, requests: int | None, replicas: int, how: How, slo: Slo,
    json: bool,
) -> None:  # fmt: skip
    with bar() as progress:
        task = progress.add_task("requests", total=None)
        found = api.simulate(
            chip, model, trace, rate_per_s=rate, requests=requests, replicas=replicas, how=how, slo=slo,
            watch=lambda done: progress.update(task, completed=done),
        )  # fmt: skip
    if json:
        as_json(found)
        return
    OUT.print(card(found))
    _tables(found)


def card(f: dict[str, Any]) -> RenderableType:
    """The answer: whether the SLO was kept, and what it took."""
    slo = f["slo"]
    kept = Text(f"{slo['share']:.1%} of {f['requests']:,} requests kept TTFT {si(slo['ttft_s'], 's')} and TPOT "
                f"{si(slo['tpot_s'], 's')}", style="bold green" if slo["kept"] else "bold red")  # fmt: skip
    usd = f["usd_per_mtoken"][f["basis"]]
    priced = f"${usd:.3g} a million output tokens ({_BASES[f['basis']]})" if usd else "price unknown"
    lines = [
        kept,
        Text(f"{f['goodput']:.3g} requests/s within the SLO, {si(f['tokens_per_s'], 'token/s')}, "
             f"{f['utilization']:.0%} of the time busy"),
        Text(f"{priced}, {si(f['j_per_token'], 'J') if f['j_per_token'] else '-'} a token, "
             f"{si(f['power_w']['mean'], 'W')}"),
    ]  # fmt: skip
    return Panel(Group(*lines), title=f"{_chips(f)}, {f['model']}, {f['trace']}", expand=False)


def _chips(f: dict[str, Any]) -> str:
    each = f["tensor_parallel"] * f["stages"]
    return f"{f['replicas']} x {each} {f['chip']}" if f["replicas"] > 1 or each > 1 else f["chip"]


def _tables(f: dict[str, Any]) -> None:
    names = {"ttft_s": "TTFT", "tpot_s": "TPOT", "latency_s": "latency"}
    rows = [
        {"": name, **{p: si(f[key][p], "s") if f[key][p] is not None else "" for p in _PERCENTILES}}
        for key, name in names.items()
    ]
    grid.show(OUT, "what users saw", rows)
    load = [
        {"": name, "mean": f"{f[key]['mean']:.3g}", "most in a second": f"{f[key]['max']:.3g}"}
        for key, name in (("running", "running"), ("queue", "waiting"), ("kv_use", "cache used, share"))
    ]
    lost = f"{f['preemptions']:,} pre-emptions, {f['rejected']:,} rejected, "
    grid.show(OUT, "load", load, lost + f"{f['requests_per_cpu_s']:,.0f} requests simulated a CPU second")
