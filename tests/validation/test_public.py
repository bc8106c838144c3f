"""What others measured of whole steps and of joules, as the trust page takes it (benchmarks/batches.py and
service_energy.py), on small files."""

import json
import runpy
import sys
from collections import Counter
from pathlib import Path

import pytest

from sartor import estimate
from sartor.validation.record import on_record

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
HEAD = "Hardware,Num of Hardware,Framework,Model,Input Output Length,Batch Size,Latency,Throughput"
PAGE = """### H200 GPUs (FP8)

| Model    | Batch Size | TP (1) | Input Length | Output Length | Throughput (out tok/s/GPU) |
| :------- | :--------- | :----- | :----------- | :------------ | -------------------------: |
| LLaMA 7B | 120        | 1      | 128          | 2048          |                      8,192 |
| GPT-J 6B | 120        | 1      | 128          | 2048          |                      9,000 |

| Model    | Batch Size | TP (1) | Input Length | 1st Token Latency (ms) |
| :------- | :--------- | :----- | :----------- | ---------------------: |
| LLaMA 7B | 1          | 1      | 2048         |                   30.2 |
"""
RUN = {"avg_batch_size": 16.0, "avg_output_len": 400.2, "avg_power_watts": 500.0, "energy_per_token_joules": 0.25,
       "gpu_model": "H100", "max_num_seqs": 16, "num_gpus": 1,
       "output_length_distribution": {"bins": [0, 200, 1000], "counts": [1, 1]},
       "parallelization": {"tensor_parallel": 1, "expert_parallel": 1, "data_parallel": 1}}  # fmt: skip


@pytest.fixture(scope="module", params=["batches", "service_energy"])
def each(request):
    return request.param


@pytest.fixture(scope="module")
def made():
    sys.path.insert(0, str(BENCHMARKS))
    yield {name: runpy.run_path(str(BENCHMARKS / f"{name}.py")) for name in ("batches", "service_energy")}
    sys.path.remove(str(BENCHMARKS))


@pytest.fixture
def table(tmp_path):
    def write(*rows):
        path = tmp_path / "all.csv"
        path.write_text("\n".join((HEAD, *rows)) + "\n")
        return path

    return write


def row(chip="GH200", requests=16, length=1024, seconds=9.8, stack="TensorRT-LLM", model="meta-llama/Llama-2-7b-hf"):
    return f"Nvidia {chip} GPU,1,{stack},{model},{length},{requests},{seconds},3000"


def test_a_batch_is_a_prefill_and_its_steps(made, table):
    (batch,) = made["batches"]["read"](table(row(seconds=9.8), row(seconds=9.9), row(seconds=10.2)))
    assert batch.seconds == 9.9 and (batch.chip, batch.prompt, batch.output) == ("gh200", 1024, 1024)
    prefill = estimate("gh200", "llama-2-7b", "prefill", 16, 1024)["latency_s"]
    steps = [estimate("gh200", "llama-2-7b", "decode", 16, context)["latency_s"] for context in (1024, 2047)]
    by_hand = prefill + 1023 * sum(steps) / 2  # straight between the first step's context and the last's
    assert made["batches"]["predicted_s"](batch) == pytest.approx(by_hand, rel=0.01)


def test_a_page_of_tensorrt_llm(made, tmp_path):
    path = tmp_path / "performance.md"
    path.write_text(PAGE)
    batch, first = made["batches"]["read"](path)
    assert (batch.chip, batch.format, batch.seconds) == ("h200-sxm", "fp8-e4m3", 120 * 2048 / 8192)
    assert (first.output, first.seconds) == (1, pytest.approx(30.2e-3))
    names = set(made["batches"]["groups"]([path]))
    assert names == {"batches h200-sxm fp8-e4m3", "batches h200-sxm fp8-e4m3 llama-2-7b"}


def test_beside_the_h100_a_stack_s_own_time_drops_out(made, tmp_path):
    # Everything half as fast again as estimated, on both: prompts alone are judged so and no other way.
    page = PAGE + "\n" + PAGE.replace("H200", "H100")
    path = tmp_path / "performance.md"
    path.write_text(page)
    h200, h100 = (next(b for b in made["batches"]["read"](path) if b.chip == chip and b.output == 1)
                  for chip in ("h200-sxm", "h100-sxm"))  # fmt: skip
    times = [1.5e3 * made["batches"]["predicted_s"](b) for b in (h200, h100)]
    path.write_text(page.replace("30.2", f"{times[0]:.6f}", 1).replace("30.2", f"{times[1]:.6f}", 1))
    found = made["batches"]["groups"]([path])
    (pair,) = found["first tokens h200-sxm fp8-e4m3 over h100-sxm"]
    assert pair.ape < 1e-4 and "first tokens h200-sxm fp8-e4m3" not in found


@pytest.mark.parametrize(
    ("one", "why"),
    [
        # 96 GB: 13.5 of weights, and 2048 tokens of 0.52 MB for each of 64 requests, 69 GB; twice that is too much.
        (row(requests=64, length=1024), None),
        (row(requests=64, length=2048, seconds=80), "no room for the caches"),
        (row(requests=1, length=1024, seconds=3.2), "faster than the DRAM's peak"),  # 13.2 GB in 3.1 ms: 4.2 TB/s
        (row(requests=1, length=4096, seconds=30), "longer than the model holds"),
    ],
)
def test_what_cannot_be_one_batch_is_left_out(made, table, one, why):
    path = table(one)
    (batch,) = made["batches"]["read"](path)
    reason = made["batches"]["refusal"](batch)
    assert reason is None if why is None else why in reason
    assert bool(made["batches"]["groups"]([path])) == (why is None)


