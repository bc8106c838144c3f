"""The matrix unit against the numeric contract, bit for bit."""

import numpy as np
import pytest
from matrix_case import random_case, run, unit, written

from sartor.families.tensor.core import Core

SMALL = Core(rows=4, lanes=32, columns=3, vector_lanes=8, port_bytes=32, buffer_groups=16, scratch_groups=64)


@pytest.mark.parametrize("gaps", [0.0, 0.5])
def test_results(gaps: float) -> None:
    sim = unit(SMALL)
    rng = np.random.default_rng(5)
    for seed in range(60):
        case = random_case(SMALL, rng)
        found = run(sim, case, gaps, seed)
        got, want = written(found, case), case.results()
        assert np.array_equal(got.view(np.uint32), want.view(np.uint32)), (seed, case.command())
