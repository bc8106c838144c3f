"""The frame of validation: what it reads, what it leaves out and says so, and what a predictor may see."""

import json
import math

import pytest

from sartor import validate
from sartor.chip.presets import preset
from sartor.errors import BrokenFile, InputError
from sartor.families.gpu.machine import Machine
from sartor.validation import gpu, gpu_predict, validation
from sartor.validation.gpu_fit import technology
from sartor.validation.rows import split
from sartor.validation.summary import Pair, figures

GEMM = {"gpu": "NVIDIA_H100_80GB_HBM3", "kind": "gemm", "dt": "bf16", "M": 1, "K": 8192, "N": 8192, "s": 48.9e-6}
STEP = {"gpu": "h100_sxm", "kind": "decode", "model": "llama3-8b", "dt": "bf16", "b": 1, "ctx": 512, "s": 6.5e-3,
        "J": 2.9, "W": 440.0, "tok_s": 153.0}  # fmt: skip


@pytest.fixture
def file(tmp_path):
    def write(*rows, name="rows.jsonl"):
        path = tmp_path / name
        path.write_text("\n".join(r if isinstance(r, str) else json.dumps(r) for r in rows) + "\n")
        return path

    return write


def test_figures_by_hand():
    # 10 %, 20 % and 0 %: the middle is 10 %, nine tenths of the way from the first to the last is 18 %.
    pairs = [Pair(str(p), {}, "latency", p, 1.0) for p in (1.1, 0.8, 1.0)]
    found = figures(pairs)
    assert found["n"] == 3 and found["median_ape"] == pytest.approx(0.1)
    assert found["p90_ape"] == pytest.approx(0.18) and found["worst_at"] == "0.8"


def test_predicting_sees_inputs_only():
    row = split(gpu.MEASURED["decode"], "here", STEP)
    assert dict(row.inputs) == {"form": "decode", "chip": "h100_sxm", "model": "llama3-8b", "format": "bf16",
                                "batch": 1, "context": 512}  # fmt: skip
    assert row.measured == {"latency": 6.5e-3, "energy": 2.9}
    with pytest.raises(TypeError):
        row.inputs["latency"] = 0  # type: ignore[index]


def test_what_was_measured_changes_no_prediction(file):
    other = {**STEP, "s": 9e-3, "J": 3.9, "tok_s": 1.0}
    one, two = (validation("gpu", [file(row, name=f"{i}.jsonl")]).pairs for i, row in enumerate((STEP, other)))
    assert [p.predicted for p in one] == [p.predicted for p in two]
    assert [p.measured for p in one] != [p.measured for p in two]


def test_a_burst_from_idle_runs_before_the_limit_acts():
    # 8 x 10 ms into a reaction of 0.1 s the clock has fallen by 1 - exp(-0.75) = 0.528 of the way: 10 + 0.528 x 4 ms.
    tech = technology("hopper", {"limit_reaction": 0.1})
    machine = Machine(preset("h100-sxm"), tech)
    assert gpu_predict.burst_s(0.010, 0.014, machine, 0.075) == pytest.approx(0.010 + 0.004 * (1 - math.exp(-0.75)))
    # Long steps are limited throughout; a step that the limit does not touch takes as long as ever.
    assert gpu_predict.burst_s(10.0, 14.0, machine, 75.0) == pytest.approx(14.0)
    assert gpu_predict.burst_s(0.01, 0.01, machine, 0.075) == 0.01