def test_a_stack_s_own_time_is_the_h100_s(made, table):
    # Two milliseconds a step and 50 us a request on either chip: what is left is the estimate's own error.
    batches = made["batches"]
    plain = [b for n in (1, 16, 64) for b in batches["read"](table(*(row(c, n, 512) for c in ("H100", "GH200"))))]
    took = [batches["predicted_s"](b) + 512 * (2e-3 + 5e-5 * b.requests) for b in plain]
    chips = [b.chip.split("-")[0].upper() for b in plain]
    slowed = [row(c, b.requests, 512, s, "vLLM") for c, b, s in zip(chips, plain, took, strict=True)]
    found = batches["groups"]([table(*slowed)])
    assert set(found) == {"batches gh200 bf16 vllm", "batches h100-sxm bf16 vllm"}
    assert all(pair.ape < 1e-6 for pairs in found.values() for pair in pairs)


def test_watts_are_those_of_the_estimate_s_joules(made, table):
    # A GH200 busy for ten seconds, and read until then, each reading the mean of the last second: half a second of what
    # it draws above 140.7 W is not seen.
    path = table(*(f"{row(requests=n, seconds=10)},450000" for n in (16, 64)))
    path.write_text(path.read_text().replace(HEAD, f"{HEAD},avg_power"))
    found = made["batches"]["groups"]([path])
    assert set(found) == {"watts gh200 bf16"}  # its times are in the other file
    few, _ = found["watts gh200 bf16"]
    prefill = estimate("gh200", "llama-2-7b", "prefill", 16, 1024)
    steps = [estimate("gh200", "llama-2-7b", "decode", 16, context) for context in (1024, 2047)]
    dynamic = [one["energy_j"] - one["breakdown"]["energy_j"]["static"] for one in (prefill, *steps)]
    drawn = (dynamic[0] + 1023 * sum(dynamic[1:]) / 2) / 10
    assert few.measured == 450 and few.predicted == pytest.approx(140.7 + 0.95 * drawn, rel=0.01)


@pytest.fixture
def folder(tmp_path):
    def write(task="lm-arena-chat", model="meta-llama/Llama-3.1-8B-Instruct", **changes):
        one = {"task": task, "model_id": model, "weight_precision": "bfloat16", "configurations": [RUN | changes]}
        (tmp_path / f"{model.replace('/', '__')}__{task}.json").write_text(json.dumps(one))
        return tmp_path

    return write


def test_a_service_s_joules_by_hand(made, folder):
    (one,) = made["service_energy"]["rows"](folder())
    # 500 W at 0.25 J a token are 2000 tokens a second, 125 for each of sixteen: 8 ms.
    assert one.measured == {"tpot": pytest.approx(8e-3), "energy": 0.25}
    # Outputs of 100 and 600 tokens: 370,000 / 700 / 2 tokens out so far, and a prompt of 300.
    assert float(one.inputs["held"]) == pytest.approx(300 + 370_000 / 700 / 2)
    pairs = {p.quantity: p for p in made["service_energy"]["pairs"]([one])}
    assert set(pairs) == {"tpot", "energy", "energy at pace"}
    # At a pace that is 8 ms and not the 7.9 predicted idle power lasts longer, and nothing else changes.
    idle_j = 140.7 * (8e-3 - pairs["tpot"].predicted) / 16
    assert pairs["energy at pace"].predicted - pairs["energy"].predicted == pytest.approx(idle_j, rel=1e-3)


def test_chats_that_come_again_are_refused(made, folder):
    for task, left in (("lm-arena-chat", 0), ("gpqa", 1)):
        refused = Counter()
        path = folder(task, max_num_seqs=512)
        rows = [r for r in made["service_energy"]["rows"](path, refused=refused) if task in r.where]
        assert len(rows) == left and any("come again" in why for why in refused)


def test_a_checkpoint_of_several_formats_is_refused(made, folder):
    refused = Counter()
    path = folder(model="meta-llama/Llama-3.1-405B-Instruct-FP8")
    assert not list(made["service_energy"]["rows"](path, refused=refused))
    assert list(refused) == ["FP8 in the feed-forward layers alone: attention is in 16 bits"]


def test_what_a_folder_has_beside_known_models_is_counted(made, folder):
    folder("text-to-image"), folder(model="nobody/knows-1b")
    refused = Counter()
    assert len(list(made["service_energy"]["rows"](folder(), refused=refused))) == 1
    assert sum(refused.values()) == 2 and "model 'nobody/knows-1b' is not known" in refused


def test_they_are_on_record(each, made):
    first = {"batches": "batches gh200 bf16", "service_energy": "service energy b200-sxm dense bf16"}[each]
    kind = {"batches": "gpu", "service_energy": "serving"}[each]
    one = on_record()[kind, "unseen", first]
    assert one.n > 50 and one.median < 0.15


def test_an_unseen_gpu_s_watts_are_on_record():
    one = on_record()["gpu", "unseen", "watts gh200 bf16"]
    assert one.n == 8 and one.median < 0.08  # what is asked of energy on a GPU of the H100's generation
