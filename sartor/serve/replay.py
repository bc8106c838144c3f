"""A recorded run again, in simulation: the same requests at the same times, on measured layers."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..tables import table
from ..tech.link import all_to_all_s, short_all_reduce_s
from ..workload.model import Experts, Model
from ..workload.sizes import cache_bytes_per_token, weight_bytes
from .book import Book
from .engine import Engine
from .layer_times import LayerTimes, graph_sizes
from .layers import Layers, read_layers
from .limits import Limits
from .lockstep import LockStep, Shared
from .outcome import Answers
from .request import Request
from .skew import read_skew
from .times import StepTimes
from .vllm_run import VllmRun

RESULT_BYTES = 2.0  # of a hidden state's element, between chips
_LARGEST_GRAPH = 512


def replay(run: VllmRun, model: Model, layers: Path) -> Answers:
    """`layers`: the folder that holds the tables of the run's hardware and model."""
    return again(run, model, *_times(run, model, find_tables(layers, run)))


def again(run: VllmRun, model: Model, times: StepTimes, shared: Shared | None = None) -> Answers:
    """The run's requests, its steps taking `times`; `shared`: what ranks do together."""
    limits, book = _limits(run, model), Book(len(run.arrival_s))
    ranks = run.settings.data_parallel
    engines = [Engine(times, limits, book, i) for i in range(ranks)]
    together = LockStep(engines, shared) if shared else None
    columns = (run.arrival_s.tolist(), run.prompt_tokens.tolist(), run.output_tokens.tolist())
    for i, (at, prompt, output) in enumerate(zip(*columns, strict=True)):
        for each in [together] if together else engines:
            each.advance(at)
        (together or least_loaded(engines)).add(Request(i, at, prompt, output), at)
    for each in [together] if together else engines:
        each.advance(inf)
    done = book.columns()
    return Answers(run.arrival_s, done["first_s"], done["last_s"], run.output_tokens)


def least_loaded(engines: list[Engine]) -> Engine:
    """Where vLLM's balancer sends a request. Source: vLLM 0.19, v1/engine/core_client.py."""
    return min(engines, key=lambda e: 4 * len(e.waiting) + len(e.running))


def find_tables(layers: Path, run: VllmRun) -> Path:
    """The folder HARDWARE/ORGANIZATION/MODEL/VARIANT/tpN of the run."""
    name, tensor = run.settings.model.rsplit("/", 1)[-1].lower(), run.settings.tensor_parallel
    if not layers.is_dir():
        raise InputError(f"{layers}: {'not a folder' if layers.exists() else 'no such folder'}")
    all_ = [path.parent for path in sorted(layers.rglob("dense.csv")) if path.parent.name == f"tp{tensor}"]
    found = [p for p in all_ if name in (part.lower() for part in p.parts)]
    own = [p for p in found if run.machine.hardware.lower() in (part.lower() for part in p.parts)]
    if len(own or found) != 1:
        raise InputError(
            f"{layers}: {len(own or found)} folders tp{tensor} hold layers of {run.settings.model} on "
            f"{run.machine.hardware} (found: {', '.join(str(p.relative_to(layers)) for p in all_) or 'none'})"
        )
    return (own or found)[0]


def _limits(run: VllmRun, model: Model) -> Limits:
    s = run.settings
    blocks = s.blocks or planned_blocks(run, model)
    return Limits(blocks, s.max_seqs, s.batch_tokens, s.block_tokens, ahead=s.ahead, prefix_cache=s.prefix_cache)