def test_groups(file):
    by = validate("gpu", file(GEMM, STEP))["by"]
    assert {"gemm", "gemm h100-sxm bf16", "decode llama-3.1-8b", "decode h100-sxm energy"} <= set(by)
    assert by["decode"]["n"] == by["decode energy"]["n"] == by["gemm"]["n"] == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        # 134 MB in 30 us would be 4.5 TB/s.
        ({"s": 30e-6}, "faster than the DRAM's peak"),
        ({"M": 8192, "s": 900e-6}, "faster than the peak of the arithmetic"),
        ({"s": 48.9}, "hundreds of times slower than the chip"),
        ({"s": None}, "no column 's' (latency, s)"),
        ({"s": "fast"}, "s is not a number"),
        ({"s": -1.0}, "s is not above 0"),
        ({"K": None}, "no column 'K'"),
        ({"M": 1.5}, "M is not a whole number of at least 1"),
        ({"M": 10**20}, "M is more than 1e+12"),
        ({"J": 30.0, "W": 600.0}, "joules are not watts times seconds"),
        ({"J": 0.1}, "more power than the chip may draw"),
        ({"J": 0.02 / 3600}, "less power than the chip draws at rest"),
        ({"tp": 8}, "tp = 8: measured on several chips"),
        ({"n_gpus": "2"}, "n_gpus = 2: measured on several chips"),
        ({"err": "out of memory"}, "gemm: measuring failed"),
        ({"kind": "conv"}, "kind 'conv' is not one of"),
        ({"kind": None}, "not a form of kind gpu"),
        ({"kind": ["gemm"]}, "kind is no word, but ['gemm']"),
    ],
)
def test_what_cannot_be_is_named_and_counted(file, change, reason):
    found = validate("gpu", file(STEP, {**GEMM, **change}, {**GEMM, **change}))
    (why,) = found["coverage"]["excluded"]
    assert reason in why["reason"] and why["n"] == 2 and why["where"][0] == "rows.jsonl line 2"
    assert found["n"] == 1 and found["coverage"]["rows"] == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"gpu": "NVIDIA_H900"}, "chip 'NVIDIA_H900' is not known"),
        ({"dt": "fp3"}, "format 'fp3' is not known"),
    ],
)
def test_what_is_not_known_is_refused_by_name(file, change, reason):
    coverage = validate("gpu", file(STEP, {**GEMM, **change}))["coverage"]
    assert coverage["refused"] == [{"reason": reason, "n": 1, "where": ["rows.jsonl line 2"]}]
    assert coverage["share"] == 0.5


FEW = {**STEP, "b": 1, "J": None, "W": None}


@pytest.mark.parametrize(
    ("by", "words"),
    [(1e3, "a thousand times"), (1e-3, "a thousandth of"), (1e6, "a million times")],
)
def test_a_column_in_another_unit_is_named(file, by, words):
    small = {**FEW, "model": "smollm2-135m", "s": 1e-3}  # times 1,000 it may be so long
    rows = [{**row, "s": row["s"] * by} for row in (FEW, small, GEMM)]
    with pytest.raises(BrokenFile) as error:
        validate("gpu", file(*rows))
    assert f"latency is {words} what is predicted in 3 of 3 rows: its column is in another unit" in str(error.value)


def test_of_a_column_in_another_unit_what_is_right_beside_it_is_judged(file):
    rows = [{**STEP, "J": 2.9e3, "W": None}, {**STEP, "b": 8, "J": 3.6e3, "W": None}, GEMM, {**GEMM, "M": 16}, FEW]
    found = validate("gpu", file(*rows))
    assert found["coverage"]["wrong_units"] == [
        "rows.jsonl: energy is a thousand times what is predicted in 2 of 2 rows: its column is in another unit"
    ]
    assert found["coverage"]["excluded_n"] == 2 and found["coverage"]["rows"] == found["n"] == 3


def test_a_row_from_a_column_in_another_unit_is_not_judged_however_far_off_it_is(file):
    # 250 times what is predicted is too little for a thousand by itself, but not beside others that are.
    near = {**STEP, "b": 2, "s": 6.6e-3 * 250, "J": None, "W": None}
    rows = [{**STEP, "b": b, "s": 6.6, "J": None, "W": None} for b in (1, 4)]
    right = {**GEMM, "s": 49e-6}
    found = validate("gpu", file(*rows, near, {**rows[0], "b": 8}, right))
    assert len(found["coverage"]["wrong_units"]) == 1 and found["n"] == 1 and found["coverage"]["excluded_n"] == 4
    assert "latency is from a column that is in another unit" in [r["reason"] for r in found["coverage"]["excluded"]]
    assert validate("gpu", file(near, right))["n"] == 2


