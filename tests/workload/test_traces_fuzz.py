"""Ten thousand damaged traces: each is read, or refused with an error of ours. Nothing else comes out."""

import random
from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from trace_samples import ALL

from sartor.errors import SartorError
from sartor.workload.traces import read_trace, write_mooncake
from sartor.workload.traffic import Traffic

ROUNDS = 10_000
SPICE = [b"nan", b"inf", b"-1", b"0", b"1e400", b"9" * 30, b"9" * 5000, b"", b"\0", b"\xff", b"\"", b",",
         b"\n", b"{", b"}", b"[", b"]", b"null", b"true", b"1_0", b"\xef\xbb\xbf", b"\r", b"0001-01-01",
         b"+99:99", b"\\ud800", "１２".encode(), b"input_lens", b"hash_ids", b":"]  # fmt: skip


def mutated(data: bytes, rnd: random.Random) -> bytes:
    """One to four edits: bytes changed, cut out, doubled, or something nasty put in."""
    for _ in range(rnd.randint(1, 4)):
        i = rnd.randrange(len(data) + 1)
        j = min(len(data), i + rnd.choice([0, 1, 1, 3, 10, 60]))
        piece = rnd.choice([rnd.choice(SPICE), rnd.randbytes(rnd.randint(1, 3)), data[i:j] * 2, b""])
        data = data[:i] + piece + data[j:]
    return data


def test_a_damaged_trace_is_read_or_refused(tmp_path):
    rnd = random.Random(7)
    path = tmp_path / "t"
    texts = [text.encode() for text in ALL.values()]
    refused = 0
    for i in range(ROUNDS):
        data = mutated(texts[i % len(texts)], rnd)
        path.write_bytes(data)
        try:
            traffic = read_trace(path)
        except SartorError as error:
            refused += 1
            assert str(error).startswith("t"), data
        except Exception as error:
            pytest.fail(f"{data!r} gives {error!r}")
        else:
            assert np.isfinite(traffic.demand().prompt_mean)
    assert 0.4 * ROUNDS < refused < 0.95 * ROUNDS  # neither all noise nor all harmless


requests = st.lists(
    st.tuples(st.integers(0, 10**9), st.integers(1, 10**6), st.integers(1, 10**6)), min_size=1, max_size=50
)


@given(requests)
def test_what_is_written_reads_back(tmp_path_factory, rows):
    us, prompt, output = np.array(sorted(rows, key=lambda row: row[0])).T
    path = tmp_path_factory.mktemp("t") / "t.jsonl"
    write_mooncake(Traffic("t", (us - us[0]) * 1e-6, prompt, output), path)
    again = read_trace(path)
    assert again.arrival_s == pytest.approx((us - us[0]) * 1e-6, abs=1e-9)
    assert again.prompt_tokens.tolist() == prompt.tolist()
    assert again.output_tokens.tolist() == output.tolist()


@given(requests, st.randoms())
def test_the_order_of_lines_does_not_change_the_moments(tmp_path_factory, rows, rnd):
    path = tmp_path_factory.mktemp("t") / "t.csv"

    def demand():
        lines = [f"{us / 1e6},{p},{o}" for us, p, o in rows]
        path.write_text("\n".join(["arrived_at,num_prefill_tokens,num_decode_tokens", *lines]))
        return read_trace(path).demand()

    before = demand()
    rnd.shuffle(rows)
    after = demand()
    assert astuple(after)[1:-1] == pytest.approx(astuple(before)[1:-1], rel=1e-9)
    assert after.dispersion == pytest.approx(before.dispersion, rel=1e-9)
