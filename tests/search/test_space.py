"""The search space: genomes to designs and back to words."""

import numpy as np
import pytest

from sartor.errors import InputError, UnknownName
from sartor.search.space import space
from sartor.tables import table
from sartor.tech.technology import NOMINAL


def test_a_genome_by_hand():
    tiny = space({"node": ["N7", "N5"], "memory": ["hbm3"], "units": [2, 4], "unit_capacity": [1], "clock": ["1 GHz"],
                  "rows": [8, 16], "batch": [3]})  # fmt: skip
    genome = np.zeros((len(tiny.names), 1), np.uint8)
    genome[tiny.names.index("node")] = 1
    genome[tiny.names.index("units")] = 1
    designs, how = tiny.decode(genome, NOMINAL)
    assert table("nodes").items[int(np.ravel(designs.node)[0])] == "N5"
    # 4 stacks of HBM3: 4 x 819 GB/s and, at the smallest capacity, 4 x 16 GB.
    assert np.ravel(designs.bandwidth_bytes_per_s)[0] == pytest.approx(4 * 819e9)
    assert np.ravel(designs.capacity_bytes)[0] == pytest.approx(64e9)
    assert how.batch == 3
    words = tiny.describe(genome[:, 0])
    assert (words["node"], words["units"], words["rows"], words["clock"]) == ("N5", 4, 8, 1_000_000_000)


def test_capacity_stops_at_the_largest_of_the_kind():
    s = space({"memory": ["hbm3"], "units": [1], "unit_capacity": [8]})
    designs, _ = s.decode(s.sample(4, np.random.default_rng(0)), NOMINAL)
    assert np.all(np.ravel(designs.capacity_bytes) == 24e9)  # 8 x 16 GB would be 128: the kind ends at 24


def test_samples_are_uniform_and_depend_on_the_generator_alone():
    s = space({})
    a, b = (s.sample(30_000, np.random.default_rng(7)) for _ in range(2))
    assert (a == b).all()
    for row, count in zip(a, s.counts, strict=True):
        seen = np.bincount(row, minlength=count)
        assert len(seen) == count
        # 30,000 / count each; five standard deviations of a multinomial.
        assert np.abs(seen - 30_000 / count).max() < 5 * np.sqrt(30_000 / count)


@pytest.mark.parametrize(
    ("lists", "message"),
    [
        ({"nod": ["N7"]}, r"unknown search variable 'nod': did you mean 'node'\?"),
        ({"node": ["N8"]}, r"unknown node 'N8'"),
        ({"clock": ["fast"]}, r"clock: 'fast' is not a quantity"),
        ({"clock": ["3 W"]}, r"unit 'W' measures w, not hz"),
        ({"rows": []}, r"rows: 0 values"),
        ({"rows": [0]}, r"rows = 0 must be above 0"),
        ({"rows": [float("nan")]}, r"not a finite number"),
        ({"weights": ["int5"]}, r"unknown number format 'int5'"),
    ],
)
def test_refused(lists, message):
    with pytest.raises((InputError, UnknownName), match=message):
        space(lists)
