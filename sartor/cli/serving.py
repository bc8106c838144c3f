"""Verbs about a chip in service: what they print for people, or one JSON object."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from .. import api
from ..units import si
from . import grid
from .console import OUT, as_json, bar

_BASES = {"cost": "at cost", "vendor": "at the vendor's price"}
_PERCENTILES = ("mean", "p50", "p90", "p95", "p99")


def simulated(*args: Any, **how: Any) -> dict[str, Any]:
    """`api.simulate` with a bar while a person looks on."""
    with bar() as progress:
        task = progress.add_task("requests", total=None)
        return api.simulate(*args, **how, watch=lambda done: progress.update(task, completed=done))


def show(found: dict[str, Any], json: bool) -> None:
    if json:
        as_json(found)
        return
    OUT.print(card(found))
    _tables(found)
    for path in found.get("files", ()):
        OUT.print(f"written: {path}", highlight=False, markup=False)


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
    chips = " + ".join(_pool(pool) for pool in f["pools"])
    return Panel(Group(*lines), title=f"{chips}, {f['model']}, {f['trace']}", expand=False)


def _pool(p: dict[str, Any]) -> str:
    each = p["tensor_parallel"] * p["stages"]
    return f"{p['replicas']:.3g} x {each} {p['chip']}" if p["replicas"] != 1 or each > 1 else str(p["chip"])


def _tables(f: dict[str, Any]) -> None:
    names = {"ttft_s": "TTFT", "tpot_s": "TPOT", "latency_s": "latency"}
    rows = [
        {"": name, **{p: si(f[key][p], "s") if f[key][p] is not None else "" for p in _PERCENTILES}}
        for key, name in names.items()
    ]
    grid.show(OUT, "what users saw", rows)
    role = {"both": "", "prefill": " prefill", "decode": " decode"}
    use = [(f"cache of {p['name']}{role[p['role']]}", p["kv_use"]) for p in f["pools"]]
    load = [
        {"": name, "mean": f"{figure['mean']:.3g}", "most in a second": f"{figure['max']:.3g}"}
        for name, figure in [("running", f["running"]), ("waiting", f["queue"]), *use]
    ]
    grid.show(OUT, "load", load, _lost(f))


def _lost(f: dict[str, Any]) -> str:
    refused = sum(f["rejected"].values())
    parts = [f"{f['preemptions']:,} pre-emptions", f"{refused:,} rejected"]
    if f["restarted"]:
        parts.append(f"{f['restarted']:,} restarted after failures")
    if f["prefix_hit"]:
        parts.append(f"{f['prefix_hit']:.1%} of the prompts found in the cache")
    return ", ".join([*parts, f"{f['requests_per_cpu_s']:,.0f} requests simulated a CPU second"])
