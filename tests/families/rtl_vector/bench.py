"""The vector unit in Verilator beside the golden model: every pass runs in both, and everything is compared."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from sartor.families.tensor import cycles_vector, float32, golden_vector
from sartor.families.tensor.core import CONSTANTS, GROUP, Core
from sartor.families.tensor.golden_state import State, Write
from sartor.families.tensor.isa import FIELDS, Instruction, Op, Operand, Source, Target, make
from sartor.families.tensor.rtl.vector import VectorUnit
from tests.families.store_words import written
from tests.verilate import Run, Verilated

MEMORY_BYTES = 1 << 21
ZERO, MINUS = 0, 1  # constants that are known
SHOWN = 48  # group of the scratchpad where scalars are shown
BUDGET = 4  # times the cycles without stalls, and some


def numbers(rng: np.random.Generator, count: int) -> np.ndarray:
    """binary32 of all kinds: zeros, ones, close ones, tiny and huge ones."""
    x = rng.standard_normal(count) * 2.0 ** rng.integers(-4, 5, count)
    wild = rng.random(count) < 0.1
    x = np.where(wild, np.ldexp(rng.uniform(-2, 2, count), rng.integers(-125, 127, count)), x)
    return float32.canonical(np.where(rng.random(count) < 0.05, 0.0, x).astype(np.float32))


@dataclass
class Stalls:
    """Shares of the cycles in which nothing is offered, or nothing taken."""

    offered: float = 0.0
    taken: float = 0.0


class Bench:
    def __init__(self, core: Core, seed: int = 0) -> None:
        self.core, self.rng = core, np.random.default_rng(seed)
        self.sim = Verilated(VectorUnit(core), "vector")
        self.constants = numbers(self.rng, CONSTANTS)
        self.constants[[ZERO, MINUS]] = 0, -1
        self.state = State(core, np.zeros(MEMORY_BYTES, np.uint8), tuple(self.constants))
        self.scratch = numbers(self.rng, core.scratch_groups * GROUP)
        self.state.scratch[:] = self.scratch
        self._load()

    def _load(self) -> None:
        """Constants and scratchpad through their ports."""
        words = float32.bits(self.scratch).reshape(-1, self.core.vector_lanes)
        inputs = {"scratch_write__valid": 1, "scratch_write__address": np.arange(len(words))}
        inputs["scratch_write__mask"] = (1 << self.core.vector_lanes) - 1
        data = words if self.core.vector_lanes > 2 else words.copy().view(np.uint64)[:, 0]
        self.sim.run(len(words), {**inputs, "scratch_write__data": data})
        given = {"constant_write__valid": 1, "constant_write__index": np.arange(CONSTANTS)}
        self.sim.run(CONSTANTS, {**given, "constant_write__data": float32.bits(self.constants)})

    def run(self, i: Instruction, stalls: Stalls | None = None, raw: np.ndarray | None = None) -> int:
        """One pass in both; its cycles. `raw`: bytes of the stream that it reads."""
        s, source = self.state, i.a_source
        s.writes = []
        streams: dict[str, Any] = {"command": [self.payload(i)]}
        if source:
            streams["weights" if source == Source.WEIGHTS else "cache"] = self._stream(i, raw)
        memory = s.memory.copy()
        golden_vector.run(s, i)
        want = self.formula(i)
        run = self._simulate(i, streams, stalls or Stalls(), want)
        assert run.stopped, f"{i}: no `done` in the budget of {run.cycles} cycles ({want} without stalls)"
        assert not any(run.left.values()), f"{i}: {run.left} words are left"
        self._compare(i, run, memory)
        cycles = run.cycles - 1 - int(run.when("command")[0])
        if i.reduce:
            self._show_scalar(i)
        if stalls is None:
            assert cycles == want, f"{i}: {cycles} cycles, by the formula {want}"
        return cycles

    def _show_scalar(self, i: Instruction) -> None:
        """Compares it: 0 a + scalar, in the scratchpad."""
        zero = {"p": Operand.CONSTANT, "p_index": ZERO, "d_addr": SHOWN, "d_stride": 1}
        scalar = {"q": Operand.SCALAR, "q_index": i.after["scalar"]}
        self.run(make(Op.VEC, n=1, columns=i.columns, **zero, **scalar))

    def payload(self, i: Instruction) -> dict[str, int]:
        """The command as the sequencer resolves it."""
        s, widths = self.state, dict(FIELDS[Op.VEC])
        fields = {
            name: getattr(i, name) for name in widths if name not in ("n_dynamic", "a_reg", "b_reg", "d_reg")
        }
        fields["n"] = s.count(i.n, i.n_dynamic)
        for x in "abd":
            fields[f"{x}_addr"] += s.registers[getattr(i, f"{x}_reg")] if i.target < Target.KEYS else 0
        registers = {"base": i.d_reg, "value_stride": 8, "value_scales": 9}
        return {**fields, "position": int(s.positions[0]), **{k: s.registers[r] for k, r in registers.items()}}

    def _stream(self, i: Instruction, raw: np.ndarray | None) -> np.ndarray:
        """Words for the stream, put where the golden model takes them, too."""
        s, bytes_ = self.state, i.n * GROUP * (2 if i.a_source == Source.CACHE_BF16 else 4)
        port = self.core.port_bytes
        if raw is None:
            x = float32.bits(numbers(self.rng, i.n * GROUP))
            raw = (
                (x >> 16).astype(np.uint16).view(np.uint8) if bytes_ == i.n * GROUP * 2 else x.view(np.uint8)
            )
        padded = self.rng.integers(0, 256, -(-bytes_ // port) * port).astype(np.uint8)
        padded[:bytes_] = raw
        if i.a_source == Source.WEIGHTS:
            s.weights_at = MEMORY_BYTES - (1 << 19)
            s.memory[s.weights_at : s.weights_at + len(padded)] = padded
        else:
            s._cache.append([padded])
        return padded.view(np.uint32).reshape(-1, port // 4)

    def _simulate(self, i: Instruction, streams: dict[str, Any], stalls: Stalls, want: int) -> Run:
        cycles = int(BUDGET * want / (1 - max(stalls.offered, stalls.taken)) + 50)
        gaps = {name: self.rng.random(cycles) < stalls.offered for name in streams}
        inputs = {"store__ready": self.rng.random(cycles) >= stalls.taken}
        return self.sim.run(cycles, inputs, streams, gaps, until="done")

    def _compare(self, i: Instruction, run: Run, memory: np.ndarray) -> None:
        self._compare_scratch(run)
        self._compare_buffer(i, run, [w for w in self.state.writes if w.where == "buffer"])
        if i.target < Target.KEYS or i.reduce:
            assert not run.when("store").size
            return
        stored = run.fields("store", run.taken("store"))
        codes = np.ascontiguousarray(stored["codes"]).view(np.uint8).reshape(len(stored["codes"]), -1)
        words = memory.reshape(-1, self.core.port_bytes)
        for k, address in enumerate(stored["address"]):
            kind = (int(stored[name][k]) for name in ("offset", "values", "scale"))
            data, meant = written(self.core, *kind, codes[k].tobytes())
            words[int(address), meant] = data[meant]
        wrong = np.flatnonzero(memory != self.state.memory)
        assert not wrong.size, f"{i}: {len(wrong)} bytes of memory differ, from {wrong[:4]}"

    def _compare_scratch(self, run: Run) -> None:
        at = np.flatnonzero(run["scratch_trace__valid"])
        assert (run["scratch_trace__mask"][at] == (1 << self.core.vector_lanes) - 1).all()
        data = (
            np.ascontiguousarray(run["scratch_trace__data"][at])
            .view(np.uint32)
            .reshape(-1, self.core.vector_lanes)
        )
        words = self.scratch.reshape(-1, self.core.vector_lanes)
        words[run["scratch_trace__address"][at]] = float32.from_bits(data)
        differ = np.flatnonzero(float32.bits(self.scratch) != float32.bits(self.state.scratch))
        assert not differ.size, f"{len(differ)} elements of the scratchpad differ, from {differ[:4]}"

    def _compare_buffer(self, i: Instruction, run: Run, writes: list[Write]) -> None:
        at = np.flatnonzero(run["buffer_write__valid"])
        codes = np.ascontiguousarray(run["buffer_write__codes"][at]).view(np.int8).reshape(-1, GROUP)
        got = [
            (int(run["buffer_write__column"][t]), int(run["buffer_write__group"][t]),
             [*row, int(run["buffer_write__exponent"][t])])
            for t, row in zip(at, codes.tolist(), strict=True)
        ]  # fmt: skip
        want = [
            (w.column, int(g), v.tolist()) for w in writes for g, v in zip(w.address, w.value, strict=True)
        ]
        assert got == want, f"{i}: {len(got)} groups of the buffer, not {len(want)}, or others"
        clears = run["buffer_clear__columns"][run["buffer_clear__valid"] == 1].tolist()
        assert clears == [i.columns] * (i.target == Target.BUFFER and not i.reduce and not i.keep)

    def formula(self, i: Instruction) -> int:
        c = self.core
        return int(
            cycles_vector.cycles(
                vector_lanes=c.vector_lanes, port_bytes=c.port_bytes, rows=c.rows, lanes=c.lanes,
                multiplier_bits=c.multiplier_bits, n=self.state.count(i.n, i.n_dynamic), columns=i.columns,
                a_source=i.a_source, p=i.p, q=i.q, function=i.function, reduce=i.reduce, target=i.target,
                after_function=i.after["after_function"], cache_bits=c.cache_bits, key_bits=c.key_bits,
            )
        )  # fmt: skip
