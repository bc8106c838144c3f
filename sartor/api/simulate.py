"""Chips in service: traffic through them, step by step."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from ..chip.spec import Chip
from ..errors import InputError
from ..search.economy import Economy
from ..serve import cluster_file
from ..serve.bill import bill, drawn
from ..serve.deploy import Deployed, How, deploy
from ..serve.export import write
from ..serve.outcome import Answers, latencies, percentiles
from ..serve.simulate import Simulated, Watch, scaled
from ..serve.simulate import simulate as run
from ..serve.spec import Cluster, Pool, Routing
from ..workload.find import find_model
from ..workload.model import Model
from ..workload.profiles import find_traffic
from ..workload.traffic import Demand, Slo, Traffic
from ..workload.workload import Workload, workload
from .find import find_chip


def simulate(
    chip: str | Chip | None,
    model: str | Model,
    trace: str | Traffic,
    *,
    rate_per_s: float | None = None,
    requests: int | None = None,
    how: How | None = None,
    replicas: int = 1,
    routing: Routing = "round-robin",
    cluster: str | Path | None = None,
    slo: Slo | None = None,
    economy: Economy | None = None,
    seed: int = 0,
    out: Path | None = None,
    timeline_s: float = 60.0,
    watch: Watch | None = None,
) -> dict[str, Any]:
    """`trace` through `replicas` of `chip` that serve `model`, or through the cluster in the TOML file `cluster`; the
    first `requests` of it, at `rate_per_s` where given.

    Returns percentiles of ttft_s, tpot_s and latency_s, goodput (requests a second within the SLO), queue, cache,
    utilization, energy_j, power and dollars. `out`: a folder for a row a request, a row a second, and the first
    `timeline_s` seconds step by step. See docs/serving.md.
    """
    traffic = scaled(find_traffic(trace) if isinstance(trace, str) else trace, rate_per_s, requests)
    slo = slo or Slo(2.0, 0.05)
    if cluster is not None:
        made = from_file(cluster, model, traffic, slo)
    elif chip is None:
        raise InputError("simulate needs a chip or a cluster (try --chip h100-sxm)")
    else:
        made = Cluster((Pool(deployed(chip, model, traffic, slo, how or How()), replicas),), routing)
    for pool in made.pools:
        pool.deployed.times  # noqa: B018  tables are made before the clock runs
    began = time.process_time()
    done = run(made, traffic, seed, keep_s=timeline_s if out else 0.0, watch=watch)
    found = facts(made, traffic, done, slo, economy or Economy(), time.process_time() - began)
    return found if out is None else {**found, "files": [str(p) for p in write(out, done, made, traffic, slo)]}


def from_file(path: str | Path, model: str | Model, traffic: Traffic, slo: Slo) -> Cluster:
    """The cluster in a TOML file, serving `model`."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    part = cluster_file.loads(text, str(path))
    pools = tuple(
        Pool(deployed(p.chip, model, traffic, slo, p.how()), p.replicas, p.role,
             p.scaling.made() if p.scaling else None, p.name or Path(p.chip).stem)
        for p in part.pool
    )  # fmt: skip
    return Cluster(pools, part.routing, part.most_waiting, part.way(), part.faults.made())


def deployed(chip: str | Chip, model: str | Model, traffic: Traffic, slo: Slo, how: How) -> Deployed:
    """One replica of `chip`, for this traffic."""
    chip = find_chip(chip) if isinstance(chip, str) else chip
    model = find_model(model) if isinstance(model, str) else model
    demand = traffic.demand(slo.percentile)
    check_context(traffic, demand, model)
    work: Workload = workload(model, demand, slo, model.formats if chip.tile is not None else {})
    return deploy(chip, work, how, traffic.pieces.tokens if traffic.pieces else 0)


def check_context(traffic: Traffic, demand: Demand, model: Model) -> None:
    """Raises InputError where the model is too short for the traffic."""
    if demand.context_max > model.max_context:
        raise InputError(
            f"{traffic.name}: requests reach {demand.context_max:,.0f} tokens, but {model.name} holds "
            f"{model.max_context:,} (choose shorter traffic or another model)"
        )


