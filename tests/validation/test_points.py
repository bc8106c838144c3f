"""Measured points of services: the closed form by hand, what is refused, and the errors on record."""

import functools
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sartor import estimate, validate
from sartor.errors import BrokenFile
from sartor.tables import table
from sartor.tech.technology import NOMINAL
from sartor.validation import validation
from sartor.validation.kind import Row
from sartor.validation.points_alike import architecture_of, chip_of, once, shape_of
from sartor.validation.points_fit import FITTED_CHIPS, fit, pairs, points_on
from sartor.validation.points_predict import STACKS, Parts, parts, predict, times
from sartor.validation.points_split import BY_MODEL, SPLITS, Split, folds, left_out, splits
from sartor.validation.record import band, by_quantity, grown

FILE = Path(__file__).parents[2] / ".." / "shared" / "data" / "measured" / "gpu_serving_points.csv"
needs_file = pytest.mark.skipif(not FILE.is_file(), reason=f"no measured points at {FILE.name} in ../shared")
HEAD = "system,model_path,precision,backend,mode,isl,osl,batch_size,tp_size,pp_size,attention_dp_size,"
HEAD += "silicon_ttft_ms,silicon_tpot_ms"
ROW = "h100_sxm,meta-llama/Llama-3.1-70B,fp8,vllm,agg,1024,1024,16,4,1,1,130,12"

INPUTS = {"chip": "h100_sxm", "model": "meta-llama/Llama-3.1-70B", "format": "fp8", "stack": "vllm"}


@pytest.fixture
def file(tmp_path):
    def write(*rows):
        path = tmp_path / "points.csv"
        path.write_text("\n".join((HEAD, *rows)) + "\n")
        return path

    return write


def test_the_closed_form_by_hand():
    # 10 ms a step, 101 requests, 1000 tokens each: 100 prefills of 20 ms in 1000 steps, 2 ms a step.
    tpot, ttft = times(Parts(10e-3, 0.0, 20e-3, 20e-3, 101, 101, 1000), "vllm", NOMINAL)
    f = {name: table("serving_stacks").fact("vllm", name).value for name in table("serving_stacks").quantities}
    assert tpot == pytest.approx(f["factor"] * (10e-3 + f["prefill_share"] * 2e-3) + f["step_start"])
    assert ttft == pytest.approx(
        f["first_start"] + f["steps_waited"] * 10e-3 + 20e-3 * (f["prefills"] + 101 * f["queue"])
    )


def test_who_finds_no_room_waits():
    # 100 requests of which the memory holds 50: each waits until one of those ends.
    some = Parts(10e-3, 4e-3, 20e-3, 20e-3, 50, 50, 1000)
    tpot, ttft = times(some, "trtllm", NOMINAL)
    all_tpot, all_ttft = times(replace(some, at_once=100), "trtllm", NOMINAL)
    assert all_tpot == tpot and all_ttft == pytest.approx(ttft + 1000 * tpot + ttft)


def test_the_room_of_a_memory():
    # Two H100 of 0.92 x 80 GB each have 36 GB of the 71 GB of weights, and half of 8192 + 512 tokens of 164 kB a
    # request: 52. TensorRT-LLM keeps room for all 8192 + 1024: fewer. On eight, 64 find room.
    asked = {"prompt": 8192, "output": 1024, "at_once": 64, "chips": 2, "copies": 1, **INPUTS}
    room = (0.92 * 80e9 - 72e9 / 2) / ((8192 + 512) * 163_840 / 2)
    assert parts([asked]).running[0] == pytest.approx(room, rel=0.03)
    assert parts([asked | {"stack": "trtllm"}]).running[0] == pytest.approx(room * 8704 / 9216, rel=0.03)
    assert parts([asked | {"chips": 8}]).running[0] == 64


def test_a_measurement_is_fitted_to_once():
    asked = {**INPUTS, "chips": 2, "copies": None, "at_once": 8}
    rows = [Row(f"line {i}", asked, {"tpot": 0.01 if i else 0.02, "ttft": 1.0}, {}) for i in range(3)]
    assert [row.where for row in once(rows)] == ["line 0", "line 1"]


