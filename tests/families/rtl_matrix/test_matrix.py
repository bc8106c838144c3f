"""The matrix unit against the numeric contract, bit for bit, and against its formula of cycles."""

import numpy as np
import pytest
from matrix_case import Case, check_best, fill, numbers, random_case, run, unit, written

from sartor.families.tensor import cycles_matrix
from sartor.families.tensor.core import Core
from sartor.families.tensor.isa import Scale
from sartor.formats.decode import Element

SIZES = {"buffer_groups": 13, "scratch_groups": 128}
SMALL = Core(rows=4, lanes=32, columns=3, vector_lanes=2, port_bytes=32, **SIZES)
BYTES = Core(rows=2, lanes=64, columns=2, vector_lanes=8, port_bytes=128, multiplier_bits=8, **SIZES)
# A cache of 4-bit codes.
FOUR = Core(rows=4, lanes=32, columns=3, vector_lanes=2, port_bytes=16, cache_bits=4, **SIZES)
FAST = [SMALL, BYTES, FOUR]
# Words larger and smaller than a beat, tiles higher and lower than a vector word, one column, no power of two.
CORNERS = [
    Core(rows=2, lanes=32, columns=1, vector_lanes=2, port_bytes=16, **SIZES),
    Core(rows=2, lanes=32, columns=2, vector_lanes=32, port_bytes=256, **SIZES),
    Core(rows=2, lanes=32, columns=16, vector_lanes=16, port_bytes=128, **SIZES),  # as wide as 1,024 MACs allow
    Core(rows=2, lanes=32, columns=2, vector_lanes=8, port_bytes=256, multiplier_bits=8, **SIZES),
    Core(rows=2, lanes=64, columns=3, vector_lanes=2, port_bytes=16, multiplier_bits=8, **SIZES),
    Core(rows=8, lanes=128, columns=2, vector_lanes=4, port_bytes=64, **SIZES),
    Core(rows=16, lanes=32, columns=5, vector_lanes=4, port_bytes=128, multiplier_bits=8, **SIZES),
    Core(),
    Core(rows=2, lanes=64, columns=2, vector_lanes=8, port_bytes=64, multiplier_bits=8, cache_bits=4, **SIZES),
    Core(rows=16, lanes=128, columns=2, vector_lanes=4, port_bytes=128, cache_bits=4, **SIZES),
    Core(rows=2, lanes=32, columns=1, vector_lanes=2, port_bytes=256, cache_bits=4, **SIZES),
    Core(rows=4, lanes=64, columns=2, vector_lanes=8, port_bytes=16, multiplier_bits=5, cache_bits=4, **SIZES),
    Core(rows=2, lanes=32, columns=2, vector_lanes=8, port_bytes=16, multiplier_bits=9, cache_bits=4, **SIZES),
]
CORES = [*FAST, *(pytest.param(core, marks=[pytest.mark.slow, pytest.mark.long]) for core in CORNERS)]


def check(case: Case, gaps: float = 0.0, seed: int = 0, sim=None) -> None:
    found = run(sim or unit(case.core), case, gaps, seed)
    got, want = written(found, case), case.results()
    assert np.array_equal(got.view(np.uint32), want.view(np.uint32)), (seed, case.command())


@pytest.mark.parametrize("gaps", [0.0, 0.5, 0.95])
@pytest.mark.parametrize("core", CORES, ids=numbers)
def test_results(core: Core, gaps: float) -> None:
    rng = np.random.default_rng(5)
    for seed in range(40):
        check(random_case(core, rng), gaps, seed)


@pytest.mark.parametrize("core", FAST, ids=numbers)
@pytest.mark.parametrize(("element", "scale"), [(0, 1), (0, 2), (1, 0), (1, 1), (1, 2)])
def test_each_format_at_its_extremes(core: Core, element: int, scale: int) -> None:
    rng = np.random.default_rng(6)
    for seed in range(10):
        check(random_case(core, rng, element=element, scale=scale, extreme=True), seed=seed)


