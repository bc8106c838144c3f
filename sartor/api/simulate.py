"""A chip in service: traffic through it, step by step."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from ..chip.spec import Chip
from ..errors import InputError
from ..search.economy import Economy
from ..serve.bill import bill, drawn
from ..serve.deploy import Deployed, How, deploy
from ..serve.outcome import latencies
from ..serve.simulate import Simulated, Watch, scaled
from ..serve.simulate import simulate as run
from ..workload.find import find_model
from ..workload.model import Model
from ..workload.profiles import find_traffic
from ..workload.traffic import Slo, Traffic
from ..workload.workload import workload
from .find import find_chip


def simulate(
    chip: str | Chip,
    model: str | Model,
    trace: str | Traffic,
    *,
    rate_per_s: float | None = None,
    requests: int | None = None,
    how: How | None = None,
    replicas: int = 1,
    slo: Slo | None = None,
    economy: Economy | None = None,
    watch: Watch | None = None,
) -> dict[str, Any]:
    """`trace` through `replicas` of `chip` that serve `model`; the first `requests` of it, at `rate_per_s` where given.

    Returns percentiles of ttft_s, tpot_s and latency_s, goodput (requests a second within the SLO), queue, cache,
    utilization, energy_j, power, dollars, and what each second saw. See docs/serving.md.
    """
    traffic = scaled(find_traffic(trace) if isinstance(trace, str) else trace, rate_per_s, requests)
    slo = slo or Slo(2.0, 0.05)
    deployed = _deployed(chip, model, traffic, slo, how or How())
    deployed.times  # noqa: B018  the table is made before the clock runs
    began = time.process_time()
    done = run(deployed, traffic, replicas, watch=watch)
    cpu_s = time.process_time() - began
    return facts(deployed, traffic, done, replicas, slo, economy or Economy(), cpu_s)


def _deployed(chip: str | Chip, model: str | Model, traffic: Traffic, slo: Slo, how: How) -> Deployed:
    chip = find_chip(chip) if isinstance(chip, str) else chip
    model = find_model(model) if isinstance(model, str) else model
    demand = traffic.demand(slo.percentile)
    if demand.context_max > model.max_context:
        raise InputError(
            f"{traffic.name}: requests reach {demand.context_max:,.0f} tokens, but {model.name} holds "
            f"{model.max_context:,} (choose shorter traffic or another model)"
        )
    fixed = model.formats if chip.tile is not None else {}
    return deploy(chip, workload(model, demand, slo, fixed), how)


def facts(
    deployed: Deployed, traffic: Traffic, done: Simulated, replicas: int, slo: Slo, economy: Economy, cpu_s: float
) -> dict[str, Any]:
    """Everything that is printed."""
    answers, how, limits = done.answers, deployed.how, deployed.limits
    span = max(answers.span_s(), 1e-9)
    seconds, columns = done.book.seconds(span), done.book.columns()
    tokens = float(answers.output_tokens[answers.finished].sum())
    chips = deployed.count * replicas
    parts = [drawn(deployed.chips, chips, seconds["energy_j"], done.book.series.width_s, span)]
    return {
        "chip": deployed.chip.name, "model": deployed.work.model.name, "trace": traffic.name,
        "requests": len(traffic), "finished": int(answers.finished.sum()), "rejected": done.rejected,
        "replicas": replicas, "chips": chips, "tensor_parallel": deployed.tensor_parallel, "stages": how.stages,
        "weights": how.weights or "bf16", "kv": how.cache or "bf16",
        "limits": {"max_seqs": limits.max_seqs, "batch_tokens": limits.batch_tokens,
                   "block_tokens": limits.block_tokens, "blocks": limits.blocks},
        **latencies(answers, slo),
        "utilization": float(seconds["busy"].sum()) / done.engines / max(len(seconds["busy"]), 1),
        "queue": _mean_max(seconds["waiting"]), "running": _mean_max(seconds["running"]),
        "kv_use": _mean_max(seconds["used_blocks"] / (limits.blocks * done.engines)),
        "preemptions": int(columns["preempted"].sum()),
        "prefix_hit": float(columns["cached_tokens"].sum()) / float(traffic.prompt_tokens.sum()),
        "basis": deployed.basis, **bill(parts, span, tokens, economy),
        "cpu_s": cpu_s, "requests_per_cpu_s": len(traffic) / max(cpu_s, 1e-9),
    }  # fmt: skip


def _mean_max(values: np.ndarray) -> dict[str, float]:
    return {"mean": float(values.mean()), "max": float(values.max())}
