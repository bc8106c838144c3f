"""Measured points of services: the closed form by hand, what is refused, what no measurement can be."""

import functools
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from serving_points import HEAD, INPUTS, ROW, table_of

from sartor import estimate, validate
from sartor.errors import BrokenFile
from sartor.tables import table
from sartor.tech.technology import NOMINAL
from sartor.validation.kind import Row
from sartor.validation.points_alike import once
from sartor.validation.points_predict import STACKS, Parts, parts, predict, times


@pytest.fixture
def file(tmp_path):
    return functools.partial(table_of, tmp_path)


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


def test_weights_of_eight_bits_alone_are_unpacked():
    # W8A16 reads what W8A8 does, and multiplies in 16 bits at 0.65 of 989 Tops, where integers reach half of 1979: of a
    # prompt of 8192 tokens, 290 Tops a chip besides attention, 0.45 s and not 0.29.
    asked = {**INPUTS, "prompt": 8192, "output": 1024, "at_once": 1, "chips": 4, "copies": 1}
    gptq = "Llama-3.1-70B-GPTQ-Int8"
    both, alone, named, also = (
        parts([{**asked, "format": form, "model": model}])
        for form, model in (("w8a8", "llama-3.1-70b"), ("w8a16", "llama-3.1-70b"), (None, gptq), ("int8", gptq))
    )
    assert alone.prefill - both.prefill == pytest.approx(0.16, rel=0.2)
    assert alone.step == pytest.approx(both.step, rel=0.15)
    assert named.prefill == also.prefill == alone.prefill


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
        ((",4,1,1,", ",16,1,1,"), "more than one node"),
        ((",fp8,", ",w3a5,"), "format 'w3a5' is not known"),
        ((",agg,", ",static,"), "mode 'static' is not known (agg, disagg)"),
        (("1024,16,", "600000,16,"), "prompt and output are longer than llama-3.1-70b holds"),
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


def test_a_stack_that_was_not_measured_has_the_figures_of_all(file):
    tgi, plain = ROW.replace("vllm", "TGI 3.0"), ROW.replace("vllm", "")
    found = validate("serving", file(tgi, plain))
    assert not found["coverage"]["refused"] and found["by"]["point other tpot"]["n"] == 2
    asked = {**INPUTS, "prompt": 1024, "output": 1024, "at_once": 16, "chips": 4, "copies": 1}
    tpots = {stack: predict([asked | {"stack": stack}])[0]["tpot"] for stack in (*STACKS, "other")}
    assert min(tpots[stack] for stack in STACKS) < tpots["other"] < max(tpots[stack] for stack in STACKS)


def test_a_rack_links_more_chips_than_a_node(file):
    # Sixteen copies of attention, each on a chip of its own, of 64 requests each.
    row = "gb200,deepseek-ai/DeepSeek-R1,fp4,trtllm,agg,1024,1024,64,1,1,16,900,25"
    assert validate("serving", file(row))["coverage"]["predicted"] == 1
    coverage = validate("serving", file(row.replace("gb200", "b200_sxm")))["coverage"]
    assert coverage["refused"][0]["reason"] == "more than one node"


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


def test_a_queue_is_no_wrong_unit(file):
    # 512 requests of 8192 tokens of 15 ms: a first token that waits for four times that, as where a hundred run, is 100
    # to 1000 times what is predicted where all run. A single request waits for nobody.
    queued = ROW.replace("1024,1024,16,4,1,1,130,12", "1024,8192,512,4,1,1,462052,14.8").replace(
        "meta-llama/Llama-3.1-70B", "openai/gpt-oss-120b").replace(",fp8,", ",fp4,")  # fmt: skip
    alone = ROW.replace(",1024,16,4,1,1,130,", ",1024,1,4,1,1,130000,")
    coverage = validate("serving", file(*[ROW] * 3, queued, alone))["coverage"]
    (why,) = coverage["excluded"]
    assert why["reason"] == "ttft is a thousand times what is predicted: its unit is wrong" and why["n"] == 1
    assert coverage["predicted"] == 4


def test_a_file_of_queues_is_judged_and_one_in_microseconds_is_not(file):
    queued = [f"h100_sxm,openai/gpt-oss-120b,fp4,vllm,agg,1024,8192,512,{tp},1,1,{ms},{t}"
              for tp, ms, t in ((2, 462052, 14.8), (4, 302654, 9.7))]  # fmt: skip
    coverage = validate("serving", file(*queued))["coverage"]
    assert coverage["predicted"] == 2 and not coverage["excluded"] and not coverage["wrong_units"]
    # Those of few requests wait for nobody: what they say of the column holds for all of it.
    wrong = [ROW.replace(",1024,16,4,1,1,130,", f",1024,{n},4,1,1,{ms},")
             for n, ms in ((1, 70000), (2, 80000), (64, 300000))]  # fmt: skip
    with pytest.raises(BrokenFile, match="ttft is a thousand times what is predicted in 2 of 2 rows"):
        validate("serving", file(*wrong))


def test_a_short_prompt_may_start_sooner_than_a_token_takes(file):
    # A worker that prefills alone, beside others that decode many.
    assert validate("serving", file(ROW, ROW.replace(",130,12", ",100,120")))["coverage"]["excluded"] == []


def test_experts_on_more_chips_than_there_are_are_excluded(tmp_path):
    """Four chips in one copy: experts on four of them are possible, on eight they are not."""
    path = tmp_path / "points.csv"
    rows = (f"{ROW},{ranks}".replace("meta-llama/Llama-3.1-70B", "mixtral-8x7b") for ranks in (4, 8))
    path.write_text("\n".join((f"{HEAD},moe_ep_size", *rows)) + "\n")
    (why,) = validate("serving", path)["coverage"]["excluded"]
    assert why["reason"] == "moe_ep_size: experts on more chips than there are" and why["n"] == 1
