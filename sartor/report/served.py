"""What a simulation says of the designs that it was asked about, as the report holds it."""

from __future__ import annotations

from typing import Any

from ..serve.choice import Tried
from ..workload.traffic import Slo, Traffic


def service(tried: list[Tried], traffic: Traffic, slo: Slo, margin: float, requests: int) -> dict[str, Any]:
    """`tried`: the chosen one first. `requests`: so many were sent."""
    return {
        "trace": traffic.name, "requests": requests, "percentile": slo.percentile,
        "ttft_s": slo.ttft_s, "tpot_s": slo.tpot_s, "margin": margin, "kept": tried[0].kept,
        "replicas": tried[0].replicas, "tried": [_row(t) for t in tried],
    }  # fmt: skip


def _row(t: Tried) -> dict[str, Any]:
    """One design; `planned`: by the closed form."""
    seen = t.seen
    planned = {name: t.planned[name] for name in ("ttft_s", "tpot_s", "latency_s", "j_per_token")}
    return {
        "design": t.planned["design"], "planned": planned,
        "load": t.how.load, "batch": t.how.batch, "chips": t.how.chips, "replicas": t.replicas,
        "batch_tokens": t.batch_tokens, "rate_per_s": t.rate_per_s, "usd_per_mtoken": t.usd,
        "j_per_token": t.j_per_token, **{name: seen[name] for name in ("ttft_s", "tpot_s", "latency_s")},
        "share": seen["slo"]["share"], "kept": t.kept, "goodput": seen["goodput"],
    }  # fmt: skip
