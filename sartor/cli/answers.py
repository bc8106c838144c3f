"""Verbs that answer at once: what they print for people, or one JSON object."""

from __future__ import annotations

from typing import Any

from .. import api
from ..api.listing import for_people, units_of
from ..units import si, to
from . import grid
from .console import OUT, as_json

_UNSEEN = ("source", "note", "kind", "price_source", "price_date", "status", "family", "peak_format")

_FORMATS = (
    "KL: nats that SmolLM2-135M loses, its linear layers rounded to nearest, turned\n"
    "um2: cells of a multiply-add with 8-bit activations, fJ: of a weight, GHz: of a\n"
    "core, in ASAP7 (empty: no decoder of ours); °: with engine `lut`, sums from\n"
    "tables that 16 rows share; faster: a token against q8_0, counted at RTL;\n"
    "docs/formats.md has more\n"
)
NOTHING = 1e-9  # of a step's time: what other kernels do on their way
_MORE = {"formats": f"{_FORMATS}behind a name: -2:4, two weights of four; -gptq, with calibration (quality)\n"}


def listing(kind: str, json: bool) -> None:
    rows, units = api.listing(kind), units_of(kind)
    if json:
        as_json({"kind": kind, "rows": rows})
        return
    lines = [_format_line(row) if kind == "formats" else _line(row, units) for row in rows]
    grid.show(OUT, f"{len(rows)} {kind}", lines, f"{_MORE.get(kind, '')}sources and more columns: --json")


def _line(row: dict[str, Any], units: dict[str, str]) -> dict[str, str]:
    """A row of a listing as text: facts in the unit of their table, everything else with its own."""
    cells = {}
    for column, value in row.items():
        if column in units:
            cells[f"{_words(column)} {units[column]}".strip(" -")] = f"{to(value, units[column]):.4g}"
        elif column not in _UNSEEN:
            cells[_words(column)] = for_people(value, column)
    return cells


def _format_line(row: dict[str, Any]) -> dict[str, str]:
    """A format in one line of 80 letters."""
    figures = {"KL": ("kl", 1.0), "um2": ("mac_area_mm2", 1e6), "fJ": ("weight_energy_j", 1e15),
               "GHz": ("clock_hz", 1e-9), "um2°": ("lut_mac_area_mm2", 1e6),
               "fJ°": ("lut_weight_energy_j", 1e15), "faster": ("rtl_speedup", 1.0)}  # fmt: skip
    cells = {head: "" if row[at] is None else _short(row[at] * by) for head, (at, by) in figures.items()}
    return {"name": row["name"], "bits": f"{row['bits_per_weight']:.4g}", **cells}


def _short(value: float) -> str:
    """Three digits; of what is next to nothing one."""
    return f"{value:.3g}" if value >= 1e-4 else f"{value:.0e}"


def _words(column: str) -> str:
    """A heading: the cells carry the unit.

    >>> _words("bandwidth_bytes_per_s"), _words("rate_per_s"), _words("kv_bytes_per_token")
    ('bandwidth', 'rate', 'kv per token')
    """
    column = column.replace("_bytes_per_token", "_per_token")
    for suffix in ("_bytes_per_s", "_ops_per_s", "_usd_per_s", "_per_s", "_bytes", "_usd", "_w", "_s"):
        if column.endswith(suffix):
            return column.removesuffix(suffix).replace("_", " ")
    return column.replace("_", " ")


def read(model: str, batch: int, context: int, json: bool) -> None:
    facts = api.read(model, batch, context)
    if json:
        as_json(facts)
        return
    OUT.print(f"[bold]{facts['name']}[/] ({facts['family']}): {facts['parameters']:,} parameters, "
              f"{facts['active_parameters']:,} active, {si(facts['weight_bytes'], 'B')} of weights, "
              f"{si(facts['kv_bytes_per_token'], 'B')} of cache a token")  # fmt: skip
    shape = ("name", "k", "n", "heads", "kv_heads", "key_dim", "experts", "active", "count", "rows", "macs")
    for phase, part in facts["phases"].items():
        rows = [{_words(c): _shape(op.get(c), c) for c in shape} for op in part["operators"] if "macs" in op]
        OUT.print()
        grid.show(OUT, f"{phase}: batch {batch}, context {context}", rows)
        vector, written = si(part["vector_lane_ops"], "op"), si(part["cache_bytes_written"], "B")
        weights, cache = si(part["weight_bytes_read"], "B"), si(part["cache_bytes_read"], "B")
        OUT.print(f"{si(part['macs'], 'MAC')}, {vector} in the vector unit; read: {weights} of weights, "
                  f"{cache} of cache; written: {written} of cache")  # fmt: skip


