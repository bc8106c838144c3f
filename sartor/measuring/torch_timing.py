"""Seconds and joules of a call on an NVIDIA GPU: CUDA graphs, events, and the board's energy from NVML."""

from __future__ import annotations

import importlib.util
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ..errors import InputError

Call = Callable[[int], Any]
Seen = tuple[float, float]  # seconds, and joules of the counter
SAMPLES = 5
MOST_REPEATS = 200
LOOK_S = 1e-3  # between looks at the energy counter


def torch_with_gpu() -> Any:
    """The module torch, where it can use a GPU."""
    try:
        import torch
    except ImportError:
        raise InputError("measure gpu needs PyTorch (try: .venv/bin/pip install -e '.[gpu]')") from None
    if not torch.cuda.is_available():
        raise InputError("measure gpu: PyTorch sees no NVIDIA GPU here (try: nvidia-smi)")
    if importlib.util.find_spec("triton") is None:
        raise InputError("measure gpu needs Triton, which comes with PyTorch for CUDA (try: pip install triton)")
    return torch


class Energy:
    """The board's energy counter; without NVML nothing is read, and rows have no joules."""

    def __init__(self) -> None:
        self.nvml: Any = None
        try:
            import pynvml
        except ImportError:
            return
        pynvml.nvmlInit()
        self.nvml, self.board = pynvml, pynvml.nvmlDeviceGetHandleByIndex(0)

    def joules(self) -> float:
        return self.nvml.nvmlDeviceGetTotalEnergyConsumption(self.board) / 1e3

    @contextmanager
    def watched(self) -> Iterator[list[Seen]]:
        """Seconds and joules each time that the counter moves: it is brought up to date ten times a second or so."""
        seen: list[Seen] = []
        over = threading.Event()

        def watch() -> None:
            last = self.joules()
            while not over.wait(LOOK_S):
                if (now := self.joules()) != last:
                    seen.append((time.monotonic(), now))
                    last = now

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield seen
        finally:
            over.set()
            watcher.join()

    def watts(self) -> float:
        return self.nvml.nvmlDeviceGetPowerUsage(self.board) / 1e3

    def clock_mhz(self) -> int:
        return self.nvml.nvmlDeviceGetClockInfo(self.board, self.nvml.NVML_CLOCK_SM)


class Timer:
    """Times calls by replaying graphs of them."""

    def __init__(self, torch: Any, energy: Energy) -> None:
        self.torch, self.energy = torch, energy
        self.start, self.end = (torch.cuda.Event(enable_timing=True) for _ in range(2))

    def timed(self, call: Call, calls: int = 8, energy_s: float = 0.0, least_ms: float = 30.0) -> dict[str, float]:
        """Median seconds a call of a graph of `calls`; joules where `energy_s` seconds of it are asked for."""
        graph = self._graph(call, calls)
        for _ in range(2):
            graph.replay()
        self.torch.cuda.synchronize()
        one_ms = max(self._ms(graph, 1), 1e-3)
        each = max(1, max(3, min(MOST_REPEATS, int(least_ms / one_ms))) // SAMPLES)
        seconds = sorted(self._ms(graph, each) / each / calls / 1e3 for _ in range(SAMPLES))
        found = {"s": seconds[SAMPLES // 2], "s_min": seconds[0], "s_max": seconds[-1]}
        if energy_s and self.energy.nvml:
            found |= self._joules(graph, calls, max(1, int(energy_s / (found["s"] * calls))))
        return found

    def _graph(self, call: Call, calls: int) -> Any:
        torch = self.torch
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for i in range(2):
                call(i)
        torch.cuda.current_stream().wait_stream(side)
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            for i in range(calls):
                call(i)
        return graph

    def _ms(self, graph: Any, replays: int) -> float:
        self.start.record()
        for _ in range(replays):
            graph.replay()
        self.end.record()
        self.torch.cuda.synchronize()
        return self.start.elapsed_time(self.end)

    def _joules(self, graph: Any, calls: int, replays: int) -> dict[str, float]:
        """At steady power: a third as many replays come before."""
        self._ms(graph, max(1, replays // 3))
        start = time.monotonic(), self.energy.joules()
        with self.energy.watched() as seen:
            self._ms(graph, replays)
        end = time.monotonic(), self.energy.joules()
        window_s, found = end[0] - start[0], drawn(seen, start, end)
        joules = found["W"] * window_s / (replays * calls)
        return {"J": joules, "sm_mhz": self.energy.clock_mhz(), "window_s": window_s, **found}


def drawn(seen: Sequence[Seen], start: Seen, end: Seen) -> dict[str, float]:
    """Watts from the first time that the counter was seen to move to the last, so that no tick is half in the window,
    and the ticks between; of a window in which it moves but once, from its ends.

    >>> drawn([(0.1, 50.0), (0.2, 90.0), (0.3, 130.0)], (0.05, 10.0), (0.35, 130.0))["W"].__round__(6)
    400.0
    """
    if len(seen) < 2:
        return {"W": (end[1] - start[1]) / (end[0] - start[0])}
    return {"W": (seen[-1][1] - seen[0][1]) / (seen[-1][0] - seen[0][0]), "ticks": len(seen) - 1}
