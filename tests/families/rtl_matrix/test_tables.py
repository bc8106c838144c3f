"""Engine `lut`: sums read from tables are those of multipliers, bit for bit, in the cycles of the formula."""

import numpy as np
import pytest
from matrix_case import Case, kinds, random_case, run, unit, written

from sartor.errors import InputError
from sartor.families.tensor import cycles_matrix
from sartor.families.tensor.core import Core
from sartor.families.tensor.isa import Scale
from sartor.formats.decode import Element

SIZES = {"buffer_groups": 13, "scratch_groups": 128, "vector_lanes": 2, "engine": "lut"}
INTEGERS = (Element.INT4, Element.INT8, Element.INT2, Element.INT3)
NARROW = tuple(e for e in Element if e.in_a_byte)
FOUR = {"elements": (*INTEGERS, Element.SIGN), "scales": (Scale.POWER, Scale.PLANES), "planes": 4}
SMALL = Core(rows=2, lanes=32, columns=1, port_bytes=32, **FOUR, **SIZES)
SIGNED = Core(
    rows=2, lanes=64, columns=1, port_bytes=64, multiplier_bits=5, elements=NARROW, planes=3,
    scales=(Scale.POWER, Scale.PLANES, Scale.ZERO), **SIZES,
)  # fmt: skip
BYTES = Core(
    rows=2, lanes=32, columns=1, port_bytes=16, multiplier_bits=8, elements=NARROW, planes=2,
    scales=(Scale.POWER, Scale.PLANES), **SIZES,
)  # fmt: skip


def check(case: Case, gaps: float, seed: int, structural: bool = False) -> None:
    found = run(unit(case.core, structural=structural), case, gaps, seed)
    got, want = written(found, case), case.results()
    assert np.array_equal(got.view(np.uint32), want.view(np.uint32)), (seed, case.command())


def check_every_element(core: Core, structural: bool, count: int) -> None:
    rng = np.random.default_rng(1)
    for element in core.elements:
        for scale in kinds(core, element):
            for seed in range(count):
                case = random_case(core, rng, element=element, scale=scale)
                check(case, (0.0, 0.5, 0.95)[seed % 3], seed, structural)
    for seed in range(10):
        check(random_case(core, rng, extreme=True), 0.3, seed, structural)


def test_every_element_with_every_scale() -> None:
    check_every_element(SMALL, False, 3)


def test_cycles_are_those_of_the_formula() -> None:
    rng = np.random.default_rng(3)
    for _ in range(15):
        case = random_case(SMALL, rng)
        found = run(unit(SMALL), case)
        shape = SMALL, case.element, int(case.scale), case.tiles, case.folds, len(case.x)
        want = cycles_matrix.matrix_cycles(*shape, share=case.share, planes=case.planes)
        assert found.cycles - 1 - found.when("command")[0] == want, case.command()


@pytest.mark.slow
@pytest.mark.parametrize("core", [SIGNED, pytest.param(BYTES, marks=pytest.mark.long)], ids=["signed", "bytes"])
def test_codes_of_more_planes(core: Core) -> None:
    check_every_element(core, False, 3)


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("core", [SMALL, SIGNED, BYTES], ids=["small", "signed", "bytes"])
def test_as_they_are_built(core: Core) -> None:
    # The carry-save trees in place of plain sums.
    check_every_element(core, True, 3)


def test_what_tables_do_not_hold_is_refused() -> None:
    with pytest.raises(InputError, match="'lut' has no sums of codes that are shifted"):
        Core(multiplier_bits=9, engine="lut")
    with pytest.raises(InputError, match="'lut' has no sums of scales for 16 codes"):
        Core(multiplier_bits=5, scales=(Scale.PAIR,), engine="lut")
    with pytest.raises(InputError, match="engine = 'table' must be mac or lut"):
        Core(engine="table")