def _shape(value: Any, column: str) -> str:
    if value is None or (column in ("experts", "active") and value == 1):
        return ""
    return si(value, "MAC") if column == "macs" else for_people(value, column)


def estimate(facts: dict[str, Any], json: bool) -> None:
    if json:
        as_json(facts)
        return
    OUT.print(f"[bold]{facts['chip']}[/], {facts['model']} in {facts['weights']}, {facts['phase']} of batch "
              f"{facts['batch']}, context {facts['context']}: [bold]{si(facts['latency_s'], 's')}[/], "
              f"{si(facts['tokens_per_s'], 'token/s')}, {_joules(facts['energy_j'])}, "
              f"bound by {facts['bound']}")  # fmt: skip
    OUT.print(f"{_trust(facts['error'])}\n", highlight=False)
    rows = [_time(row) for row in facts["breakdown"]["time"] if row["share"] > NOTHING]
    grid.show(OUT, "by operator", rows, facts["note"] or "")


def _joules(energy_j: float | None) -> str:
    return "energy not known (the chip's power is not published)" if energy_j is None else si(energy_j, "J")


def _trust(error: dict[str, Any]) -> str:
    """How far the estimate may be off.

    >>> _trust({"latency": 0.021, "energy": 0.08, "on": "h100-sxm", "scope": "models that were left out"})
    'four in five measurements (h100-sxm): time within 2.1 %, energy within 8.0 %; models that were left out'
    """
    time, energy = (f"{100 * error[name]:.1f} %" if error[name] else None for name in ("latency", "energy"))
    joules = f"energy within {energy}" if energy else "energy not measured"
    return f"four in five measurements ({error['on']}): time within {time}, {joules}; {error['scope']}"


def _time(row: dict[str, Any]) -> dict[str, str]:
    """What an operator takes, and what each resource needs of it; nothing where it needs none."""
    cells = {_words(c): for_people(v, c) for c, v in row.items() if c != "macs" and v != 0}
    return {**cells, "share": f"{row['share']:.1%}"}


def cost(facts: dict[str, Any], json: bool) -> None:
    if json:
        as_json(facts)
        return
    rows = [
        {"figure": _figure(name), **{end: f"{row[end]:,.4g}" for end in ("low", "nominal", "high")}}
        for name, row in facts["figures"].items()
    ]
    grid.show(OUT, f"{facts['chip']}: {facts['volume']:,.0f} made, {facts['node']}, {facts['package']}", rows,
              f"low and high: 80 % of the draws of every fact from its range; {_bills(facts)}")  # fmt: skip
    if facts["note"]:
        OUT.print(facts["note"], markup=False)


def _bills(facts: dict[str, Any]) -> str:
    """What four in five published figures lie within, of those that were checked."""
    words = {"unit_usd": "bills", "die_mm2": "dies", "power_w": "power limits"}
    known = [f"{words[name]} within {error:.0%}" for name, error in facts["error"].items() if error is not None]
    return f"four in five published {', '.join(known)} of ours" if known else "nothing was checked"


def _figure(name: str) -> str:
    """A figure's name with its unit behind it.

    >>> _figure("area_memory phy_mm2"), _figure("unit_usd_with_nre"), _figure("die_yield")
    ('area, memory phy (mm2)', 'unit with NRE (USD)', 'die yield')
    """
    known = {"unit_usd_with_nre": "unit with NRE", "usd_per_hour": "owning at cost, an hour", "nre_usd": "NRE",
             "price_usd": "price", "usd_per_hour_bought": "owning at that price, an hour"}
    if name in known:
        return f"{known[name]} (USD)"
    for suffix, unit in (("_mm2", "mm2"), ("_usd", "USD"), ("_w", "W")):
        if name.endswith(suffix):
            name = f"{name.removesuffix(suffix)} ({unit})"
    return name.replace("area_", "area, ").replace("_", " ")


def _cached(facts: dict[str, Any]) -> str:
    held = {kind: size for kind, size in facts["cache_bytes"].items() if size >= 1e6}
    parts = ", ".join(f"{kind} {size / 1e6:,.0f} MB" for kind, size in sorted(held.items(), key=lambda i: -i[1]))
    said = f" ({parts}; what is not used for 30 days goes, and all of these may be removed at any time)" if held else ""
    return f"cache: {facts['cache']}{said}"


def doctor(facts: dict[str, Any], json: bool) -> None:
    if json:
        as_json(facts)
        return
    tools = facts["tools"]
    rows = [{"tool": t["name"], "found": t["version"] or "missing", "adds": t["adds"]} for t in tools]
    grid.show(OUT, f"sartor {facts['sartor']}, Python {facts['python']}", rows, _cached(facts))
    for tool in tools:
        if not tool["version"]:
            OUT.print(f"to get {tool['name']}: {tool['get']}", markup=False)
