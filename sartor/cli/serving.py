"""Verbs about a chip in service: what they print for people, or one JSON object."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from .. import api
from ..units import si
from . import grid
from .console import ERR, OUT, as_json, bar

_BASES = {"cost": "at cost", "vendor": "at the vendor's price", "rental": "rented"}
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
    watts = f["power_w"]["mean"]
    lines = [
        kept,
        Text(f"{f['goodput']:.3g} requests/s within the SLO, {si(f['tokens_per_s'], 'token/s')}, "
             f"{f['utilization']:.0%} of the time busy"),
        Text(f"{priced}, {_joules(f['j_per_token'])}" + (f", {si(watts, 'W')}" if watts is not None else "")),
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
    if f.get("recorded_batch"):
        parts.append(f"{f['recorded_batch']:.3g} sequences in a decode pass where it was recorded")
    return ", ".join([*parts, f"{f['requests_per_cpu_s']:,.0f} requests simulated a CPU second"])


def fleet(*args: Any, json: bool, **how: Any) -> None:
    with ERR.status("") as status:
        found = api.fleet(*args, **how, watch=status.update)
    if json:
        as_json(found)
    else:
        show_fleets(found)


def fleets(
    chips: list[Any], model: str | None, trace: str, rate: float | None, ttft: float, tpot: float, batch: int | None
) -> dict[str, Any]:
    """Of chips that are compared."""
    with ERR.status("") as status:
        return api.compare_fleets(chips, model, trace, rate, ttft, tpot, batch=batch, watch=status.update)


def show_fleets(found: dict[str, Any]) -> None:
    OUT.print(_verdict(found))
    grid.show(OUT, "fleets, cheapest first", [_fleet_row(f) for f in found["fleets"]],
              "a day of this traffic; formats are not judged for quality: --weights names those that the model bears")
    for row in found["refused"]:
        OUT.print(f"no fleet of {row['chip']}: {row['reason']}", markup=False, highlight=False)
    first = found["fleets"][0]
    grid.show(OUT, f"a day of {first['chip']}", [_hour_row(h) for h in first["day"]["hours"][::2]])


def _verdict(f: dict[str, Any]) -> RenderableType:
    """The cheapest fleet, and the best one of chips that one could buy."""
    first, slo = f["fleets"][0], f["slo"]
    gpu = next((row for row in f["fleets"] if row["chip"] == f["best_gpu"]), None)
    replicas = f"{first['replicas']} x {first['tensor_parallel']} side by side"
    peak = f"{f['peak_per_s']:.3g} requests/s at the peak"
    lines = [Text(f"{first['chips']} x {first['chip']} ({replicas}) for {peak}", style="bold green")]
    lines.append(Text(f"{_usd(first['usd_per_day'])} a day, {_usd(first['usd_per_mtoken'])} a million output tokens "
                      f"({_BASES[first['basis']]}), {_joules(first['j_per_token'])}"))  # fmt: skip
    if gpu is not None and gpu is not first:
        lines.append(Text(_beside(first, gpu)))
    lost = first["failure"]
    lines.append(Text(f"one replica lost at the peak: {lost['share']:.1%} keep the SLO, with a spare "
                      f"{lost['share_with_spare']:.1%} ({_usd(lost['spare_usd_per_year'])} a year); expected "
                      f"{lost['per_year']:.2g} times a year"))  # fmt: skip
    title = f"{f['model']}, {f['trace']}, TTFT {si(slo['ttft_s'], 's')}, TPOT {si(slo['tpot_s'], 's')}"
    return Panel(Group(*lines), title=title, expand=False)


def _beside(first: dict[str, Any], gpu: dict[str, Any]) -> str:
    """What the best chips to buy take, on the bases on which both are known, or each on its own."""
    mine, theirs = (f["day"]["usd_per_day"] for f in (first, gpu))
    words = [
        f"{theirs[basis] / mine[basis]:.2f} x {name}"
        for basis, name in _BASES.items()
        if mine[basis] and theirs[basis]
    ]
    if not words and gpu["usd_per_day"] and first["usd_per_day"]:
        bases = f"{_BASES[gpu['basis']]}, {first['chip']} {_BASES[first['basis']]}"
        words = [f"{gpu['usd_per_day'] / first['usd_per_day']:.2f} x ({bases})"]
    said = f"{gpu['chips']} x {gpu['chip']} cost {' and '.join(words) or 'what is not known'}"
    joules, mine_j = gpu["j_per_token"], first["j_per_token"]
    return said if None in (joules, mine_j) else f"{said}, and take {joules / mine_j:.2f} x the energy"


def _joules(j_per_token: float | None) -> str:
    return "energy not known" if j_per_token is None else f"{si(j_per_token, 'J')} a token"


def _known(value: float | None, unit: str) -> str:
    return "-" if value is None else si(value, unit)


def _usd(value: float | None) -> str:
    return "$?" if value is None else f"${value:,.3g}"


def _fleet_row(f: dict[str, Any]) -> dict[str, str]:
    lost, day = f["failure"], f["day"]
    return {
        "chip": f["chip"], "weights": f["weights"], "chips": f"{f['chips']} ({f['replicas']} x {f['tensor_parallel']})",
        "a replica": f"{f['each_per_s']:.3g}/s", "price": _BASES[f["basis"]], "$/day": _usd(f["usd_per_day"])[1:],
        "$/Mtoken": _usd(f["usd_per_mtoken"])[1:], "J/token": _known(f["j_per_token"], "J"),
        "power": _known(day["mean_w"], "W"), "kept": f"{day['share']:.1%}", "kept, one lost": f"{lost['share']:.1%}",
        "a spare, $/year": _usd(lost["spare_usd_per_year"])[1:],
    }  # fmt: skip


def _hour_row(h: dict[str, Any]) -> dict[str, str]:
    return {
        "hour": f"{h['hour']:.0f}", "requests/s": f"{h['requests_per_s']:.3g}", "busy": f"{h['busy']:.0%}",
        "power": _known(h["power_w"], "W"), "TTFT p95": si(h["ttft_p95_s"], "s"), "kept": f"{h['share']:.1%}",
    }  # fmt: skip


def _broken(rule: str) -> str:
    """A rule of LoadGen's, and what to try.

    >>> _broken("Early stopping satisfied")
    'broken: early stopping (too few requests to be sure of the percentile: more --seconds)'
    """
    name = rule.removesuffix("satisfied").strip().lower()
    try_ = {"early stopping": "too few requests to be sure of the percentile: more --seconds",
            "performance constraints": "TTFT or TPOT beyond its limit: a lower --rate, more --replicas",
            "min duration": "more --seconds", "min queries": "more --seconds"}  # fmt: skip
    return f"broken: {name} ({try_[name]})" if name in try_ else f"broken: {name}"


def loadgen(*args: Any, json: bool, **how: Any) -> None:
    with ERR.status(f"MLPerf LoadGen, {how['seconds']:g} s or more"):
        found = api.loadgen(*args, **how)
    if json:
        as_json(found)
        return
    said = "VALID" if found["valid"] else "INVALID"
    lines = [
        Text(f"LoadGen calls the run {said}", style="bold green" if found["valid"] else "bold red"),
        Text(f"{found['samples_per_s']:.3g} requests/s, {si(found['tokens_per_s'], 'token/s')}"),
    ]
    lines += [Text(_broken(rule)) for rule in found["broken"]]
    title = f"{found['replicas']} x {found['chip']}, {found['model']}, scenario {found['scenario']}"
    OUT.print(Panel(Group(*lines), title=title, expand=False))
    rows = [
        {"": name, **{p: si(v, "s") for p, v in found[key].items()}}
        for key, name in (("ttft_s", "TTFT"), ("tpot_s", "TPOT"))
        if None not in found[key].values()
    ]
    if rows:
        grid.show(OUT, "what it measured", rows)
    OUT.print(f"its logs: {found['files'][0].rpartition('/')[0]}", highlight=False, markup=False)