def test_joules_a_token_by_hand():
    # Sixteen requests of 512 + 512 tokens on one H100: a step's joules and 140.7 W of idle power while it lasts over
    # 16, and those of a prompt that fills a pass of 8192 tokens with fifteen others, over 512.
    asked = {**INPUTS, "model": "llama-3.1-8b", "format": "bf16", "prompt": 512, "output": 512, "at_once": 16,
             "chips": 1, "copies": 1}  # fmt: skip
    (found,) = predict([asked])
    step = estimate("h100-sxm", "llama-3.1-8b", "decode", 16, 768)
    prompts = estimate("h100-sxm", "llama-3.1-8b", "prefill", 16, 512)
    dynamic = [one["energy_j"] - one["breakdown"]["energy_j"]["static"] for one in (step, prompts)]
    assert found["energy"] == pytest.approx((dynamic[0] + 140.7 * found["tpot"]) / 16 + dynamic[1] / 16 / 512, rel=0.02)


def test_copies_spend_for_all_that_they_hold():
    # Eight copies of attention on eight chips: each reads what is no expert's for its own two requests.
    asked = {**INPUTS, "model": "qwen3-30b-a3b", "prompt": 512, "output": 512, "at_once": 16, "chips": 8}
    together, apart = (parts([{**asked, "copies": copies}]).step_j[0] for copies in (1, 8))
    assert apart > 1.2 * together


def test_lengths_that_vary_are_said_by_what_a_request_holds():
    asked = {**INPUTS, "prompt": 1024, "output": 1024, "at_once": 16, "chips": 4, "copies": 1}
    plain, same, longer = predict([asked, {**asked, "held": "1536"}, {**asked, "held": "3000.5"}])
    assert plain == same and longer["tpot"] > plain["tpot"] and longer["energy"] > plain["energy"]


def test_drawing_a_token_by_top_p_by_hand():
    # 64 times 128,256 scores of 216 bytes: 1.77 GB at 0.84 of 3.35 TB/s, and 105 pJ a byte.
    asked = {**INPUTS, "format": "bf16", "prompt": 1024, "output": 1024, "at_once": 64, "chips": 4, "copies": 1}
    plain, greedy, drawn, punished = (
        parts([{**asked, "sampling": how}]) for how in (None, "greedy", "Top_P", "penalties")
    )
    assert plain.step == greedy.step
    assert drawn.step - plain.step == pytest.approx(1.773e9 / (0.8405 * 3.35e12), rel=1e-3)
    assert drawn.step_j - plain.step_j == pytest.approx(1.773e9 * 104.8e-12, rel=1e-3)
    assert punished.step - plain.step == pytest.approx((drawn.step - plain.step) * 352 / 216)


def test_a_cache_is_in_what_a_row_says():
    asked = {**INPUTS, "prompt": 4096, "output": 1024, "at_once": 64, "chips": 4, "copies": 1}
    narrow, same, wide = (parts([{**asked, "cache": said}]) for said in (None, "fp8", "bf16"))
    assert narrow.step == same.step < wide.step


def test_joules_are_judged_beside_the_times(file):
    head, row = f"{HEAD},context,J_per_token", f"{ROW},1536"
    path = file()
    path.write_text(f"{head}\n{row},2.0\n{row},2000\n")
    found = validate("serving", path)
    assert found["by"]["point energy"]["n"] == 1 and found["by"]["point energy"]["worst_ape"] < 0.6
    (why,) = found["coverage"]["excluded"]
    assert "energy is a thousand times what is predicted: its unit is wrong" in why["reason"]


def test_a_point(file):
    found = validate("serving", file(ROW))
    assert set(found["by"]) >= {"point tpot", "point ttft", "point h100-sxm tpot"}
    assert found["by"]["point tpot"]["n"] == 1 and found["by"]["point tpot"]["worst_ape"] < 0.3


