"""The harness (harness.cpp and what it includes) as Python sees it: its structures, its functions, one simulation."""

from __future__ import annotations

import ctypes
from ctypes import c_char_p, c_int64, c_uint32, c_uint64, c_void_p
from importlib.resources import files
from pathlib import Path

import numpy as np

from ..errors import InputError

RUNNING, DONE, HANGS, BAD_ADDRESS = range(4)
SOURCES = ("weights", "cache", "stores")
_SOURCES = ("harness.cpp", "channel.h", "trace.h", "port.h")
RETIRED = np.dtype([("pc", "<u8"), ("cycle", "<u8"), ("digest", "<u8")])
WRITE = np.dtype([("kind", "<u8"), ("address", "<u8"), ("exponent", "<u8"), ("data", "u1", 32)])


class Config(ctypes.Structure):
    _fields_ = [
        (name, c_int64)
        for name in (
            "units", "word_cost", "break_cost", "latency", "refresh_interval", "refresh_cost",
            "capacity", "watchdog", "stall_request", "stall_response", "seed",
        )
    ]  # fmt: skip


class Statistics(ctypes.Structure):
    _fields_ = [
        ("cycles", c_int64), ("words", c_int64 * 3), ("breaks", c_int64 * 3),
        ("refreshes", c_int64), ("busy", c_int64), ("broken", c_int64),
    ]  # fmt: skip


_FUNCTIONS = {  # name: result, arguments
    "sim_port_bytes": (c_int64, []),
    "sim_new": (c_void_p, [ctypes.POINTER(Config), c_char_p]),
    "sim_free": (None, [c_void_p]),
    "sim_memory": (c_void_p, [c_void_p]),
    "sim_reset": (None, [c_void_p]),
    "sim_host_write": (None, [c_void_p, c_uint32, c_uint32]),
    "sim_host_read": (c_uint32, [c_void_p, c_uint32]),
    "sim_start": (None, [c_void_p, c_uint32, c_int64]),
    "sim_run": (c_int64, [c_void_p, c_int64]),
    "sim_rewind": (None, [c_void_p]),
    "sim_statistics": (None, [c_void_p, ctypes.POINTER(Statistics)]),
    "sim_bad_address": (c_int64, [c_void_p, ctypes.POINTER(c_int64)]),
    "sim_unfenced": (c_uint64, [c_void_p]),
    "sim_retired": (c_int64, [c_void_p, ctypes.POINTER(c_void_p)]),
    "sim_writes": (c_int64, [c_void_p, ctypes.POINTER(c_void_p)]),
}


def sources() -> dict[str, str]:
    """The C++ of the harness, by name of file."""
    return {name: files("sartor.sim").joinpath(name).read_text(encoding="utf-8") for name in _SOURCES}


class Native:
    """One simulation. Calls release Python's lock."""

    def __init__(self, library: Path, config: Config, image: Path | None) -> None:
        self._handle = None
        self.now = 0  # cycles since it began
        self._library = ctypes.CDLL(str(library))
        for name, (result, arguments) in _FUNCTIONS.items():
            function = getattr(self._library, name)
            function.restype, function.argtypes = result, arguments
        path = str(image).encode() if image else None
        self._handle = self._library.sim_new(ctypes.byref(config), path)
        if not self._handle:
            raise InputError(
                f"memory of {config.capacity / 2**20:,.0f} MiB"
                + (f" with image {image}" if image else "")
                + ": the system refuses to map it (a smaller memory, or another image)"
            )
        at = self._library.sim_memory(self._handle)
        self.memory = np.ctypeslib.as_array((ctypes.c_uint8 * config.capacity).from_address(at))

    def __del__(self) -> None:
        if self._handle:
            self._library.sim_free(self._handle)

    def host_write(self, address: int, value: int) -> None:
        self.now += 1
        self._library.sim_host_write(self._handle, address, value)

    def host_read(self, address: int) -> int:
        self.now += 1
        return self._library.sim_host_read(self._handle, address)

    def reset(self) -> None:
        self._library.sim_reset(self._handle)

    def start(self, entry: int, keep: int) -> None:
        self.now += 1
        self._library.sim_start(self._handle, entry, keep)

    def run(self, cycles: int) -> int:
        before = self.statistics().cycles
        status = self._library.sim_run(self._handle, cycles)
        self.now += self.statistics().cycles - before + (status == DONE)  # the last cycle of a run is not in its count
        return status

    def rewind(self) -> None:
        self._library.sim_rewind(self._handle)

    def statistics(self) -> Statistics:
        found = Statistics()
        self._library.sim_statistics(self._handle, ctypes.byref(found))
        return found

    def bad_address(self) -> tuple[int, str]:
        source = c_int64()
        word = self._library.sim_bad_address(self._handle, ctypes.byref(source))
        return word, SOURCES[source.value]

    def unfenced(self) -> int:
        return self._library.sim_unfenced(self._handle)

    def retired(self) -> np.ndarray:
        return self._array("sim_retired", RETIRED)

    def writes(self) -> np.ndarray:
        return self._array("sim_writes", WRITE)

    def _array(self, function: str, dtype: np.dtype) -> np.ndarray:
        """A copy of one of the harness's lists."""
        first = c_void_p()
        count = getattr(self._library, function)(self._handle, ctypes.byref(first))
        if not count:
            return np.empty(0, dtype)
        return np.frombuffer(ctypes.string_at(first.value or 0, count * dtype.itemsize), dtype)


def port_bytes(library: Path) -> int:
    """Bytes of a word of the core that `library` simulates."""
    return ctypes.CDLL(str(library)).sim_port_bytes()
