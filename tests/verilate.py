"""Any Amaranth component in Verilator, driven by NumPy arrays: a row a cycle in, a row a cycle out.

    sim = Verilated(MyUnit(core))                      # seconds; the second time from the cache
    run = sim.run(500, streams={"command": [{"tiles": 2, "folds": 3}], "weights": words},
                  gaps={"weights": rng.random(500) < 0.3}, inputs={"result__ready": stalls}, until="done")
    run["busy"]                                        # uint8 [cycles]
    run.taken("result")                                # payloads of an out-stream that were taken, in order
    run.fields("result", run.taken("result"))          # {field: array} of a struct payload

Ports are named as in Verilog: a port within a signature is `result__valid`. Up to 64 bits are an unsigned
integer [cycles]; wider ones are uint32 [cycles, words], low word first. Inputs that are not given are 0,
except the `ready` of out-streams, which is 1.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from amaranth.hdl import Shape
from amaranth.lib import data
from amaranth.lib.wiring import Flow

from sartor.rtl import yosys
from sartor.sim import build
from sartor.sim.cpp import How

# Units are built more often than they are simulated for long: passes and optimization that pay in minutes are left out
# (a tile of INT4 to BCQ-4: 31 CPU seconds in place of 70).
CLEAN = "proc; flatten; opt_expr; opt_merge; opt_clean; clean -purge; techmap -map +/techmap.v t:$fa; opt_clean"
QUICK = How(hot="-O1", cold="-O0")
HARNESS = Path(__file__).with_name("verilate.cpp")


@dataclass(frozen=True)
class Port:
    name: str
    shape: Any  # of Amaranth
    bits: int
    is_input: bool

    @property
    def dtype(self) -> np.dtype[Any]:
        for width in (8, 16, 32, 64):
            if self.bits <= width:
                return np.dtype(f"u{width // 8}")
        return np.dtype(("<u4", (-(-self.bits // 32),)))


class _Feed(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_int64) for name in ("valid", "payload", "payload_bytes", "ready")),
        ("data", ctypes.c_void_p), ("gaps", ctypes.c_void_p),
        ("count", ctypes.c_int64), ("next", ctypes.c_int64),
    ]  # fmt: skip


class Verilated:
    """A component, built and in reset."""

    def __init__(self, component: Any, name: str = "top", folder: Path | None = None, clean: str = CLEAN) -> None:
        self.ports = {port.name: port for port in ports(component)}
        # A port of no bits, as of an empty structure, is none.
        self._in, self._out = (
            [p for p in self.ports.values() if p.is_input is side and p.bits] for side in (True, False)
        )
        verilog = yosys.clean_verilog(yosys.to_rtlil(component, name), name, clean)
        has_clock = " clk;" in verilog
        if not has_clock:  # Amaranth leaves it out of a design without registers
            verilog = verilog.replace(f"module {name}(", f"module {name}(clk, rst, ", 1).replace(
                ");\n", ");\n  input clk;\n  input rst;\n", 1
            )
        sources = {"verilate.cpp": HARNESS.read_text(), "ports.h": self._header()}
        self._library = ctypes.CDLL(str(build.library(verilog, name, sources, QUICK, folder=folder)))
        self._library.vectors_new.restype = ctypes.c_void_p
        self._library.vectors_run.restype = ctypes.c_int64
        self._handle = ctypes.c_void_p(self._library.vectors_new())
        self.reset()

    def _header(self) -> str:
        lines = [f"IN({_cpp(p.name)})" for p in self._in] + [f"OUT({_cpp(p.name)})" for p in self._out]
        return "\n".join(lines) + "\n"

    def reset(self, cycles: int = 2) -> None:
        """Registers, not memories, return to their first values."""
        self._library.vectors_reset(self._handle, ctypes.c_int64(cycles))

    def run(
        self,
        cycles: int,
        inputs: Mapping[str, Any] | None = None,
        streams: Mapping[str, Any] | None = None,
        gaps: Mapping[str, Any] | None = None,
        until: str = "",
    ) -> Run:
        """`cycles` cycles, or up to and with the first in which the output `until` is not 0. `inputs`: a value
        or an array [cycles] a port; `streams`: payloads of in-streams, offered in order but not in
        the cycles of `gaps`."""
        given = np.zeros(cycles, _row(self._in))
        for port in self._in:
            if port.name.endswith("__ready"):
                given[port.name] = 1
        for name, value in (inputs or {}).items():
            given[name][:] = words(self.ports[name], value)
        seen = np.zeros(cycles, _row(self._out))
        feeds, keep = self._feeds(streams or {}, gaps or {}, given.dtype, seen.dtype, cycles)
        ran = self._library.vectors_run(
            self._handle, ctypes.c_int64(cycles), ctypes.c_void_p(given.ctypes.data),
            ctypes.c_int64(given.dtype.itemsize), ctypes.c_void_p(seen.ctypes.data),
            ctypes.c_int64(seen.dtype.itemsize), feeds, ctypes.c_int64(len(keep)),
            ctypes.c_int64(seen.dtype.fields[until][1] if until else -1),
        )  # fmt: skip
        left = {
            name: f.count - (f.next if f.next >= 0 else ~f.next) for name, f in zip(keep, feeds, strict=True)
        }
        return Run(self.ports, given[:ran], seen[:ran], left, bool(until and ran and seen[until][ran - 1]))

    def _feeds(self, streams: Mapping[str, Any], gaps: Mapping[str, Any], given: Any, seen: Any, cycles: int):  # type: ignore[no-untyped-def]
        """The streams as C structures, and what must stay alive with them."""
        feeds, keep = (_Feed * max(len(streams), 1))(), {}
        for feed, (name, payloads) in zip(feeds, streams.items(), strict=False):
            port = self.ports[f"{name}__payload"]
            payload = np.ascontiguousarray(words(port, payloads), port.dtype.base)
            gap = np.ascontiguousarray(np.broadcast_to(gaps.get(name, False), cycles), np.uint8)
            feed.valid, feed.payload = given.fields[f"{name}__valid"][1], given.fields[port.name][1]
            feed.payload_bytes, feed.ready = port.dtype.itemsize, seen.fields[f"{name}__ready"][1]
            feed.data, feed.gaps, feed.count = payload.ctypes.data, gap.ctypes.data, len(payload)
            keep[name] = payload, gap
        return (_Feed * len(keep)).from_buffer(feeds) if keep else (_Feed * 0)(), keep

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            self._library.vectors_free(self._handle)


@dataclass(frozen=True)
class Run:
    """What the ports were, cycle by cycle."""

    ports: Mapping[str, Port]
    given: np.ndarray
    seen: np.ndarray
    left: dict[str, int]  # payloads of each in-stream that were not taken
    stopped: bool  # by `until`

    @property
    def cycles(self) -> int:
        return len(self.seen)

    def __getitem__(self, name: str) -> np.ndarray:
        return (self.given if self.ports[name].is_input else self.seen)[name]

    def when(self, name: str) -> np.ndarray:
        """The cycles in which the stream `name` moved."""
        return np.flatnonzero((self[f"{name}__valid"] & self[f"{name}__ready"]) != 0)

    def taken(self, name: str) -> np.ndarray:
        """Payloads of the stream `name` that moved, in order."""
        return self[f"{name}__payload"][self.when(name)]

    def fields(self, name: str, values: np.ndarray) -> dict[str, np.ndarray]:
        """`values` of a port, or of a stream's payload, by the fields of its structure."""
        port = self.ports[name if name in self.ports else f"{name}__payload"]
        return {
            key: _cut(values, field.offset, Shape.cast(field.shape)) for key, field in port.shape
        }  # fmt: skip


