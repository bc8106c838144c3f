"""Operators of serving stacks as the trust page takes them (benchmarks/operators.py), on small tables."""

import runpy
import sys
from dataclasses import replace
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from sartor.validation import KINDS
from sartor.validation.gpu_speaks import speaks
from sartor.validation.summary import Pair

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
MATRIX = {"op_name": "gemm", "gemm_dtype": "bfloat16", "m": 1, "n": 8192, "k": 8192}
TOKEN = {"op_name": "generation_attention", "batch_size": 16, "isl": 1, "step": 8191, "num_heads": 32,
         "num_key_value_heads": 8, "head_dim": 128, "attn_dtype": "bfloat16", "kv_cache_dtype": "bfloat16",
         "window_size": 0}  # fmt: skip
CHIPS = {"h200_sxm": "NVIDIA H200", "h100_sxm": "NVIDIA H100 80GB HBM3"}


@pytest.fixture(scope="module")
def operators():
    sys.path.insert(0, str(BENCHMARKS))
    yield runpy.run_path(str(BENCHMARKS / "operators.py"))
    sys.path.remove(str(BENCHMARKS))


@pytest.fixture
def folder(tmp_path):
    def write(system, kind, stack, version, rows):
        path = tmp_path / system / kind.split("/")[0] / stack / version / f"{kind.split('/')[1]}_perf.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        said = {"framework": stack, "device": CHIPS[system]}
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist([said | row for row in rows]), path)
        return tmp_path

    return write


def test_a_stack_counts_once_and_what_one_alone_has_does_not(operators, folder):
    narrow = {**MATRIX, "n": 64}
    for version, ms in (("1", 0.030), ("2", 0.034), ("3", 0.036)):
        folder("h200_sxm", "gemm/gemm", "vllm", version, [{**MATRIX, "latency": ms}, {**narrow, "latency": 0.01}])
    alone = {**MATRIX, "m": 2, "latency": 0.035}
    root = folder("h200_sxm", "gemm/gemm", "trtllm", "1",
                  [{**MATRIX, "latency": 0.038}, {**narrow, "latency": 0.01}, alone])  # fmt: skip
    # The middle of 34 us, of three versions of one stack, and 38 us; a matrix of 64 columns is none of a model's.
    (row,) = operators["rows"](root, "h200_sxm", "gemm")
    assert row.measured["latency"] == pytest.approx(36e-6) and row.inputs["called"] is True
    (pair,) = operators["pairs"]([row])
    assert pair.ape < 0.1


def test_what_cannot_be_or_is_not_estimated_is_left_out(operators, folder):
    fast = {**MATRIX, "latency": 0.02}  # 134 MB in 20 us: 6.7 TB/s
    narrow, window = {**TOKEN, "kv_cache_dtype": "fp8"}, {**TOKEN, "window_size": 128}
    for stack in ("vllm", "sglang"):
        folder("h200_sxm", "gemm/gemm", stack, "1", [fast])
        rows = [{**row, "latency": 0.135} for row in (TOKEN, narrow, window)]
        root = folder("h200_sxm", "attention/generation_attention", stack, "1", rows)
    assert operators["rows"](root, "h200_sxm", "gemm") == []
    (row,) = operators["rows"](root, "h200_sxm", "generation_attention")
    assert (row.inputs["context"], row.inputs["cache"], row.inputs["window"]) == (8191, "bfloat16", "0")


def test_beside_the_other_chip_a_stack_s_own_time_drops_out(operators, folder):
    # A kernel twice as slow as it need be on both: a third off the estimate each, and 2 % of it beside each other.
    for system, ms in (("h100_sxm", 0.100), ("h200_sxm", 0.070)):
        for stack in ("vllm", "sglang"):
            root = folder(system, "gemm/gemm", stack, "1", [{**MATRIX, "latency": ms}])
    sheet, known = (operators["rows"](root, system, "gemm") for system in ("h200_sxm", "h100_sxm"))
    ((name, both),) = operators["_beside"](sheet, known)
    assert name == "gemm h200-sxm bf16 over h100-sxm" and both.measured == pytest.approx(0.7)
    assert both.ape < 0.05 < 0.4 < operators["pairs"](sheet)[0].ape


def test_rows_of_stacks_are_of_their_kernels(operators, folder):
    # A call of few tokens takes 9 us there, and 5 where PyTorch calls it. Of 64 queries a KV head figures are not told.
    few, many = {**TOKEN, "batch_size": 1, "step": 15, "latency": 0.0095}, {**TOKEN, "num_heads": 512, "latency": 0.3}
    for stack in ("vllm", "sglang"):
        root = folder("h200_sxm", "attention/generation_attention", stack, "1", [few, many])
        root = folder("h200_sxm", "gemm/gemm", stack, "1", [{**MATRIX, "latency": 0.035}])
    (call, wide), (gemm,) = (operators["rows"](root, "h200_sxm", op) for op in ("generation_attention", "gemm"))
    assert operators["pairs"]([call])[0].ape < 0.1
    (other,) = operators["pairs"]([replace(call, inputs={**call.inputs, "called": False})])
    assert other.predicted < 6e-6
    assert "stack_attention_overhead" in speaks(call.inputs) and speaks(wide.inputs) == ()
    assert {"stack_op_overhead", "op_overhead"} & {*speaks(gemm.inputs)} == {"stack_op_overhead"}
    # Where stacks' GEMMs are all that was measured, their figures are the generation's.
    b200 = {**gemm.inputs, "chip": "b200_sxm"}
    assert {"op_overhead", "j_per_op"} <= {*speaks(b200)}
    assert "stack_attention_near" in speaks({**call.inputs, "chip": "b200_sxm"})


def test_beside_another_chip_a_service_is_the_same_but_for_it(operators):
    beside = sys.modules["beside"]
    one, two = (Pair(name, {}, "tpot", predicted, measured)
                for name, predicted, measured in (("h200", 8.0, 7.5), ("h100", 11.0, 10.0)))  # fmt: skip
    row = {"chip": "h200_sxm", "model": "llama-3.1-70b", "at_once": 4}
    key = beside.sizes(row)
    assert key == beside.sizes({**row, "chip": "h100_sxm"}) != beside.sizes({**row, "at_once": 8})
    ((_, both),) = beside.ratios([(key, one)], [(key, two), ("another", one)])
    assert (both.predicted, both.measured, both.where) == (pytest.approx(8 / 11), pytest.approx(0.75), "h200")


def test_between_sizes_of_the_tables_it_is_straight_in_logarithms(operators):
    sums = sys.modules["operator_sums"]
    found = sums.Measured({(1, k, n): 1e-9 * k * n for k in (4096, 16384) for n in (4096, 65536)}, {})
    for k, n in ((4096, 4096), (14336, 4096), (4096, 28672), (4096, 128256)):  # the last beyond the widest
        assert found.gemm_s(1, k, n) == pytest.approx(1e-9 * k * n)


def test_what_is_refused_says_what_to_try():
    asked = {"form": "decode", "chip": "h200_sxm", "model": "llama3-8b", "format": "int4", "batch": 1, "context": 512}
    (refused,) = KINDS["gpu"].predict([asked])
    assert "one model alone" in refused.reason
    assert "(try a table of a serving stack, gemm_dtype = int4_wo" in refused.reason
