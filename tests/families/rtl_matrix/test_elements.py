"""Formats beside INT4 and INT8, bit for bit, under stalls, and their cycles: what a core's decoder may know."""

import numpy as np
import pytest
from matrix_case import Case, kinds, numbers, random_case, run, unit, written

from sartor.errors import InputError
from sartor.families.tensor import cycles_matrix
from sartor.families.tensor.core import Core
from sartor.families.tensor.isa import Scale
from sartor.formats.decode import Element

SIZES = {"buffer_groups": 13, "scratch_groups": 128}
INTEGERS = (Element.INT4, Element.INT8, Element.INT2, Element.INT3)
EVERY = tuple(Element)
NARROW = tuple(e for e in EVERY if e.in_a_byte)
SHIFTING = {"multiplier_bits": 9, "elements": EVERY, "scales": (Scale.POWER, Scale.PLANES), "planes": 2}
SIGNED = {"multiplier_bits": 5, "elements": NARROW, "planes": 4, "scales": tuple(Scale)[3:]}
BYTES = {"multiplier_bits": 8, "elements": NARROW, "scales": (Scale.POWER, Scale.PLANES), "planes": 3}
FOUR = {"elements": NARROW, "scales": (Scale.POWER, Scale.PLANES), "planes": 4}
SMALL = Core(rows=4, lanes=32, columns=2, vector_lanes=2, port_bytes=32, **FOUR, **SIZES)
FIVE = Core(rows=2, lanes=64, columns=2, vector_lanes=4, port_bytes=64, **SIGNED, **SIZES)
NINE = Core(rows=2, lanes=32, columns=2, vector_lanes=2, port_bytes=16, **SHIFTING, **SIZES)
FAST = [SMALL, FIVE, NINE]
# Words smaller and larger than high parts of a step; two sets of them in a beat; a packet of one beat.
CORNERS = [
    Core(rows=2, lanes=32, columns=1, vector_lanes=2, port_bytes=16, **BYTES, **SIZES),
    Core(rows=2, lanes=32, columns=2, vector_lanes=2, port_bytes=256, **BYTES, **SIZES),
    Core(rows=8, lanes=64, columns=1, vector_lanes=8, port_bytes=16, **SIGNED, **SIZES),
    Core(rows=2, lanes=32, columns=3, vector_lanes=2, port_bytes=128, **SIGNED, **SIZES),
    Core(rows=8, lanes=64, columns=1, vector_lanes=8, port_bytes=64, **SHIFTING, **SIZES),
    Core(rows=4, lanes=32, columns=1, vector_lanes=4, port_bytes=16, elements=(*INTEGERS, Element.E2M3), **SIZES),
]
CORES = [*FAST, *(pytest.param(core, marks=[pytest.mark.slow, pytest.mark.long]) for core in CORNERS)]


def check(case: Case, gaps: float, seed: int, sim=None) -> None:
    found = run(sim or unit(case.core), case, gaps, seed)
    got, want = written(found, case), case.results()
    assert np.array_equal(got.view(np.uint32), want.view(np.uint32)), (seed, case.command())


@pytest.mark.parametrize("core", CORES, ids=numbers)
def test_every_element_with_every_scale(core: Core) -> None:
    rng = np.random.default_rng(1)
    for element in core.elements:
        for scale in kinds(core, element):
            for seed in range(8):
                case = random_case(core, rng, element=element, scale=scale)
                check(case, (0.0, 0.5, 0.95)[seed % 3], seed)


@pytest.mark.parametrize("core", CORES, ids=numbers)
def test_their_extremes(core: Core) -> None:
    rng = np.random.default_rng(2)
    for seed in range(30):
        check(random_case(core, rng, extreme=True), 0.3, seed)


@pytest.mark.parametrize("core", CORES, ids=numbers)
def test_their_cycles_are_the_formula(core: Core) -> None:
    rng = np.random.default_rng(3)
    for _ in range(60):
        case = random_case(core, rng)
        found, shape = run(unit(core), case), (core, case.element, int(case.scale))
        sizes = case.tiles, case.folds, len(case.x)
        waits = cycles_matrix.input_cycles(*shape, case.share, *sizes, case.planes)[1]
        cycles = cycles_matrix.matrix_cycles(*shape, *sizes, share=case.share, planes=case.planes)
        assert found.cycles - 1 - found.when("command")[0] == cycles, case.command()
        assert found["stall_drain"].sum() == waits
        words = cycles_matrix.words_of_stream(*shape, case.share, *sizes[:2], case.planes)
        assert len(case.words()) == words


@pytest.mark.slow
@pytest.mark.parametrize("kind", [SIGNED, pytest.param(SHIFTING, marks=pytest.mark.long)], ids=["signed", "shifting"])
def test_as_they_are_built(kind: dict) -> None:
    # Signed carry-save trees, and the two sums of a block, or products that are shifted, in place of plain products.
    core = Core(rows=2, lanes=32, columns=1, vector_lanes=2, port_bytes=32, **kind, **SIZES)
    sim, rng = unit(core, structural=True), np.random.default_rng(4)
    for seed in range(60):
        check(random_case(core, rng), 0.2, seed, sim)


def test_halves_with_scales_of_their_own_without_minimums() -> None:
    core = Core(
        rows=2, lanes=32, columns=1, vector_lanes=2, port_bytes=32, multiplier_bits=5, scales=(Scale.PAIR,),
        elements=(Element.INT4, Element.INT8, Element.E2M1), **SIZES,
    )  # fmt: skip
    sim, rng = unit(core, minimum=False), np.random.default_rng(5)
    for seed in range(20):
        check(random_case(core, rng, element=Element.E2M1, scale=Scale.PAIR), 0.2, seed, sim)
        check(random_case(core, rng, element=Element.INT8, scale=Scale.SCALE), 0.2, seed, sim)


def test_what_no_multiplier_takes_is_refused() -> None:
    with pytest.raises(InputError, match="cache_bits = 3 must be 4 or 8"):
        Core(cache_bits=3)
    with pytest.raises(InputError, match="without INT4, in which the cache is stored"):
        Core(elements=(Element.INT8,), cache_bits=4, multiplier_bits=8)
    with pytest.raises(InputError, match="without INT8, in which the cache is stored"):
        Core(elements=(Element.INT4,))
    with pytest.raises(InputError, match="E4M3 codes, shifted by up to 14, need multiplier_bits = 9, not 8"):
        Core(multiplier_bits=8, elements=(Element.INT8, Element.E4M3))
    with pytest.raises(InputError, match="SIGN codes and PLANES scales are known together"):
        Core(elements=(Element.INT8, Element.SIGN))
    with pytest.raises(InputError, match="zero points need multiplier_bits = 5, not 4"):
        Core(scales=(Scale.ZERO,))
    with pytest.raises(InputError, match="planes = 5 is outside 1 to 4"):
        Core(planes=5)
    with pytest.raises(InputError, match="scales for 16 codes need multiplier_bits = 5, not 8"):
        Core(multiplier_bits=8, scales=(Scale.PAIR,))
