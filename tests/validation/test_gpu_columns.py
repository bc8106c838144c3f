"""Files of kind `gpu` whose columns are called otherwise, and models that a row describes itself."""

import csv
import json

import pytest

from sartor import validate
from sartor.validation import KINDS, gpu_fit, validation
from sartor.validation.gpu_rows import fittable

STEP = {"kind": "decode", "gpu": "NVIDIA H200", "model": "llama3-8b", "dt": "bf16", "b": 8, "ctx": 2048, "s": 5.6e-3,
        "J": 3.1, "W": 553.0}  # fmt: skip
SHAPES = {"layers": 32, "hidden": 4096, "ffn": 14336, "hq": 32, "hkv": 8, "d": 128, "vocab": 128256}


@pytest.fixture
def predicted(tmp_path):
    """What is predicted of rows, by quantity."""

    def of(*rows):
        path = tmp_path / "rows.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return [(pair.quantity, pair.predicted, pair.measured) for pair in validation("gpu", [path]).pairs]

    return of


def called(**names):
    return {names.get(at, at): value for at, value in STEP.items()}


@pytest.mark.parametrize(
    "row",
    [called(gpu="gpu_name", model="model_id", dt="dtype", b="batch_size", ctx="context_len", s="time_s", J="energy_j"),
     called(gpu="device", model="model_path", dt="precision", b="batch", ctx="seq_len", W="watts"),
     {**called(s="ms", J="mJ"), "ms": 5.6, "mJ": 3100.0}, {**called(s="latency_us"), "latency_us": 5600.0},
     {**STEP, "kind": " Decode", "device": "cuda:0", "format": "packed", "seq": 7}, {**STEP, "b": "8", "ctx": 2048.0}],
)  # fmt: skip
def test_a_column_may_be_called_otherwise(predicted, row):
    assert predicted(row) == [pytest.approx(one) for one in predicted(STEP)]


@pytest.mark.parametrize(
    ("said", "form"),
    [({"dtype": "bfloat16", "precision": "fp8"}, "fp8"), ({"dtype": "bfloat16", "weights": "fp8"}, "fp8"),
     ({"dtype": "bfloat16", "quantization": "fp8"}, "fp8"), ({"dtype": "bfloat16", "quantization": "none"}, "bf16"),
     ({"dtype": "bfloat16", "quantization": None}, "bf16")],
)  # fmt: skip
def test_what_is_computed_in_is_no_format_of_weights(predicted, said, form):
    row = {at: value for at, value in STEP.items() if at != "dt"}
    assert predicted({**row, **said}) == predicted({**row, "dt": form}) != []


def test_a_column_of_failures_fails_only_rows_that_have_one(tmp_path):
    path = tmp_path / "rows.csv"
    with path.open("w", newline="") as file:
        out = csv.DictWriter(file, [*STEP, "err"])
        out.writeheader()
        out.writerows([STEP, {**STEP, "s": "", "err": "out of memory"}])
    coverage = validate("gpu", path)["coverage"]
    assert coverage["predicted"] == 1 and coverage["excluded"][0]["reason"] == "decode: measuring failed"


def test_a_model_that_we_do_not_know_is_what_its_row_says(predicted):
    assert predicted({**STEP, "model": "mine-8b", **SHAPES}) == predicted(STEP)
    # Half of the layers take half of the time, but for the head.
    one, half = (predicted({**STEP, "model": "mine", **SHAPES, "layers": n})[0][1] for n in (32, 16))
    assert 0.5 < half / one < 0.6


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"model": "mine"}, "model 'mine' is not known"),
     ({"model": "mine", **SHAPES, "vocab": ""}, "model 'mine' is not known, and vocab not said"),
     ({"layers": 16}, "model 'llama3-8b' has another layers than llama-3.1-8b (try all of layers, hidden,"),
     ({"model": "mine", **SHAPES, "hkv": 5}, "model 'mine': GroupedAttention: kv_heads = 5 does not divide heads =")],
)  # fmt: skip
def test_shapes_that_are_of_no_model_are_refused(tmp_path, change, reason):
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in (STEP, {**STEP, **change})))
    (refused,) = validate("gpu", path)["coverage"]["refused"]
    assert refused["reason"].startswith(reason) and refused["n"] == 1


def test_what_is_remembered_of_a_fit_are_the_errors_themselves():
    rows = [row for row in fittable() if row.inputs["form"] == "attn_decode"][:30]
    (some, *_) = gpu_fit._together(rows)
    values = {"attention_overhead": 3e-6, "tile_wave": 1e-6}
    at = gpu_fit._errors_at(some, "hopper", values)
    for change in ({}, {"tile_wave": 2e-6}, {"attention_overhead": 9e-6}, {}):
        now = {**values, **change}
        assert (at(now) == gpu_fit._errors(some, gpu_fit.technology("hopper", now))).all()
    assert (at(values) != at({**values, "attention_overhead": 9e-6})).any()
    assert KINDS["gpu"].labels(rows[0].inputs)["chip"] == "h100-sxm"