@pytest.mark.parametrize(
    ("more", "reason"),
    [("beam", "sampling 'beam' is none of greedy, top-p, penalties"), ("fp7", "a cache in 'fp7' is not known")],
)
def test_what_is_said_of_sampling_and_cache_must_be_known(file, more, reason):
    column = "sampling" if "sampling" in reason else "kv_cache_dtype"
    path = file()
    path.write_text(f"{HEAD},{column}\n{ROW},\n{ROW},{more}\n")
    (why,) = validate("serving", path)["coverage"]["refused"]
    assert reason in why["reason"] and why["n"] == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("h100_sxm", "h900"), "chip 'h900' is not known"),
        (("meta-llama/Llama-3.1-70B", "someone/Model"), "model 'someone/Model' is not known"),
        (("vllm", "tgi"), "serving stack 'tgi' was not measured"),
        ((",4,1,1,", ",16,1,1,"), "more than one node"),
        ((",fp8,", ",w3a5,"), "format 'w3a5' is not known"),
        ((",agg,", ",static,"), "mode 'static' is not known (agg, disagg)"),
        (("1024,16,", "200000,16,"), "prompt and output are longer than llama-3.1-70b holds"),
        ((",16,4,", ",1000000,4,"), "more requests at once than any service takes"),
        ((",4,1,1,", ",4,2,1,"), "pipeline stages: not modeled"),
        ((",4,1,1,", ",4,1,3,"), "more than one node"),
    ],
)
def test_what_is_refused(file, change, reason):
    coverage = validate("serving", file(ROW, ROW.replace(*change)))["coverage"]
    assert [r["reason"] for r in coverage["refused"]] == [reason]


def test_one_of_both_times_is_enough(file):
    by = validate("serving", file(ROW, ROW.replace(",130,12", ",,12"), ROW.replace(",130,12", ",130,")))["by"]
    assert by["point tpot"]["n"] == by["point ttft"]["n"] == 2


def test_stacks_and_modes_are_known_as_they_spell_themselves(file):
    stacks = [ROW.replace("vllm", name) for name in ("vLLM", "TensorRT-LLM", "SGLang")]
    found = validate("serving", file(ROW, ROW.replace(",agg,", ",Aggregated,"), *stacks))
    assert not found["coverage"]["refused"] and found["by"]["point trtllm tpot"]["n"] == 1


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


def test_other_names_orders_and_units_of_columns_change_nothing(file, tmp_path):
    plain = predicted(file(ROW))
    close = {quantity: pytest.approx(both) for quantity, both in plain.items()}
    assert set(plain) == {"tpot", "ttft"} and plain["tpot"][1] == 0.012 and plain["ttft"][1] == 0.13
    assert predicted(said(tmp_path)) == close
    assert predicted(said(tmp_path, ["quantization"], model="RedHatAI/Llama-3.1-70B-Instruct-FP8")) == close
    assert predicted(said(tmp_path, ["quantization"], dtype="fp8")) == close
    # What is computed in says nothing of the weights where it is wide.
    assert predicted(said(tmp_path, ["quantization"], model="Llama-3.1-70B-FP8", dtype="bfloat16")) == close
    # Requests of all copies: four on a chip each have four.
    copies = file(ROW.replace(",16,4,1,1,", ",4,1,1,4,").replace("fp8", "fp4"))
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


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(["llama-3.1-70b", "deepseek-r1", "gpt-oss-120b", "qwen3.5-397b-a17b"]), st.sampled_from(STACKS),
    st.sampled_from([128, 1024, 8192]), st.sampled_from([128, 1024, 8192]), st.integers(1, 512), st.integers(1, 512),
)  # fmt: skip
def test_more_requests_never_hasten_a_token_and_a_limit_makes_them_wait(model, stack, prompt, output, n, m):
    asked = {"chip": "h200_sxm", "model": model, "format": "fp8", "stack": stack, "chips": 8, "copies": 1,
             "prompt": prompt, "output": output}  # fmt: skip
    rows = [{**asked, "at_once": n}, {**asked, "at_once": n + m}, {**asked, "at_once": n + m, "most": n}]
    (few, many, limited), first = times(parts(rows), stack, NOMINAL)
    near = 1 - 0.02  # tiles of matrices are filled better by some numbers than by less
    assert many >= near * few and first[1] >= near * first[0]
    assert limited == pytest.approx(few) and first[2] >= first[0]


def test_copies_of_attention_hold_a_share_of_the_requests_each():
    # Four copies of DeepSeek-R1 on four B200s, 64 requests: a copy reads the cache of 16, in a latent that chips cannot
    # share, where without copies every chip reads that of all 64; scores are as many: 16 x 128 heads or 64 x 32. What
    # 8192 tokens more of context take lies between a quarter and all of it.
    asked = {"chip": "b200_sxm", "model": "deepseek-ai/DeepSeek-R1", "format": "fp4", "stack": "trtllm", "chips": 4,
             "at_once": 64, "output": 1024}  # fmt: skip
    one, four = (
        [parts([asked | {"prompt": prompt, "copies": copies}]).step[0] for prompt in (1024, 9216)] for copies in (1, 4)
    )
    assert 0.25 < (four[1] - four[0]) / (one[1] - one[0]) < 0.7
    # Experts serve all requests, whatever the copies: a single one is what it was.
    alone = {copies: parts([asked | {"prompt": 1024, "copies": copies, "at_once": 4}]) for copies in (1, 4)}
    assert alone[1].turn == alone[1].prefill and alone[4].turn < alone[4].prefill


