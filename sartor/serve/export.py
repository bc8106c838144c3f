"""What a simulation leaves behind: a row a request, a row a second, a timeline for a trace viewer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..workload.traffic import Slo, Traffic
from .book import Run
from .simulate import Simulated
from .spec import Cluster

_US = 1e6


def request_columns(done: Simulated, traffic: Traffic, slo: Slo) -> dict[str, np.ndarray]:
    """Each request's lengths and times in seconds, NaN where it never came to that; where it ran, how often it was
    thrown out, tokens found in the cache, whether it kept the SLO [requests]."""
    answers, columns = done.answers, done.book.columns()
    return {
        "arrival_s": traffic.arrival_s, "prompt_tokens": traffic.prompt_tokens,
        "output_tokens": traffic.output_tokens, "ttft_s": answers.ttft_s, "tpot_s": answers.tpot_s,
        "latency_s": answers.latency_s, "engine": columns["engine"], "preempted": columns["preempted"],
        "cached_tokens": columns["cached_tokens"], "within_slo": answers.kept(slo),
    }  # fmt: skip


def second_columns(done: Simulated, cluster: Cluster) -> dict[str, np.ndarray]:
    """Each second of each pool, all [pools x seconds]. Sums: steps, decode_tokens, prompt_tokens, energy_j (dynamic, of
    all chips); means: busy, running, waiting, used_blocks (of all engines)."""
    span = done.answers.span_s()
    pools = [done.book.seconds(span, i) for i in range(len(cluster.pools))]
    number = np.repeat(np.arange(len(pools)), [len(own["second_s"]) for own in pools])
    return {"pool": number, **{name: np.concatenate([own[name] for own in pools]) for name in pools[0]}}


def timeline(runs: list[Run]) -> dict[str, Any]:
    """In the form of Chrome's trace viewer and of Perfetto: an engine a row, a box for each run of equal steps."""
    engines = sorted({run.engine for run in runs})
    named = [
        {"name": "thread_name", "ph": "M", "pid": 0, "tid": engine, "args": {"name": f"engine {engine}"}}
        for engine in engines
    ]
    return {"displayTimeUnit": "ms", "traceEvents": [*named, *map(_box, runs), *map(_counter, runs)]}


def _box(run: Run) -> dict[str, Any]:
    what = "prompts" if run.prompt_tokens else "decode"
    args = {name: getattr(run, name) for name in ("steps", "decoding", "prompt_tokens", "waiting", "energy_j")}
    length = run.end_s - run.start_s
    return {"name": what, "ph": "X", "pid": 0, "tid": run.engine, "ts": run.start_s * _US, "dur": length * _US,
            "args": args}  # fmt: skip


def _counter(run: Run) -> dict[str, Any]:
    args = {"running": run.running, "waiting": run.waiting, "blocks": run.used_blocks}
    return {"name": f"engine {run.engine}", "ph": "C", "pid": 0, "ts": run.start_s * _US, "args": args}


def write(folder: Path, done: Simulated, cluster: Cluster, traffic: Traffic, slo: Slo) -> list[Path]:
    """requests.parquet, seconds.parquet and, where steps were kept, timeline.json."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    paths = [folder / "requests.parquet", folder / "seconds.parquet"]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, columns in zip(
            paths, (request_columns(done, traffic, slo), second_columns(done, cluster)), strict=True
        ):
            pq.write_table(pa.table(columns), path)
        if done.book.kept:
            paths.append(folder / "timeline.json")
            paths[-1].write_text(json.dumps(timeline(done.book.kept), separators=(",", ":")), encoding="utf-8")
    except OSError as error:
        raise InputError(f"{folder}: cannot be written: {error.strerror} (try another --out)") from None
    return paths
