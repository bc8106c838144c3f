"""A recorded run of vLLM: what it was asked, how it was set up, and when each token came.

A folder holds requests.jsonl (one request a line: lengths, arrival, times of its first and last token), meta.json (the
engine's settings, and the cache and the configuration that came out of them) and, here or in the folder above,
config.json (the machine: memory and links). Source: LLMServingSim 2.0, bench/README.md, 2026-08.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import BrokenFile, InputError

_REQUEST = ("arrival_time", "input_toks", "output_toks", "queued_ts", "first_token_ts", "last_token_ts")
_SAME_CLOCK_S = 1e5  # times of one clock are nearer than this
_FORMATS = {"auto": "bf16", "bfloat16": "bf16", "float16": "bf16", "fp8": "fp8-e4m3", "fp8_e4m3": "fp8-e4m3",
            "modelopt_fp4": "nvfp4", "modelopt": "fp8-e4m3", "mxfp4": "mxfp4"}  # fmt: skip
_ASYNC_SINCE = (0, 14)  # the version since which steps are scheduled ahead by default


@dataclass(frozen=True)
class Machine:
    """What config.json says: memory of one chip, the share of it that vLLM plans with, and one direction of a link."""

    hardware: str
    memory_bytes: float | None = None
    memory_share: float = 0.9
    link_bytes_per_s: float = 0.0
    link_s: float = 0.0


@dataclass(frozen=True)
class Settings:
    """What meta.json says. `blocks`: of the cache, None where it was not written down; `graphs`: sizes of the captured
    graphs, None where vLLM chose them by itself."""

    model: str
    max_seqs: int
    batch_tokens: int
    tensor_parallel: int = 1
    data_parallel: int = 1
    expert_parallel: bool = False
    block_tokens: int = 16
    blocks: int | None = None
    prefix_cache: bool = True
    ahead: int = 1
    graphs: tuple[int, ...] | None = None
    most_tokens: int | None = None  # of one request
    weights: str = "bf16"  # their format, and the cache's
    cache: str = "bf16"


@dataclass(frozen=True)
class VllmRun:
    """Requests in order of arrival, times in seconds from the first [requests]."""

    name: str
    machine: Machine
    settings: Settings
    arrival_s: np.ndarray
    prompt_tokens: np.ndarray
    output_tokens: np.ndarray
    first_s: np.ndarray
    last_s: np.ndarray


def find_runs(folder: Path) -> list[Path]:
    """Folders of runs in `folder`, itself included."""
    if not folder.is_dir():
        raise InputError(f"{folder}: {'not a folder' if folder.exists() else 'no such folder'} (try a folder of runs)")
    found = sorted(path.parent for path in folder.rglob("requests.jsonl") if (path.parent / "meta.json").is_file())
    if not found:
        raise InputError(f"{folder}: no folder in it holds requests.jsonl and meta.json")
    return found


def read_run(folder: Path) -> VllmRun:
    columns = _requests(folder / "requests.jsonl")
    arrival, queued = columns["arrival_time"], columns["queued_ts"]
    # The client's clock is another than the engine's: the quickest way from one to the other took no time.
    other = np.abs(arrival[0] - queued[0]) > _SAME_CLOCK_S
    arrival = arrival + ((queued - arrival).min() if other else 0.0)
    order = np.argsort(arrival, kind="stable")
    times = [(a - arrival[order[0]])[order] for a in (arrival, columns["first_token_ts"], columns["last_token_ts"])]
    lengths = [columns[name][order].astype(np.int64) for name in ("input_toks", "output_toks")]
    place = folder.parent if folder.name == "vllm" else folder
    machine = _machine(next((p for p in (folder, folder.parent) if (p / "config.json").is_file()), None), place)
    return VllmRun(f"{place.parent.name}/{place.name}", machine, _settings(folder / "meta.json"), times[0], *lengths,
                   *times[1:])  # fmt: skip


def _requests(path: Path) -> dict[str, np.ndarray]:
    rows = []
    for number, line in enumerate(_text(path).splitlines(), start=1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            rows.append([float(entry[name]) for name in _REQUEST])
        except (ValueError, TypeError, KeyError) as error:
            raise BrokenFile(f"{path} line {number}: {error} (each line needs {', '.join(_REQUEST)})") from None
    if not rows:
        raise BrokenFile(f"{path}: holds no request")
    return dict(zip(_REQUEST, np.array(rows).T, strict=True))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _object(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(_text(path))
    except ValueError as error:
        raise BrokenFile(f"{path}: not JSON: {error}") from None
    if not isinstance(found, dict):
        raise BrokenFile(f"{path}: not an object")
    return found


def _settings(path: Path) -> Settings:
    meta = _object(path)
    asked, cache = meta.get("engine_kwargs") or {}, meta.get("kv_cache") or {}
    resolved = meta.get("resolved_config") or {}
    scheduler, graphs = resolved.get("scheduler_config") or {}, resolved.get("compilation_config") or {}
    missing = [name for name in ("model", "max_num_seqs", "max_num_batched_tokens") if not asked.get(name)]
    if missing:
        raise BrokenFile(f"{path}: engine_kwargs lacks {missing[0]}")
    since = tuple(int(part) for part in str(meta.get("vllm_version", "0.19")).split(".")[:2] if part.isdigit())
    sizes = [] if asked.get("enforce_eager") else graphs.get("cudagraph_capture_sizes")
    return Settings(
        str(asked["model"]), int(asked["max_num_seqs"]), int(asked["max_num_batched_tokens"]),
        int(asked.get("tensor_parallel_size") or 1), int(asked.get("data_parallel_size") or 1),
        bool(asked.get("enable_expert_parallel")), int(cache.get("block_size") or 16), cache.get("num_gpu_blocks"),
        bool(cache.get("enable_prefix_caching", True)),
        int(scheduler.get("async_scheduling", since >= _ASYNC_SINCE)),
        None if sizes is None else tuple(map(int, sizes)), asked.get("max_model_len"),
        _format(path, asked, "quantization"), _format(path, asked, "kv_cache_dtype"),
    )  # fmt: skip


def _format(path: Path, asked: dict[str, Any], name: str) -> str:
    """Of weights or of the cache: in 16 bits where nothing else is asked for."""
    said = str(asked.get(name) or "auto").lower()
    if said not in _FORMATS:
        raise BrokenFile(f"{path}: {name} {said!r} is not known (try one of {', '.join(_FORMATS)})")
    return _FORMATS[said]


def _machine(folder: Path | None, place: Path) -> Machine:
    """config.json's first instance; the hardware is the name of the folder that holds the model's."""
    if folder is None:
        return Machine(place.parent.name)
    config = _object(folder / "config.json")
    try:
        first = config["nodes"][0]["instances"][0]
        memory = first.get("npu_mem") or {}
        return Machine(
            str(first.get("hardware", place.parent.name)), float(memory["mem_size"]) * 2**30,
            float(memory.get("mem_util") or 0.9), float(config.get("link_bw", 0)) * 1e9,
            float(config.get("link_latency", 0)) * 1e-9,
        )  # fmt: skip
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise BrokenFile(f"{folder / 'config.json'}: {error!r} (nodes[0].instances[0].npu_mem.mem_size?)") from None
