"""The moments of traffic, by hand and by brute force."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sartor.errors import InputError
from sartor.workload.traffic import Traffic


def traffic(arrival_s, prompt, output, **more):
    return Traffic("t", np.array(arrival_s, float), np.array(prompt), np.array(output), **more)


def test_demand_by_hand():
    demand = traffic([0, 1, 4], [100, 200, 300], [10, 10, 40]).demand(50)
    assert demand.rate_per_s == pytest.approx(2 / 4)
    # Gaps 1 and 3: mean 2, variance 1.
    assert demand.arrival_scv == pytest.approx(1 / 4)
    assert demand.prompt_mean == pytest.approx(200)
    assert demand.prompt_square_mean == pytest.approx((1e4 + 4e4 + 9e4) / 3)
    assert demand.prompt_tail == 200
    # Outputs 10, 10, 40: mean 20, variance (100 + 100 + 400) / 3.
    assert demand.output_scv == pytest.approx(200 / 400)
    # Steps: 10 at 105, 10 at 205, 40 at 320.
    assert demand.decode_context_mean == pytest.approx((1050 + 2050 + 12800) / 60)


rows = st.lists(st.tuples(st.integers(1, 500), st.integers(1, 60)), min_size=1, max_size=8)


@given(rows)
def test_decode_context_is_the_mean_over_steps(rows):
    # Step i of a request (i = 0 .. o-1) finds between p + i and p + i + 1 tokens: take the middle.
    contexts = [p + i + 0.5 for p, o in rows for i in range(o)]
    prompt, output = zip(*rows, strict=True)
    demand = traffic(range(len(rows)), prompt, output).demand()
    assert demand.decode_context_mean == pytest.approx(sum(contexts) / len(contexts))


@given(rows, st.floats(0.1, 10))
def test_time_scales_the_rate_and_nothing_else(rows, scale):
    prompt, output = zip(*rows, strict=True)
    times = np.cumsum(np.arange(len(rows)))
    before, after = (traffic(times * s, prompt, output).demand() for s in (1.0, scale))
    assert after.rate_per_s == pytest.approx(before.rate_per_s / scale)
    assert after.arrival_scv == pytest.approx(before.arrival_scv)
    assert after.prompt_mean == before.prompt_mean


def test_requests_that_arrive_at_once_have_no_finite_rate():
    assert traffic([0, 0], [1, 1], [1, 1]).demand().rate_per_s == float("inf")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (([], [], []), "not (requests,) each"),
        (([0], [1, 2], [1]), "(1,), (2,), (1,)"),
        (([0, np.nan], [1, 1], [1, 1]), "must be finite and never fall (try to sort it)"),
        (([1, 0], [1, 1], [1, 1]), "never fall"),
        (([0], [0], [1]), "prompt_tokens = 0 must be at least 1"),
        (([0], [1], [0]), "output_tokens = 0 must be at least 1"),
    ],
)
def test_impossible_traffic_is_refused(columns, message):
    with pytest.raises(InputError) as caught:
        traffic(*columns)
    assert message in str(caught.value)


def test_percentile_and_prefix_hit_are_bounded():
    with pytest.raises(InputError, match="percentile = 100 must be between 0 and 100"):
        traffic([0], [1], [1]).demand(100)
    with pytest.raises(InputError, match=r"prefix_hit = 1\.5 must be from 0 to 1"):
        traffic([0], [1], [1], prefix_hit=1.5)