@pytest.mark.parametrize("element", [Element.INT4, Element.INT8])
@pytest.mark.parametrize("scale", [Scale.SCALE, Scale.SCALE_MINIMUM])
@pytest.mark.parametrize("core", FAST, ids=numbers)
def test_scales_of_groups_of_up_to_256(core: Core, scale: Scale, element: Element) -> None:
    # Shared by the blocks of one beat (BYTES has two in a row), by those of successive beats, and by both; of rows of
    # 10 blocks the last group is shorter.
    rng = np.random.default_rng(7)
    for share in (0, 1, 2, 3):
        for rows, groups in ((1, 8), (3 * core.rows, 8), (16, 8), (16, 10)):
            case = random_case(core, rng, element=element, scale=scale, share=share, rows=rows, groups=groups)
            check(case, gaps=0.2)


@pytest.mark.parametrize("core", CORES, ids=numbers)
def test_cycles_are_the_formula(core: Core) -> None:
    rng = np.random.default_rng(8)
    waits = 0
    short = {"rows": 3 * core.rows, "groups": core.lane_groups, "columns": core.columns}  # tiles of one fold
    for i in range(100):
        case = random_case(core, rng, argmax=rng.random() < 0.3, **short if i % 4 == 0 else {})
        found = run(unit(core), case)
        shape = core, case.element, int(case.scale)
        _, wait = cycles_matrix.input_cycles(*shape, case.share, case.tiles, case.folds, len(case.x))
        cycles = cycles_matrix.matrix_cycles(
            *shape, case.tiles, case.folds, len(case.x), int(case.argmax), case.share
        )
        assert found.cycles - 1 - found.when("command")[0] == cycles, case.command()
        assert found["stall_drain"].sum() == wait
        assert found["stall_weights"].sum() == found["stall_cache"].sum() == 0
        words = cycles_matrix.words_of_stream(*shape, case.share, case.tiles, case.folds)
        assert len(case.words()) == words
        waits += wait
    shortest = cycles_matrix.beat_cycles(core, 0)
    assert (waits > 0) == (cycles_matrix.drain_cycles(core, core.columns) > shortest)


def test_a_cycle_without_a_word_is_a_stall() -> None:
    rng = np.random.default_rng(9)
    for seed in range(20):
        case = random_case(SMALL, rng, columns=1)  # the drain does not wait
        full, found = run(unit(SMALL), case), run(unit(SMALL), case, 0.5, seed)
        mine, other = ("stall_cache", "stall_weights") if case.cache else ("stall_weights", "stall_cache")
        if not full["stall_drain"].any() and not found["stall_drain"].any():
            assert found[mine].sum() == found.cycles - full.cycles - found.when("command")[0]
        assert not found[other].any()


def test_argmax_is_the_first_of_the_largest() -> None:
    rng = np.random.default_rng(10)
    for core in FAST:
        for seed in range(20):
            case = random_case(core, rng, argmax=True)
            case.codes = np.repeat(case.codes[:1], len(case.codes), axis=0) if seed % 4 == 0 else case.codes
            found = run(unit(core), case, 0.3, seed)
            assert not found["scratch_write__valid"].any()
            check_best(unit(core), case.results())


def test_one_command_after_the_other() -> None:
    # The second command is offered while the first runs; nothing of it is left behind in counters or sums.
    rng = np.random.default_rng(11)
    sim = unit(SMALL)
    case = random_case(SMALL, rng, element=Element.INT8, scale=1, rows=7, groups=3)
    case.cache = False
    fill(sim, case)
    words = case.words()
    found = sim.run(400, streams={"command": [case.command()] * 3, "weights": np.concatenate([words] * 3)})
    assert found["done"].sum() == 3 and found.left["weights"] == 0
    assert len(found.when("command")) == 3


@pytest.mark.slow
def test_as_it_is_built() -> None:
    # The carry-save trees in place of plain products.
    core = Core(rows=2, lanes=32, columns=1, vector_lanes=2, port_bytes=32, **SIZES)
    sim = unit(core, structural=True)
    rng = np.random.default_rng(12)
    for seed in range(20):
        check(random_case(core, rng), 0.2, seed, sim)


def test_without_minimums() -> None:
    core = Core(rows=2, lanes=32, columns=1, vector_lanes=2, port_bytes=32, **SIZES)
    sim = unit(core, minimum=False)
    rng = np.random.default_rng(13)
    for seed in range(20):
        check(random_case(core, rng, element=Element.INT8, scale=seed % 2), 0.2, seed, sim)
        check(random_case(core, rng, element=Element.INT4, scale=1), 0.2, seed, sim)
