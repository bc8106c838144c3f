"""Where units are priced: in this process, in a pool of processes, or on a Ray cluster. Results come in order."""

from __future__ import annotations

import logging
import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ..errors import InputError, UnknownName

Work = Callable[[Any], Any]
Executor = Callable[[Work, Iterable[Any]], Iterator[Any]]


def in_process(work: Work, items: Iterable[Any]) -> Iterator[Any]:
    return map(work, items)


def process_pool(work: Work, items: Iterable[Any]) -> Iterator[Any]:
    """One process a core; a new item is handed out when an earlier one is done."""
    from concurrent.futures import ProcessPoolExecutor

    context = multiprocessing.get_context("spawn")  # no half-copied threads or locks
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with ProcessPoolExecutor(cores, mp_context=context) as pool:
        yield from _windowed(lambda item: pool.submit(work, item), lambda f: f.result(), items, 2 * cores)


def ray_cluster(work: Work, items: Iterable[Any]) -> Iterator[Any]:
    """The running Ray cluster, or a local one."""
    try:
        import ray
    except ImportError:
        raise InputError(
            "executor 'ray' needs the package ray (try: .venv/bin/pip install -e '.[ray]')"
        ) from None
    if not ray.is_initialized():
        ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    # Ray takes functions alone, not partial ones.
    remote: Any = ray.remote(lambda item: work(item))
    workers = max(1, int(ray.cluster_resources().get("CPU", 1)))
    yield from _windowed(remote.remote, ray.get, items, 2 * workers)


def _windowed(submit: Work, result: Work, items: Iterable[Any], window: int) -> Iterator[Any]:
    """Keep `window` items under way, give results in the order of the items."""
    waiting: deque[Any] = deque()
    for item in items:
        waiting.append(submit(item))
        if len(waiting) >= window:
            yield result(waiting.popleft())
    while waiting:
        yield result(waiting.popleft())


EXECUTORS: dict[str, Executor] = {"process": in_process, "pool": process_pool, "ray": ray_cluster}


def find_executor(name: str) -> Executor:
    if name not in EXECUTORS:
        raise UnknownName("executor", name, EXECUTORS)
    return EXECUTORS[name]
