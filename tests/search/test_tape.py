"""The estimate as a tape: the bits of the plain formulas, with far fewer operations."""

from functools import reduce

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sartor.search import screen
from sartor.search.explore import explore
from sartor.search.plan import merged, planned
from sartor.search.problem import OBJECTIVES, problem
from sartor.search.study import find_study, names
from sartor.search.tape import Tape
from sartor.search.traced import in_order, on_grid, traced, variable
from sartor.tech.technology import rows_of

COUNTS = (3, 5, 200, 2, 40)  # choices of five variables
BINARY = np.add, np.subtract, np.multiply, np.divide, np.minimum, np.maximum
UNARY = np.floor, np.negative, np.sqrt, np.exp


def genomes_of(counts, n=2_000):
    return np.random.default_rng(7).integers(0, np.reshape(counts, (-1, 1)), (len(counts), n)).astype(np.uint8)


def columns_of(genomes):
    """Single-precision figures of the choices, for traced genomes and real ones alike."""
    values = np.random.default_rng(1).uniform(0.5, 9, max(COUNTS)).astype(np.float32)
    return [rows_of(values[:count], row) for count, row in zip(COUNTS, genomes, strict=True)]


def grown(columns, steps):
    """A formula of `steps`: each operation takes what one of those before gave."""
    made = list(columns)
    for call, a, b in steps:
        first, second = made[a % len(made)], made[b % len(made)]
        made.append(call(first) if call in UNARY else call(first, second))
    return made[len(columns) :]


def tape_of(outputs):
    return Tape(planned({str(i): o for i, o in enumerate(outputs)}, len(COUNTS)))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from((*BINARY, *UNARY)), st.integers(0, 99), st.integers(0, 99)), min_size=1,
                max_size=40), st.integers(1, 4))  # fmt: skip
def test_a_tape_gives_the_bits_of_the_formula(steps, last):
    genomes = genomes_of(COUNTS)
    with np.errstate(all="ignore"):
        plain = grown(columns_of(genomes), steps)[-last:]
    tape = tape_of(grown(columns_of([variable(*v) for v in enumerate(COUNTS)]), steps)[-last:])
    found = tape.ready()(genomes)
    for i, values in enumerate(plain):
        assert found[str(i)].dtype == values.dtype
        assert np.array_equal(found[str(i)], values, equal_nan=True)


@pytest.mark.parametrize("name", names())
def test_of_every_study_screening_has_the_bits_of_the_plain_estimate(name):
    ready = problem(find_study(name))
    genomes = ready.space.sample(screen.CHUNK // 8 + 1, np.random.default_rng(3))
    plain, found = ready.price(genomes, screen.SCREEN_TECH), screen.tape_of(ready).ready()(genomes)
    for figure in (*ready.objectives, *plain.violations):
        values = np.asarray(getattr(plain, figure, None) if figure in ready.objectives else plain.violations[figure])
        assert np.asarray(found[figure]).dtype == values.dtype, figure
        assert np.array_equal(found[figure], values, equal_nan=values.dtype.kind == "f"), figure
    # One double among them makes others double: half as fast.
    assert {np.asarray(getattr(plain, aim)).dtype for aim in OBJECTIVES} == {np.dtype(np.float32)}


def test_a_search_finds_the_same_by_tape(small, monkeypatch):
    plain = explore(small)
    monkeypatch.setattr(screen, "WORTH_TRACING", 0)
    found = explore(small)
    assert plain.found.genomes.tobytes() == found.found.genomes.tobytes()
    assert plain.found.points.tobytes() == found.found.points.tobytes()
    assert plain.found.killed == found.found.killed
    misses = [{n: (m.ratio, m.genome.tobytes()) for n, m in run.found.near.items()} for run in (plain, found)]
    assert misses[0] == misses[1] and misses[0]


def test_a_design_takes_few_operations():
    # What the speed of screening rests on, counted instead of timed: benchmarks/points_per_second.py has the time.
    ready = problem(find_study("cloud-llama70b"))
    choices = [variable(row, int(count)) for row, count in enumerate(ready.space.counts)]
    result = ready.price(choices, screen.SCREEN_TECH)
    every = merged({**result.violations, "usd": result.usd_per_mtoken, "latency": result.latency_s})
    assert screen.tape_of(ready).operations < 0.75 * len(list(in_order(every.values())))


def test_what_follows_from_few_choices_is_a_table():
    a, b, *_ = columns_of([variable(*v) for v in enumerate(COUNTS)])
    deep = reduce(lambda x, _: np.exp(-x * b) + a, range(20), a)  # 80 operations on 15 pairs of choices
    assert tape_of([deep]).operations < 8


def test_few_values_of_many_choices_become_a_variable():
    _, _, c, _, e = columns_of([variable(*v) for v in enumerate(COUNTS)])
    wide = np.floor((c + e) / 8)  # 8,000 pairs, three values
    a, b = columns_of([variable(*v) for v in enumerate(COUNTS)])[:2]
    deep = reduce(lambda x, _: np.exp(-x) * wide + b, range(20), a * b)
    assert deep.places == 3 * 5 * 200 * 40  # too many for a table, but for the new variable
    assert tape_of([deep]).operations < 20


def test_plain_numbers_stay():
    (a, *_) = columns_of([variable(*v) for v in enumerate(COUNTS)])
    found = Tape(planned({"a": a, "b": 2.5}, len(COUNTS))).ready()(genomes_of(COUNTS))
    assert found["b"] == 2.5 and len(found["a"]) == 2_000


def test_zeros_of_both_signs_are_two_values():
    a, b, _, _, e = columns_of([variable(*v) for v in enumerate(COUNTS)])
    zero = np.copysign(np.float32(0), rows_of(np.linspace(-1, 1, 200, dtype=np.float32), variable(2, 200)) + 0 * e)
    deep = reduce(lambda x, _: np.exp(-x * b), range(20), np.copysign(a, zero) * b)
    genomes = genomes_of(COUNTS)
    found = tape_of([deep, np.copysign(deep, zero)]).ready()(genomes)["1"]
    assert np.array_equal(np.signbit(found), genomes[2] < 100)


def test_numbers_of_two_kinds_are_two():
    choice = variable(0, 3)
    found = tape_of([choice * 2, choice * 2.0]).ready()(genomes_of(COUNTS))
    assert [found[name].dtype for name in "01"] == [np.uint16, np.float64]


def test_a_formula_that_decides_by_a_value_is_refused():
    choice = variable(0, 3)
    with pytest.raises(TypeError, match=r"must not decide by a value .*np\.where"):
        bool(choice > 1)
    with pytest.raises(TypeError, match="rows_of"):
        np.arange(3.0)[choice]
    with pytest.raises(TypeError, match="does not give a number a design"):
        traced(np.sum, (choice,), {})
    with pytest.raises(TypeError, match="too many to try"):
        on_grid(variable(0, 255) + variable(1, 255) * variable(2, 2))
    with pytest.raises(TypeError, match="not traced"):
        np.add.reduce(choice)


def test_the_largest_of_all_choices_is_a_number():
    assert np.max(variable(0, 3) * 2 + variable(1, 5)) == 8