def test_copies_hold_all_but_the_experts():
    # Mixtral-8x7B in FP8 on two H100: 45.1 GB of experts and 1.6 GB of the rest, which two copies hold twice; each of
    # 4096 + 512 tokens keeps 65,536 bytes in FP8 on a copy's chip, all of them.
    asked = {"chip": "h100_sxm", "model": "mixtral-8x7b", "format": "fp8", "stack": "vllm", "chips": 2, "copies": 2,
             "prompt": 4096, "output": 1024, "at_once": 4096}  # fmt: skip
    room = 2 * (0.92 * 80e9 - (45.1e9 + 2 * 1.7e9) / 2) / ((4096 + 512) * 65_536)
    assert parts([asked]).running[0] == pytest.approx(room, rel=0.02)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        # 70 GB over 4 x 3.35 TB/s: 5.2 ms at least.
        ((",12", ",5"), "faster than the DRAM's peak"),
        # 64 prompts of 18 ms at the least (below) take 1.2 s; with 128 tokens of 6 ms after 130 all were done in 0.9.
        ((",1024,16,4,1,1,130,12", ",128,64,4,1,1,130,6"), "more prompts a second than the peak of the arithmetic"),
        # 1024 tokens of 140 Gop over 4 x 1979 Tops: 18 ms at least. Microseconds for milliseconds.
        ((",130,12", ",13,12"), "a first token faster than the peak of the arithmetic"),
        ((",130,12", ",130000,12000"), "hundreds of times slower than the chip"),
        ((",4,1,1,", ",4,1,two,"), "attention_dp_size is not a number"),
        ((",4,1,1,", ",4,1,-3,"), "attention_dp_size is below 0"),
        ((",130,12", ",12,130"), "the columns of TTFT and TPOT are exchanged"),
        ((",130,12", ",,"), "neither silicon_tpot_ms nor silicon_ttft_ms"),
    ],
)
def test_what_is_excluded(file, change, reason):
    coverage = validate("serving", file(ROW, ROW.replace(*change)))["coverage"]
    (why,) = coverage["excluded"]
    assert reason in why["reason"] and why["n"] == 1


def test_experts_on_more_chips_than_there_are_are_excluded(tmp_path):
    """Four chips in one copy: experts on four of them are possible, on eight they are not."""
    path = tmp_path / "points.csv"
    rows = (f"{ROW},{ranks}".replace("meta-llama/Llama-3.1-70B", "mixtral-8x7b") for ranks in (4, 8))
    path.write_text("\n".join((f"{HEAD},moe_ep_size", *rows)) + "\n")
    (why,) = validate("serving", path)["coverage"]["excluded"]
    assert why["reason"] == "moe_ep_size: experts on more chips than there are" and why["n"] == 1


def row_of(model, stack="vllm", chip="h100_sxm", where=""):
    asked = {**INPUTS, "form": "point", "model": model, "stack": stack, "chip": chip}
    return Row(where, asked, {"tpot": 0.01, "ttft": 1.0}, {})


def test_models_of_one_shape_are_left_out_together():
    # Three names of two shapes: nothing that tells a model's time may be fitted to it under another name.
    names = ("deepseek-ai/DeepSeek-R1", "deepseek-ai/DeepSeek-V3", "moonshotai/Kimi-K2.5")
    rows = [row_of(name, where=str(i)) for i, name in enumerate(names)]
    found = {tuple(r.where for r in mine): [r.where for r in others] for mine, others, _ in folds(rows, rows, BY_MODEL)}
    assert found == {("0", "1"): ["2"], ("2",): ["0", "1"]}
    assert shape_of(row_of("meta-llama/Llama-3.3-70B-Instruct")) == shape_of(row_of("meta-llama/Llama-3.1-70B"))