def test_a_row_in_another_unit_among_right_ones_is_counted_and_not_judged(file):
    # 1 s for a step of 135 million parameters: less than 300 times a kernel's 50 us each, but no step takes so long.
    small = {**FEW, "model": "smollm2-135m", "s": 1.1}
    found = validate("gpu", file(STEP, GEMM, FEW, small))
    (why,) = found["coverage"]["excluded"]
    assert why["reason"] == "latency is a thousand times what is predicted: its unit is wrong" and why["n"] == 1
    assert found["coverage"]["rows"] == found["n"] == 3 and found["coverage"]["wrong_units"] == []


def test_an_error_of_twenty_is_an_error(file):
    found = validate("gpu", file(STEP, {**FEW, "s": 6.5e-3 * 20}))
    assert found["n"] == 2 and found["worst_ape"] == pytest.approx(0.95, abs=0.01)


def test_a_line_cut_off_is_one_row_lost(file):
    found = validate("gpu", file(STEP, json.dumps(STEP)[:40]))
    assert found["n"] == 1 and found["coverage"]["excluded"][0]["reason"] == "not a JSON object (cut off?)"


@pytest.mark.parametrize(
    ("name", "rows", "message"),
    [
        ("a.jsonl", [], "a.jsonl: no row can be used: it is empty"),
        ("a.jsonl", [{"kind": "idle", "W": 120}], "a.jsonl: no row can be used: 1 x kind 'idle'"),
        ("a.txt", ["text"], "a.txt: files end in .jsonl, .json, .csv, .parquet, not '.txt'"),
        ("a.parquet", ["text"], "a.parquet: not a Parquet file"),
        ("a.jsonl", ["[" * 100_000], "a.jsonl: no row can be used: 1 x not a JSON object"),
        ("a.csv", ["gpu,kind", "h100_sxm"], "1 x not as many cells as the header has"),
    ],
)
def test_a_file_without_a_row_is_an_error(file, name, rows, message):
    with pytest.raises(BrokenFile) as error:
        validate("gpu", file(*rows, name=name))
    assert message in str(error.value)


def test_files_as_other_programs_write_them(tmp_path):
    # A byte-order mark, and rows as one array.
    marked, array = tmp_path / "marked.csv", tmp_path / "rows.json"
    marked.write_text(",".join(STEP) + "\n" + ",".join(str(v) for v in STEP.values()) + "\n", encoding="utf-8-sig")
    array.write_text(json.dumps([STEP, STEP, "x"]))
    assert validate("gpu", marked)["n"] == 1
    # Lines cut out of an array, an array under another name, one written over many lines, spaces around names.
    names_of = ("cut.jsonl", "array.jsonl", "spread.jsonl", "SPACED.CSV")
    cut, lines, spread, spaced = (tmp_path / name for name in names_of)
    cut.write_text("".join(json.dumps(STEP) + ",\n" for _ in range(2)))
    lines.write_text("[\n" + ",\n".join(json.dumps(STEP) for _ in range(2)) + "\n]\n")
    spread.write_text(json.dumps([STEP, STEP], indent=2))
    values = ",".join(str(v) for v in STEP.values())
    spaced.write_text(", ".join(STEP) + f"\r\n{values}\r\n{values}\r\n")
    for path in (cut, lines, spread, spaced):
        found = validate("gpu", path)
        assert found["n"] == 2 and not found["coverage"]["excluded"], path.name
    found = validate("gpu", array)
    assert found["n"] == 2 and found["coverage"]["excluded"][0]["where"] == ["rows.json row 3"]