def facts(
    cluster: Cluster, traffic: Traffic, done: Simulated, slo: Slo, economy: Economy, cpu_s: float
) -> dict[str, Any]:
    """Everything that is printed."""
    answers, counts, columns = done.answers, done.counts, done.book.columns()
    span = max(answers.span_s(), 1e-9)
    seconds = [done.book.seconds(span, i) for i in range(len(cluster.pools))]
    tokens = float(answers.output_tokens[answers.finished].sum())
    parts = [
        drawn(pool.deployed.chips, pool.deployed.count * paid / span, own["energy_j"], done.book.width_s, span)
        for pool, own, paid in zip(cluster.pools, seconds, done.paid_s, strict=True)
    ]
    pools = [pool_facts(*each, span) for each in zip(cluster.pools, seconds, done.paid_s, strict=True)]
    return {
        "model": cluster.pools[0].deployed.work.model.name, "trace": traffic.name, "routing": cluster.routing,
        "chip": " + ".join(dict.fromkeys(p["chip"] for p in pools)), "chips": sum(p["chips"] for p in pools),
        **({} if traffic.priority is None else {"by_priority": by_priority(traffic.priority, answers, slo)}),
        **({} if traffic.batch is None else {"recorded_batch": traffic.recorded_batch}),
        "requests": len(traffic), "finished": int(answers.finished.sum()),
        "rejected": {"too_long": counts.too_long, "turned_away": counts.turned_away},
        **latencies(answers, slo), "pools": pools,
        "utilization": float(np.average([p["utilization"] for p in pools], weights=[p["chips"] for p in pools])),
        "queue": _mean_max(np.sum([own["waiting"] for own in seconds], axis=0)),
        "running": _mean_max(np.sum([own["running"] for own in seconds], axis=0)),
        "preemptions": int(columns["preempted"].sum()), "restarted": counts.restarted,
        "events": [{"second_s": at, "what": what} for at, what in counts.events],
        "prefix_hit": float(columns["cached_tokens"].sum()) / float(traffic.prompt_tokens.sum()),
        "basis": basis(cluster), **bill(parts, span, tokens, economy),
        "cpu_s": cpu_s, "requests_per_cpu_s": len(traffic) / max(cpu_s, 1e-9),
    }  # fmt: skip


def by_priority(priority: np.ndarray, answers: Answers, slo: Slo) -> dict[str, Any]:
    """What users of each priority saw, the most urgent first."""
    return {
        str(p): {
            "requests": int((priority == p).sum()), "share": float(answers.kept(slo)[priority == p].mean()),
            "ttft_s": percentiles(answers.ttft_s[priority == p]), "tpot_s": percentiles(answers.tpot_s[priority == p]),
        }
        for p in np.unique(priority).tolist()
    }  # fmt: skip


def basis(cluster: Cluster) -> str:
    """What every chip's owner pays, or at cost where they differ."""
    found = {pool.deployed.basis for pool in cluster.pools}
    return found.pop() if len(found) == 1 else "cost"


def pool_facts(pool: Pool, seconds: dict[str, np.ndarray], paid_s: float, span_s: float) -> dict[str, Any]:
    deployed, limits = pool.deployed, pool.deployed.limits
    replicas = paid_s / span_s
    engines = max(replicas * deployed.how.stages, 1e-9)
    return {
        "name": pool.name or deployed.chip.name, "role": pool.role, "chip": deployed.chip.name,
        "replicas": replicas, "chips": replicas * deployed.count, "tensor_parallel": deployed.tensor_parallel,
        "stages": deployed.how.stages, "weights": deployed.how.weights or "bf16", "kv": deployed.how.cache or "bf16",
        "limits": {"max_seqs": limits.max_seqs, "batch_tokens": limits.batch_tokens,
                   "block_tokens": limits.block_tokens, "blocks": limits.blocks},
        "utilization": float(seconds["busy"].sum()) / (engines * span_s),
        "kv_use": _mean_max(seconds["used_blocks"] / (limits.blocks * engines)),
        "energy_j": float(seconds["energy_j"].sum()),
    }  # fmt: skip


def _mean_max(values: np.ndarray) -> dict[str, float]:
    return {"mean": float(values.mean()), "max": float(values.max())}