def test_architectures_are_what_layers_are_made_of():
    same = [("llama-3.1-8b", "llama-3.1-70b"), ("deepseek-r1", "kimi-k2"), ("deepseek-r1", "glm-5"),
            ("minimax-m2.5", "qwen3-235b-a22b")]  # fmt: skip
    assert all(architecture_of(row_of(a)) == architecture_of(row_of(b)) for a, b in same)
    apart = ("llama-3.1-8b", "deepseek-r1", "minimax-m2.5", "gpt-oss-120b", "qwen3.5-397b-a17b")
    assert len({architecture_of(row_of(name)) for name in apart}) == len(apart)


def test_a_stack_that_is_left_out_has_the_others_figures():
    rows = [row_of("llama-3.1-8b", stack, chip) for stack in ("vllm", "trtllm") for chip in ("h100_sxm", "b200_sxm")]
    by_stack, by_chip = ([(s, {(r.inputs["stack"], r.inputs["chip"]) for r in others}) for _, others, s in
                          folds(rows, rows, split)] for split in SPLITS[2:])  # fmt: skip
    assert by_stack == [("trtllm", {("vllm", "h100_sxm"), ("vllm", "b200_sxm")}),
                        ("vllm", {("trtllm", "h100_sxm"), ("trtllm", "b200_sxm")})]  # fmt: skip
    assert ("vllm", {("vllm", "h100_sxm")}) in by_chip and all(len(told) == 1 for _, told in by_chip)
    # Of whom nobody else is there, nothing can be said.
    assert list(folds(rows[:1], rows[:1], Split("", shape_of))) == []


@functools.cache
def points():
    return points_on(FILE, ())


@functools.cache
def known():
    return [row for row in points() if chip_of(row) in FITTED_CHIPS]


@functools.cache
def unseen():
    return [row for row in points() if chip_of(row) not in FITTED_CHIPS]


@functools.cache
def held():
    return left_out(known())


@needs_file
@pytest.mark.slow
def test_no_error_of_points_has_grown():
    assert grown(by_quantity("serving", "fitted", pairs(known()))) == []
    assert grown(by_quantity("serving", "unseen", pairs(unseen()))) == []
    assert grown(by_quantity("serving", "held_out", held())) == []


@needs_file
@pytest.mark.long
def test_no_error_of_any_split_has_grown():
    assert grown(splits(known(), unseen())) == []


@needs_file
@pytest.mark.slow
def test_the_figures_are_what_the_fit_gives():
    found = fit([row for row in known() if row.inputs["stack"] == "vllm"], "vllm")
    assert {name: table("serving_stacks").fact("vllm", name).value for name in found} == pytest.approx(found, rel=0.01)


@needs_file
@pytest.mark.slow
def test_points_of_models_left_out_and_of_gpus_never_fitted_are_as_near_as_they_have_to_be():
    for found in (held(), pairs(unseen())):
        apes = {q: np.median([p.ape for p in found if p.quantity == q]) for q in ("tpot", "ttft")}
        assert apes["tpot"] <= 0.12 and apes["ttft"] <= 0.30


@needs_file
@pytest.mark.long
def test_all_points_together():
    found = validation("serving", [FILE])
    apes = {q: [p.ape for p in found.pairs if p.quantity == q] for q in ("tpot", "ttft")}
    assert np.median(apes["tpot"]) <= 0.12 and np.median(apes["ttft"]) <= 0.30
    coverage = found.facts()["coverage"]
    assert sum(row["n"] for row in coverage["refused"]) == 591 and coverage["excluded_n"] == 3


def inside(pairs):
    """The share of `pairs` that lie within the band of the other models' errors."""
    found = []
    for model in {p.labels["model"] for p in pairs}:
        wide = band([p for p in pairs if p.labels["model"] != model])
        found += [abs(np.log(p.measured / p.predicted)) <= wide for p in pairs if p.labels["model"] == model]
    return np.mean(found)


@needs_file
@pytest.mark.slow
@pytest.mark.parametrize("quantity", ["tpot", "ttft"])
def test_a_stated_band_holds_four_in_five_of_models_it_was_not_made_from(quantity):
    assert 0.75 <= inside([p for p in held() if p.quantity == quantity]) <= 0.85


@needs_file
@pytest.mark.slow
@pytest.mark.parametrize("quantity", ["tpot", "ttft"])
def test_a_stated_band_holds_four_in_five_on_gpus_that_were_never_fitted(quantity):
    found = [p for p in pairs(unseen()) if p.quantity == quantity]
    assert len(found) > 500 and 0.75 <= inside(found) <= 0.85