CALL = {"framework": "VLLM", "device": "NVIDIA H200", "op_name": "generation_attention", "batch_size": 16, "isl": 1,
        "num_heads": 32, "num_key_value_heads": 8, "head_dim": 128, "attn_dtype": "bfloat16",
        "kv_cache_dtype": "bfloat16", "step": 8191, "window_size": 0, "latency": 0.130}  # fmt: skip
PROMPT = {**CALL, "op_name": "context_attention", "isl": 8192, "step": 0, "batch_size": 1, "latency": 1.05}
MATRIX = {"device": "NVIDIA H200", "op_name": "gemm", "gemm_dtype": "bfloat16", "m": 1, "n": 8192, "k": 8192,
          "latency": 0.035}  # fmt: skip


def test_operators_of_serving_stacks_are_read_as_they_are(file):
    found = validate("gpu", file(CALL, PROMPT, MATRIX))
    assert set(found["by"]) >= {"attn_decode h200-sxm", "attn_prefill h200-sxm", "gemm h200-sxm bf16"}
    assert found["n"] == 3 and found["worst_ape"] < 0.5 and found["rows"] == {"held_out": 0, "other": 3}
    # `step` are tokens in the cache, `isl` those of a prompt: as our own rows say it.
    same = {"kind": "attn_decode", "gpu": "h200-sxm", "b": 16, "ctx": 8191, "hq": 32, "hkv": 8, "d": 128, "s": 0.13e-3}
    (ours,) = validation("gpu", [file(same, name="ours.jsonl")]).pairs
    (theirs,) = validation("gpu", [file(CALL)]).pairs
    assert theirs.predicted != ours.predicted == pytest.approx(theirs.predicted, rel=0.15)  # of other kernels
    assert ours.measured == pytest.approx(theirs.measured)


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"kv_cache_dtype": "fp8"}, "attention with cache in fp8: it is estimated in bf16 alone"),
     ({"attn_dtype": "fp8"}, "attention with arithmetic in fp8: it is estimated in bf16 alone"),
     ({"window_size": 128}, "attention with a window: kernels of it were not measured")],
)  # fmt: skip
def test_attention_that_is_not_estimated_is_refused(file, change, reason):
    coverage = validate("gpu", file(MATRIX, {**CALL, **change}))["coverage"]
    assert coverage["refused"] == [{"reason": reason, "n": 1, "where": ["rows.jsonl line 2"]}]


def test_an_operator_of_no_form_is_named(file):
    (why,) = validate("gpu", file(MATRIX, {**MATRIX, "op_name": "moe"}))["coverage"]["excluded"]
    assert why["reason"] == "op_name 'moe' is not one of gemm, context_attention, generation_attention"


@pytest.mark.parametrize("mark", [";", "\t"])
def test_other_marks_between_columns_are_named(tmp_path, mark):
    path = tmp_path / "rows.csv"
    path.write_text(mark.join(GEMM) + "\n" + mark.join(map(str, GEMM.values())) + "\n")
    with pytest.raises(BrokenFile, match=r"rows.csv: columns are parted by '.*' \(try commas, and points in numbers\)"):
        validate("gpu", path)


def test_a_column_that_is_there_twice_is_refused(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text(",".join((*STEP, "s")) + "\n" + ",".join(str(v) for v in (*STEP.values(), 9)) + "\n")
    with pytest.raises(BrokenFile, match=r"rows.csv: column 's' is there twice"):
        validate("gpu", path)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        validate("gpu", tmp_path / "none.jsonl")
    with pytest.raises(InputError, match="a folder"):
        validate("gpu", tmp_path)
    with pytest.raises(InputError, match="unknown kind of validation 'gpus': did you mean 'gpu'"):
        validate("gpus")


def test_csv_is_read_as_json_lines_are(file):
    columns = [c for c in STEP]
    text = ",".join(columns), ",".join(str(STEP[c]) for c in columns)
    (one,), (two,) = (
        [p.predicted for p in validation("gpu", [path]).pairs if p.quantity == "latency"]
        for path in (file(STEP), file(*text, name="rows.csv"))
    )
    assert one == two
