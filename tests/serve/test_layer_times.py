"""Steps from measured layers, worked out by hand: tables, the queries between their points, unequal contexts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest import approx

from sartor.errors import BrokenFile, InputError
from sartor.serve.layer_times import LayerTimes
from sartor.serve.layers import Layers, read_layers
from sartor.serve.skew import Skew, read_skew

AXES = ([0.0, 4.0, 64.0], [0.0, 32.0], [0.0, 1.0, 8.0], [0.0, 16.0, 128.0])


def attention_s(tokens: float, cached: float, n: float, context: float) -> float:
    """Linear along each axis, so that what lies between the points and beyond them is known."""
    return tokens * (2 + cached / 16) + n * (1 + context / 8)


def layers() -> Layers:
    grid = np.vectorize(attention_s)(*np.meshgrid(*AXES, indexing="ij"))
    return Layers(np.arange(65) * 10.0, np.arange(9) * 100.0, tuple(map(np.array, AXES)), grid)


def test_a_step_is_its_matrices_its_head_and_its_attention():
    times = LayerTimes(layers())
    decode = 3 * 10 + 3 * 100 + attention_s(0, 0, 3, 20)
    assert times.step([], 3, 60, (20, 20)) == (approx(decode), 0.0)
    mixed = (5 + 3) * 10 + (1 + 3) * 100 + attention_s(5, 40, 3, 20)  # 40 cached: beyond the table
    assert times.step([(5, 40)], 3, 60, (20, 20))[0] == approx(mixed)
    assert times.step([(100 - 40, 8)], 0, 0, (0, 0))[0] == approx(60 * 10 + 100 + attention_s(60, 8, 0, 0))


def test_prompts_together_are_as_one_with_the_same_products():
    times = LayerTimes(layers())
    # 4 x (30 + 2) + 2 x (60 + 1) = 250 products in 6 tokens: 250 / 6 - 3 cached of one prompt.
    together = 6 * 10 + 2 * 100 + attention_s(6, 250 / 6 - 3, 0, 0)
    assert times.step([(4, 30), (2, 60)], 0, 0, (0, 0))[0] == approx(together)
    # Two whole prompts of 4 have half the products of one of 8.
    assert times.step([(4, 0), (4, 0)], 0, 0, (0, 0))[0] == approx(80 + 200 + attention_s(8, 0, 0, 0) / 2)


def test_a_captured_graph_runs_the_next_larger_batch():
    times = LayerTimes(layers(), graphs=(8, 1, 4))
    padded = {n: times.step([], n, 0, (0, 0))[0] - n * 100 - attention_s(0, 0, n, 0) for n in (1, 2, 4, 5, 8)}
    assert padded == approx({1: 10, 2: 40, 4: 40, 5: 80, 8: 80})
    assert times.step([(9, 0)], 0, 0, (0, 0))[0] == approx(90 + 100 + attention_s(9, 0, 0, 0))  # none so large


def test_a_longer_request_makes_a_step_longer_by_alpha_of_the_difference():
    alpha = {(0, "n<=4", "sr<=40%", "kvB<=1k", "kp=0"): 0.25, (4, "n<=2", "sr<=70%", "kvB<=1k", "kp<=512"): 0.5}
    times = LayerTimes(layers(), skew=Skew(alpha, {0: 0.125, 4: 0.75, 64: 1.0}))
    assert times.wants_spread and not LayerTimes(layers()).wants_spread
    mean, longest = attention_s(0, 0, 4, 40), attention_s(0, 0, 4, 100)  # (40 - 20) / (100 - 20): a quarter are long
    assert times.step([], 4, 160, (20, 100))[0] - 440 == approx(mean + 0.25 * (longest - mean))
    # 70 % long, not in the table: the mean over what is.
    mean = attention_s(0, 0, 4, 76)
    assert times.step([], 4, 304, (20, 100))[0] - 440 == approx(mean + 0.125 * (longest - mean))
    # Six tokens of a prompt: of the measured numbers, 4 is the nearest by ratio.
    mean, longest = attention_s(6, 7, 2, 60), attention_s(6, 7, 2, 100)
    assert times.step([(6, 7)], 2, 120, (20, 100))[0] - 80 - 300 == approx(mean + 0.5 * (longest - mean))
    assert times.step([], 4, 160, (40, 40))[0] == approx(440 + attention_s(0, 0, 4, 40))  # all equal


@given(n=st.integers(1, 8), each=st.integers(1, 200), spread=st.integers(0, 50), skewed=st.booleans())
def test_a_line_is_the_steps_one_after_the_other(n, each, spread, skewed):
    times = LayerTimes(layers(), skew=Skew({}, {0: 0.3}) if skewed else None)
    contexts = (max(each - spread, 1), each + spread)
    line = times.line(n, n * each, contexts)
    assert line.steps >= 1 and (line.j, line.j_more) == (0.0, 0.0)
    for i in (0, 1, min(line.steps, 300) - 1):
        step = times.step([], n, n * (each + i), (contexts[0] + i, contexts[1] + i))[0]
        assert line.s + i * line.s_more == approx(step)


def written(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


def test_tables_are_summed_over_blocks_and_what_was_not_measured_goes_on_along_the_last_piece(tmp_path):
    written(tmp_path / "dense.csv", "layer,tokens,time_us", "embedding,1,5", "embedding,3,5",
            "layernorm,3,3", "layernorm,1,1", "qkv_proj,1,10", "qkv_proj,3,30", "final_layernorm,1,7")  # fmt: skip
    written(tmp_path / "per_sequence.csv", "layer,sequences,time_us", "lm_head,1,2", "lm_head,2,6")
    cells = [(0, 0, 1, 16, 3), (0, 0, 2, 16, 4), (0, 0, 1, 32, 5), (4, 0, 0, 0, 8), (4, 8, 0, 0, 10), (4, 0, 1, 16, 11)]
    written(tmp_path / "attention.csv", "prefill_chunk,kv_prefill,n_decode,kv_decode,time_us",
            *(",".join(map(str, c)) for c in cells))  # fmt: skip
    found = read_layers(tmp_path, blocks=10, tokens=5, sequences=3)
    # Of 2 tokens: embedding 5 and the last norm 7 once, 10 blocks of two norms of 2 and 20. Of 5: 5, 7, norms of 5, 50.
    assert found.dense_s[[0, 2, 5]] * 1e6 == approx([0, 5 + 7 + 10 * (4 + 20), 5 + 7 + 10 * (10 + 50)])
    assert found.sequence_s * 1e6 == approx([0, 2, 6, 10])
    idle, one, two = found.attention_s[0, 0] * 1e5  # of one block
    assert (idle == 0).all() and one == approx([3, 3, 5]) and two[1] == approx(4)  # the shortest stands for none
    assert found.attention_s[0, 1] == approx(found.attention_s[0, 0])  # no prompt: what is cached of it means nothing
    assert found.attention_s[1, :, 0] * 1e5 == approx(np.array([[8] * 3, [10] * 3]))
    assert found.moe_s is None


HEAD = "pc,n_label,skew_rate_label,kv_big_label,kp_label,alpha,n_samples"


def test_alpha_is_read_by_bucket_with_a_mean_over_samples(tmp_path):
    folder = tmp_path / "tp1"
    rows = "0,n<=2,sr<=5%,kvB<=1k,kp=0,0.2,3", "0,n<=4,sr<=5%,kvB<=1k,kp=0,0.6,1", "64,n>256,sr>70%,kvB>16k,kp>8k,0.9,5"
    written(folder / "skew_fit.csv", HEAD, *rows)
    written(tmp_path / "meta.yaml", "other:", "  enabled: false", "skew_fit:", "  rows: 3", "  enabled: true")
    skew = read_skew(folder)
    assert skew is not None and skew.mean == approx({0: 0.3, 64: 0.9})
    assert skew.of(0, 0.0, 2, 10.0, (10, 1024)) == 0.2 and skew.of(0, 0.0, 3, 10.0, (10, 1024)) == 0.6
    assert skew.of(0, 0.0, 2, 10.0, (10, 1025)) == approx(0.3)  # a longer one: no such bucket
    assert skew.of(3, 9000.0, 300, 30000.0, (0, 30000)) == 0.9
    written(tmp_path / "meta.yaml", "skew_fit:", "  enabled: false", "other:", "  enabled: true")
    assert read_skew(folder) is None and read_skew(tmp_path) is None


@pytest.mark.parametrize("rows", [(HEAD[:20], "0,n<=2,3"), (HEAD,)])
def test_a_table_of_alphas_without_its_columns_or_rows_is_named(tmp_path, rows):
    written(tmp_path / "tp1" / "skew_fit.csv", *rows)
    written(tmp_path / "meta.yaml", "skew_fit:", "  enabled: true")
    with pytest.raises(BrokenFile, match=r"skew_fit\.csv: needs the columns"):
        read_skew(tmp_path / "tp1")
    (tmp_path / "meta.yaml").unlink()
    with pytest.raises(InputError, match=r"meta\.yaml: cannot be read"):
        read_skew(tmp_path / "tp1")


@pytest.mark.parametrize(("rate", "big", "cached", "bucket"), [
    (0.05, 1024, 0, ("sr<=5%", "kvB<=1k", "kp=0")), (0.15, 4096, 512, ("sr<=15%", "kvB<=4k", "kp<=512")),
    (0.40, 16384, 1024, ("sr<=40%", "kvB<=16k", "kp<=1k")), (0.70, 16385, 2048, ("sr<=70%", "kvB>16k", "kp<=2k")),
    (0.71, 1025, 4096, ("sr>70%", "kvB<=4k", "kp<=4k")), (0.06, 4097, 8192, ("sr<=15%", "kvB<=16k", "kp<=8k")),
    (0.16, 1, 8193, ("sr<=40%", "kvB<=1k", "kp>8k")), (0.41, 1, 1, ("sr<=70%", "kvB<=1k", "kp<=512")),
])  # fmt: skip
def test_a_bucket_holds_its_upper_bound(rate, big, cached, bucket):
    skew = Skew({(64, "n<=256", *bucket): 0.5}, {0: 0.0, 4: 0.0, 64: 0.0})
    assert skew.of(40, cached, 256, rate * big, (0, big)) == 0.5  # of the measured 4 and 64 tokens, 64 is nearer to 40
    assert skew.of(40, cached, 257, rate * big, (0, big)) == 0.0


def test_a_line_ends_where_a_table_does():
    assert LayerTimes(layers()).line(2, 80, (10, 70)).steps == 128 - 40 + 1
    assert LayerTimes(layers(), skew=Skew({}, {0: 0.3})).line(2, 80, (10, 100)).steps == 128 - 100 + 1
