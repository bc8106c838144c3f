"""Prefill and decode on chips of their own: waiting by hand, laws of rates, what is refused, the errors on record."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sartor import validate
from sartor.errors import BrokenFile
from sartor.validation.points import POOLS
from sartor.validation.points_fit import pairs, points_on
from sartor.validation.pools_predict import predict, sent_s, waits_s
from sartor.validation.record import band, by_quantity, grown

FILE = Path(__file__).parents[2] / ".." / "shared" / "data" / "measured" / "gpu_serving_points.csv"
needs_file = pytest.mark.skipif(not FILE.is_file(), reason=f"no measured points at {FILE.name} in ../shared")
INPUTS = {
    "chip": "gb200", "model": "deepseek-ai/DeepSeek-V3", "format": "fp8", "stack": "sglang", "prompt": 8192,
    "output": 1024, "at_once": "32", "prefill_workers": "5", "prefill_chips": "1", "prefill_copies": "8",
    "decode_workers": "1", "decode_chips": "1", "decode_copies": "32",
}  # fmt: skip
ROW = {
    "system": "gb200", "model_path": "deepseek-ai/DeepSeek-V3", "precision": "fp8", "backend": "sglang",
    "mode": "disagg", "isl": "8192", "osl": "1024", "prefill_num_workers": "5", "prefill_tp_size": "1",
    "prefill_pp_size": "1", "prefill_attention_dp_size": "8", "decode_batch_size": "32", "decode_num_workers": "1",
    "decode_tp_size": "1", "decode_pp_size": "1", "decode_attention_dp_size": "32", "silicon_ttft_ms": "3883",
    "silicon_tpot_ms": "18.5",
}  # fmt: skip
seconds = st.floats(1e-3, 1e2)


@pytest.fixture
def file(tmp_path):
    def write(**changes):
        row, path = {**ROW, **changes}, tmp_path / "points.csv"
        path.write_text(",".join(ROW) + "\n" + ",".join(str(row[name]) for name in ROW) + "\n")
        return path

    return write


@given(st.floats(1, 1e5), seconds, seconds)
def test_waiting_closes_the_circle(requests, one_s, elsewhere_s):
    # R (Z + R) = d (Z + R) + d (N - 1) R: who is at the pool when one comes is the share of the others that is there.
    held = waits_s(requests, one_s, elsewhere_s) + one_s
    there = (requests - 1) * held / (elsewhere_s + held)
    assert held == pytest.approx(one_s * (1 + there), rel=1e-6)
    # No more leave a pool than it can serve, and none waits less than that takes.
    assert requests / (elsewhere_s + held) <= 1 / one_s * (1 + 1e-9)


def test_prefill_bounds_the_rate_where_it_is_the_slower():
    # 64 requests a copy of 32, ten times and a hundred times too many for one worker of prefill: twice as many wait
    # twice as long, and those that decode at a time stay as many.
    one, two = predict([INPUTS | {"prefill_workers": "1", "at_once": n} for n in ("64", "128")])
    assert two["ttft"] == pytest.approx(2 * one["ttft"], rel=0.1)
    assert two["tpot"] == pytest.approx(one["tpot"], rel=0.02)


def test_more_workers_of_prefill_fill_the_decode_and_shorten_the_wait():
    found = predict([INPUTS | {"prefill_workers": str(n)} for n in (1, 2, 4, 8, 64)])
    ttft, tpot = ([one[q] for one in found] for q in ("ttft", "tpot"))
    assert ttft == sorted(ttft, reverse=True) and tpot == sorted(tpot)
    # Nobody prefills where others decode: with a pool that is large enough the prompt's length is only in the cache.
    many = INPUTS | {"prefill_workers": "6400", "output": 64}
    short, long = (predict([many | {"prompt": p}])[0] for p in (1024, 2048))
    assert short["tpot"] < long["tpot"] < 1.1 * short["tpot"]


def test_caches_go_over_the_rack_or_a_port_a_chip():
    # 8192 tokens of 61 x 576 bytes are 288 MB: over a port of 50 GB/s 5.8 ms, over NVLink of 900 GB/s 0.3.
    alike = INPUTS | {"prefill_chips": "1", "prefill_copies": "1", "decode_chips": "16", "decode_copies": "1",
                      "format": "fp4", "at_once": "4"}  # fmt: skip
    assert sent_s(alike) == pytest.approx(288e6 / 900e9, rel=0.02)
    assert sent_s(alike | {"chip": "b200_sxm"}) == pytest.approx(288e6 / 50e9, rel=0.02)


def test_a_point(file):
    found = validate("serving", file())
    assert found["by"]["pools tpot"]["n"] == 1 and found["by"]["pools gb200 tpot"]["worst_ape"] < 0.5


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"decode_num_workers": ""}, "how many workers each has is not said"),
        ({"prefill_num_workers": "0"}, "how many workers each has is not said"),
        ({"decode_batch_size": ""}, "the requests of a worker that decodes are not said"),
        ({"decode_batch_size": "1000000"}, "more requests at once than any service takes"),
        ({"decode_attention_dp_size": "144"}, "more chips together than were measured"),
        ({"prefill_pp_size": "2"}, "pipeline stages: not modeled"),
    ],
)
def test_what_is_refused(file, changes, reason):
    coverage = validate("serving", file(**changes))["coverage"]
    (why,) = coverage["refused"]
    assert reason in why["reason"] and why["n"] == 1 and coverage["predicted"] == 0


def test_an_impossible_row_is_excluded(file):
    # A step of 1 us; the weights alone take longer.
    with pytest.raises(BrokenFile, match="1 x faster than the DRAM's peak"):
        validate("serving", file(silicon_tpot_ms="0.001"))


@needs_file
@pytest.mark.slow
def test_no_error_of_pools_has_grown():
    found = pairs(points_on(FILE, (), POOLS.name))
    assert len(found) > 250 and grown(by_quantity("serving", "unseen", found, "pools ")) == []
    off = {q: np.median([p.ape for p in found if p.quantity == q]) for q in ("tpot", "ttft")}
    assert off["tpot"] < 0.2 and off["ttft"] < 0.36
    # The band of one chip's errors holds four in five of the others'.
    for quantity in ("tpot", "ttft"):
        some = [p for p in found if p.quantity == quantity]
        inside = []
        for chip in {p.labels["chip"] for p in some}:
            wide = band([p for p in some if p.labels["chip"] != chip])
            inside += [abs(np.log(p.measured / p.predicted)) <= wide for p in some if p.labels["chip"] == chip]
        assert 0.75 <= np.mean(inside) <= 0.85