def ports(component: Any) -> list[Port]:
    """The ports of a component, flat."""
    found = []
    for path, member, _ in component.signature.flatten(component):
        bits = Shape.cast(member.shape).width
        found.append(Port("__".join(map(str, path)), member.shape, bits, member.flow is Flow.In))
    return found


def words(port: Port, value: Any) -> np.ndarray:
    """Values of a port as it has them in C++: whole numbers, words of wide ports, or dicts of a structure."""
    if isinstance(value, np.ndarray) and value.dtype != object:
        return value.astype(port.dtype.base)
    several = isinstance(value, (Sequence, np.ndarray))
    numbers = [_number(port, v) for v in (value if several else [value])]
    count = -(-port.bits // 32) if port.dtype.subdtype else 1
    if count == 1:
        found = np.array(numbers, port.dtype.base)
    else:
        raw = b"".join(n.to_bytes(4 * count, "little") for n in numbers)
        found = np.frombuffer(raw, "<u4").reshape(len(numbers), count)
    return found if several else found[0]


def _number(port: Port, value: Any) -> int:
    if isinstance(value, Mapping):
        assert isinstance(port.shape, data.Layout), f"{port.name} is no structure"
        value = port.shape.const(value).as_bits()
    return int(value) & (1 << port.bits) - 1


def _cut(values: np.ndarray, offset: int, shape: Shape) -> np.ndarray:
    """Bits of each value: up to 64 as integers, more as uint32 words."""
    raw = np.ascontiguousarray(values).view(np.uint8).reshape(len(values), -1)
    bits = np.unpackbits(raw, axis=1, bitorder="little")[:, offset : offset + shape.width]
    width = 64 if shape.width <= 64 else -(-shape.width // 32) * 32
    sign = bits[:, -1:] if shape.signed else np.zeros((len(values), 1), np.uint8)
    fill = np.repeat(sign, width - shape.width, axis=1)
    packed = np.packbits(np.concatenate([bits, fill], axis=1), axis=1, bitorder="little")
    if width > 64:
        return packed.view(np.uint32)
    return packed.view(np.int64 if shape.signed else np.uint64)[:, 0]


def _row(found: Sequence[Port]) -> np.dtype[Any]:
    return np.dtype([(p.name, p.dtype) for p in found])


def _cpp(name: str) -> str:
    """Verilator's name of a port."""
    return name.replace("__", "___05F")
