"""Fronts against their definition."""

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sartor.search.pareto import front, thin

points = hnp.arrays(float, st.tuples(st.integers(0, 25), st.just(3)), elements=st.integers(0, 4).map(float))


def beaten(row, others):
    return any((o <= row).all() and (o < row).any() for o in others)


@given(points)
def test_the_front_is_what_nothing_beats(p):
    kept = front(p)
    assert all(not beaten(p[i], p) for i in kept)
    # Every row left out is beaten, or equal to one that stays.
    out = set(range(len(p))) - set(kept.tolist())
    assert all(beaten(p[i], p) or any((p[i] == p[k]).all() for k in kept) for i in out)
    assert len({tuple(row) for row in p[kept]}) == len(kept)


@given(points.filter(len), st.integers(2, 10))
def test_thinning_keeps_the_ends(p, most):
    rows = thin(p, most)
    assert len(rows) <= max(most, 2)
    assert p[rows, 0].min() == p[:, 0].min() and p[rows, 0].max() == p[:, 0].max()
    assert len(set(rows.tolist())) == len(rows)
