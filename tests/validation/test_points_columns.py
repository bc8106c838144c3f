"""Serving points under other names and units of their columns."""

import json
import re

import pytest
from serving_points import ROW, table_of

from sartor import validate
from sartor.errors import BrokenFile
from sartor.validation import validation

# ROW in other words: other orders, names and units of the same columns.
SAID = {"gpu": "H100_SXM", "model": "meta-llama/Llama-3.1-70B", "framework": "vLLM", "quantization": "fp8",
        "input_len": 1024, "output_len": 1024, "max_concurrency": 16, "tensor_parallel_size": 4, "tpot_us": 12000,
        "mean_ttft_s": 0.13}  # fmt: skip


def predicted(path):
    return {p.quantity: (p.predicted, p.measured) for p in validation("serving", [path]).pairs}


def said(tmp_path, without=(), name="other.jsonl", **more):
    path = tmp_path / name
    path.write_text(json.dumps({k: v for k, v in (SAID | more).items() if k not in without}) + "\n")
    return path


def test_other_names_orders_and_units_of_columns_change_nothing(tmp_path):
    plain = predicted(table_of(tmp_path, ROW))
    close = {quantity: pytest.approx(both) for quantity, both in plain.items()}
    assert set(plain) == {"tpot", "ttft"} and plain["tpot"][1] == 0.012 and plain["ttft"][1] == 0.13
    assert predicted(said(tmp_path)) == close
    assert predicted(said(tmp_path, ["quantization"], model="RedHatAI/Llama-3.1-70B-Instruct-FP8")) == close
    assert predicted(said(tmp_path, ["quantization"], dtype="fp8")) == close
    # What is computed in says nothing of the weights where it is wide.
    assert predicted(said(tmp_path, ["quantization"], model="Llama-3.1-70B-FP8", dtype="bfloat16")) == close
    # Requests of all copies: four on a chip each have four.
    copies = table_of(tmp_path, ROW.replace(",16,4,1,1,", ",4,1,1,4,").replace("fp8", "fp4"))
    assert predicted(said(tmp_path, quantization="nvfp4", tensor_parallel_size=1, dp=4)) == predicted(copies)


def test_published_weights_are_what_a_row_without_a_format_has(tmp_path):
    model = {"model": "deepseek-ai/DeepSeek-R1", "tp": 8, "gpu": "b200_sxm", "dtype": "bfloat16"}
    without = ("quantization", "tensor_parallel_size")
    own, fp8, fp4 = (predicted(said(tmp_path, without, **model, **more)) for more in
                     ({}, {"precision": "fp8"}, {"precision": "fp4"}))  # fmt: skip
    assert own == fp8 != fp4


@pytest.mark.parametrize(
    ("without", "more", "reason"),
    [
        (["tpot_us", "mean_ttft_s"], {"tpot": 12}, "'tpot' says no unit, is not known (try 'tpot_ms'"),
        (["tpot_us", "mean_ttft_s"], {"median_tpot_ms": 12}, "'median_tpot_ms' is no mean"),
        (["tpot_us", "mean_ttft_s"], {"TPOT_ms": 12}, "'TPOT_ms' is not known (try 'tpot_ms'"),
        (["tpot_us", "mean_ttft_s"], {}, "no column 'silicon_tpot_ms': not a form of kind serving"),
        ([], {"tpot_ms": 13}, "columns tpot_ms and tpot_us do not agree"),
        ([], {"tp": 8}, "columns tensor_parallel_size and tp do not agree"),
        (["tensor_parallel_size"], {}, "no column 'tp_size'"),
        (["max_concurrency"], {}, "no column 'batch_size' (requests at once of each copy; or 'concurrency', of all)"),
        ([], {"batch": 8}, "batch_size (of each copy) and concurrency (of all) do not agree"),
    ],
)
def test_columns_that_cannot_be_read_are_named(tmp_path, without, more, reason):
    with pytest.raises(BrokenFile, match=re.escape(reason)):
        validate("serving", said(tmp_path, without, **more))


def test_a_name_and_a_column_that_say_two_formats_are_refused(tmp_path):
    (why,) = validate("serving", said(tmp_path, model="Llama-3.1-70B-FP8", quantization="bf16"))["coverage"]["refused"]
    assert why["reason"] == "format 'bf16' is not that of 'Llama-3.1-70B-FP8'"


def test_who_is_not_let_in_waits(tmp_path):
    # 64 requests at a service that was started for 16: four times 16 take turns, three wait for one that ends.
    free, full = (predicted(said(tmp_path, max_concurrency=n)) for n in (16, 64))
    few = predicted(said(tmp_path, max_concurrency=64, max_num_seqs=16, mean_ttft_s=30))
    assert few["tpot"] == free["tpot"] and predicted(said(tmp_path, max_concurrency=64, max_batch_size=64)) == full
    alone_s = 1024 * free["tpot"][0] + free["ttft"][0]
    assert few["ttft"][0] == pytest.approx(free["ttft"][0] + 3 * alone_s)