def planned_blocks(run: VllmRun, model: Model) -> int:
    """Blocks of the cache where the run did not write them down: what its share of the memory leaves beside the
    weights. vLLM takes off activations too, about 1 GiB, which no file says: an upper bound."""
    machine, s = run.machine, run.settings
    if machine.memory_bytes is None:
        raise InputError(f"{run.name}: neither meta.json (kv_cache.num_gpu_blocks) nor config.json says how large its "
                         "KV cache was")  # fmt: skip
    ranks = s.tensor_parallel * (s.data_parallel if s.expert_parallel else 1)
    free = machine.memory_bytes * machine.memory_share - weight_bytes(model) / ranks
    return max(int(free / (cache_bytes_per_token(model) / s.tensor_parallel) // s.block_tokens), 1)


def _times(run: VllmRun, model: Model, folder: Path) -> tuple[LayerTimes, Shared | None]:
    s = run.settings
    blocks = sum(layer.count for layer in model.layers)
    layers = read_layers(folder, blocks, 2 * s.batch_tokens, 2 * s.max_seqs)
    layers = replace(layers, dense_s=layers.dense_s + _sums_s(run, model, len(layers.dense_s)))
    graphs = graph_sizes(min(2 * s.max_seqs, _LARGEST_GRAPH)) if s.graphs is None else s.graphs
    experts = next((layer.mlp for layer in model.layers if isinstance(layer.mlp, Experts)), None)
    if experts is None or layers.moe_s is None:
        return LayerTimes(layers, graphs, read_skew(folder)), None
    most = 2 * s.batch_tokens * s.data_parallel
    moe = expert_s(layers, experts, most, s.data_parallel * s.tensor_parallel if s.expert_parallel else 1)
    if s.data_parallel == 1:
        layers = replace(layers, dense_s=layers.dense_s + moe[: len(layers.dense_s)])
        return LayerTimes(layers, graphs, read_skew(folder)), None
    exchange = _exchange_s(run, model, len(layers.dense_s), blocks)
    return LayerTimes(layers, graphs, read_skew(folder)), Shared(moe.tolist(), exchange.tolist(), tuple(graphs))


def _sums_s(run: VllmRun, model: Model, most: int) -> np.ndarray:
    """Sums over tensor-parallel chips, two a block [tokens]."""
    s, machine = run.settings, run.machine
    if s.tensor_parallel == 1:
        return np.zeros(most)
    n_bytes = np.arange(most) * (model.hidden * RESULT_BYTES)
    one = short_all_reduce_s(n_bytes, s.tensor_parallel, _link(run), machine.link_s)
    return np.where(n_bytes > 0, 2 * sum(layer.count for layer in model.layers) * one, 0.0)


def _exchange_s(run: VllmRun, model: Model, most: int, blocks: int) -> np.ndarray:
    """Tokens of all ranks gathered before the experts and summed up after them [tokens of the fullest rank]."""
    ranks = run.settings.data_parallel
    share = table("overheads").fact("service", "gather_share").value
    n_bytes = np.arange(most) * (model.hidden * RESULT_BYTES) * ranks * share
    return 2 * blocks * all_to_all_s(n_bytes, ranks, _link(run), run.machine.link_s)


def _link(run: VllmRun) -> float:
    if not run.machine.link_bytes_per_s:
        raise InputError(f"{run.name}: config.json says nothing of the link between its chips (link_bw, in GB/s)")
    return run.machine.link_bytes_per_s


def expert_s(layers: Layers, experts: Experts, most: int, ranks: int) -> np.ndarray:
    """Seconds of the experts of one of `ranks`, whose tables were measured on one chip with all of them [tokens of all
    ranks]. A rank has its share of the pairs of token and expert, and touches of its experts as many as independent
    uniform routing does."""
    assert layers.moe_s is not None
    tokens = np.arange(1, most + 1, dtype=float)
    own = experts.experts / ranks
    touched = own * (1 - (1 - experts.active / experts.experts) ** tokens)
    rows = np.array([np.interp(np.maximum(tokens / ranks, 1.0), layers.moe_axes[0], column)
                     for column in layers.moe_s.T])  # fmt: skip
    grow = _slope(layers.moe_axes[0], layers.moe_s) * np.maximum(tokens / ranks - layers.moe_axes[0][-1], 0.0)[:, None]
    return np.concatenate([[0.0], _across(layers.moe_axes[1], rows.T + grow, touched)])


def _slope(axis: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Of the table's last piece, along its first axis [second axis]."""
    return np.maximum(values[-1] - values[-2], 0.0) / (axis[-1] - axis[-2])


def _across(axis: np.ndarray, rows: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Each row's value where `axis` is `at` [rows]."""
    return np.array([np.interp(x, axis, row) for x, row in zip(at, rows, strict=True)])


