"""What there is to choose from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..chip import catalog
from ..errors import UnknownName
from ..formats.hardware import decoded
from ..formats.spec import NumberFormat, formats
from ..search import study as studies
from ..tables import table
from ..units import si, to
from ..workload import find, profiles, sizes
from .format_facts import facts_of

Rows = list[dict[str, Any]]


def listing(kind: str) -> Rows:
    """Rows of `kind`: studies, chips, models, formats, nodes, memories, links or traffic."""
    if kind not in KINDS:
        raise UnknownName("kind", kind, KINDS)
    return KINDS[kind]()


def _studies() -> Rows:
    found = [studies.find_study(name) for name in studies.names()]
    return [
        {"name": s.name, "title": s.title, "model": s.model.name, "traffic": s.traffic.profile} for s in found
    ]


def _models() -> Rows:
    found = [find.bundled(name) for name in find.names()]
    return [
        {
            "name": m.name, "family": m.family, "parameters": sizes.parameters(m),
            "active_parameters": sizes.active_parameters(m), "weights": m.weights, "max_context": m.max_context,
            "kv_bytes_per_token": sizes.cache_bytes_per_token(m), "kind": m.kind, "source": m.source,
        }
        for m in found
    ]  # fmt: skip


def _formats() -> Rows:
    return [
        {"name": f.name, "element": f.element, "element_bits": f.element_bits, "group": f.group or _whole(f),
         "bits_per_weight": f.bits(), "decoder": f.name in decoded(), **facts_of(f.name), "source": f.source}
        for f in formats().values()
    ]  # fmt: skip


def _whole(form: NumberFormat) -> str:
    """What shares a scale, where it is no group of neighbors: nothing, a channel, or the tensor, whose bits do not
    count."""
    return "" if form.codec == "plain" else "channel" if form.scale_bits else "tensor"


def _traffic() -> Rows:
    rows = []
    for name in profiles.names():
        d = profiles.demand(name)
        rows.append({
            "name": name, "rate_per_s": d.rate_per_s, "arrival_scv": d.arrival_scv, "prompt_mean": d.prompt_mean,
            "prompt_p95": d.prompt_tail, "output_mean": d.output_mean, "prefix_hit": d.prefix_hit,
            "source": profiles.find_profile(name).source,
        })  # fmt: skip
    return rows


def _facts(name: str) -> Callable[[], Rows]:
    """A table of facts, one row an item."""

    def rows() -> Rows:
        t = table(name)
        return [
            {"name": i, **{q: t.fact(i, q).value for q in t.quantities if (i, q) in t.facts}} for i in t.items
        ]

    return rows


KINDS: dict[str, Callable[[], Rows]] = {
    "studies": _studies, "chips": catalog.rows, "models": _models, "formats": _formats, "nodes": _facts("nodes"),
    "memories": _facts("memories"), "links": _facts("links"), "traffic": _traffic,
}  # fmt: skip


def units_of(kind: str) -> dict[str, str]:
    """The unit in which a table of facts states each quantity; nothing for other kinds."""
    if kind not in ("nodes", "memories", "links"):
        return {}
    return {quantity: fact.unit for (_, quantity), fact in table(kind).facts.items()}


def for_people(value: Any, column: str) -> str:
    """A cell of a listing: quantities with SI prefixes, by their column's suffix.

    >>> for_people(5.53, "rate_per_s"), for_people(2e-3, "rental_usd_per_s"), for_people(15000.0, "purchase_usd")
    ('5.53 /s', '7.2 USD/h', '15,000 USD')
    """
    suffixes = {
        "_bytes_per_token": "B", "_bytes_per_s": "B/s", "_bytes": "B", "_ops_per_s": "op/s", "_w": "W", "_hz": "Hz",
        "_per_s": "/s", "_s": "s",
    }  # fmt: skip
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, float):
        if column.endswith("_usd_per_s"):
            return f"{to(value, 'USD/h'):.4g} USD/h"
        if column.endswith("_usd"):
            return f"{value:,.0f} USD"
        unit = next((u for s, u in suffixes.items() if column.endswith(s)), None)
        return si(value, unit) if unit else f"{value:.4g}"
    if isinstance(value, int) and abs(value) >= 1e6:
        return si(value, "").strip()
    return "" if value is None else str(value)
