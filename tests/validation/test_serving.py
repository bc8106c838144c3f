"""Kind `serving`: real vLLM runs are met, made-up ones are as worked out by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pytest import approx

from sartor.api import validate
from sartor.chip.presets import preset
from sartor.errors import InputError
from sartor.families import priced
from sartor.serve.replay import replay
from sartor.serve.replay_chip import replay_on
from sartor.serve.vllm_run import read_run
from sartor.validation.record import grown
from sartor.validation.serving import on_file
from sartor.workload.derive import operators
from sartor.workload.find import bundled
from sartor.workload.step import Step

MEASURED = Path(__file__).parents[3] / "shared" / "data" / "measured"
needs_runs = pytest.mark.skipif(not (MEASURED / "serving_logs").is_dir(), reason="../shared/data/measured is not here")
DENSE = ("embedding", "layernorm", "qkv_proj", "o_proj", "gate_up_proj", "down_proj", "final_layernorm")
LLAMA, QWEN = "llama-3.1-8b", "qwen3-30b-a3b"  # 32 and 48 blocks


@needs_runs
def test_real_runs_are_met() -> None:
    """An RTX 4090 whose cache is full, and an RTX PRO 6000 with room: nothing was fitted to either."""
    by = validate("serving", MEASURED / "serving_logs", MEASURED / "serving_layers")["by"]
    for quantity, bound in {"tpot_mean": 0.005, "latency_mean": 0.015, "ttft_mean": 0.03}.items():
        assert by[quantity]["n"] == 2 and by[quantity]["worst_ape"] < bound


@needs_runs
def test_no_error_of_runs_has_grown() -> None:
    """Percentiles too, on measured layers and by the estimates of chips that no figure was fitted to."""
    found = on_file(MEASURED / "serving_logs", MEASURED / "serving_layers")
    assert grown(found) == []
    by = {one.group: one for one in found}
    assert all(by[f"runs on layers {q}_{p}"].worst < 0.1 for q in ("tpot", "ttft") for p in ("p50", "p90", "p99"))
    assert all(by[f"runs on chips {q}_{p}"].worst < 0.12 for q in ("tpot", "ttft") for p in ("p50", "p90", "p99"))


def table(path: Path, header: str, rows: list[tuple]) -> None:
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n")


def layers(folder: Path, model: str, dense_us: float, head_us: float = 0.0, moe_us: float | None = None) -> Path:
    """Tables in which every layer takes `dense_us`, whatever the tokens, and attention nothing."""
    place = folder / "CHIP" / "org" / model / "bf16" / "tp1"
    place.mkdir(parents=True)
    (place.parent / "meta.yaml").write_text("skew_fit:\n  enabled: false\n")
    table(place / "dense.csv", "layer,tokens,time_us", [(name, t, dense_us) for name in DENSE for t in (1, 64)])
    table(place / "per_sequence.csv", "layer,sequences,time_us", [("lm_head", s, head_us) for s in (1, 4)])
    grid = [(c, k, n, kv, 0.0) for c in (0, 64) for k in (0, 64) for n in (0, 4) for kv in (0, 16, 64)]
    table(place / "attention.csv", "prefill_chunk,kv_prefill,n_decode,kv_decode,time_us", grid)
    if moe_us is not None:
        rows = [(t, e, moe_us * t) for t in (1, 128) for e in (1, 64)]  # grows with the tokens alone
        table(place / "moe.csv", "tokens,activated_experts,time_us", rows)
    return folder


def run_of(folder: Path, model: str, requests: list[tuple[float, int, int]], **asked: object) -> Path:
    place = folder / "CHIP" / model
    place.mkdir(parents=True)
    lines = [
        {"request_id": str(i), "input_toks": p, "output_toks": o, "arrival_time": 1e9 + at, "queued_ts": 5 + at,
         "scheduled_ts": 5 + at, "first_token_ts": 6 + at, "last_token_ts": 7 + at}
        for i, (at, p, o) in enumerate(requests)
    ]  # fmt: skip
    (place / "requests.jsonl").write_text("\n".join(map(json.dumps, lines)))
    meta = {"engine_kwargs": {"model": f"org/{model}", "max_num_seqs": 4, "max_num_batched_tokens": 64,
                              "enforce_eager": True, **asked},
            "kv_cache": {"num_gpu_blocks": 100, "block_size": 16}}  # fmt: skip
    (place / "meta.json").write_text(json.dumps(meta))
    config = {"link_bw": 16, "link_latency": 1000,
              "nodes": [{"instances": [{"hardware": "CHIP", "npu_mem": {"mem_size": 96}}]}]}  # fmt: skip
    (place / "config.json").write_text(json.dumps(config))
    return place


def test_a_step_by_hand(tmp_path: Path) -> None:
    # 32 blocks of five layers (the norm twice) of 10 us, embedding and last norm once, a head of 100 us:
    # 32 x 60 + 2 x 10 + 100 = 2,040 us a step; a prompt and three tokens more.
    run = read_run(run_of(tmp_path / "runs", LLAMA, [(0.0, 30, 4)]))
    answers = replay(run, bundled(LLAMA), layers(tmp_path / "layers", LLAMA, 10.0, 100.0))
    assert answers.ttft_s.tolist() == approx([2040e-6])
    assert answers.tpot_s.tolist() == approx([2040e-6])


def test_the_clock_of_the_client_is_another(tmp_path: Path) -> None:
    run = read_run(run_of(tmp_path, LLAMA, [(0.0, 30, 4), (0.5, 30, 4)]))
    assert run.arrival_s.tolist() == approx([0.0, 0.5], abs=1e-6)
    assert run.first_s.tolist() == approx([1.0, 1.5], abs=1e-6)


def test_ranks_that_share_experts_step_together(tmp_path: Path) -> None:
    # Two ranks get a request each. 48 blocks x 60 us and 20 us of dense layers, of 1 us here: 6 x 48 + 2 = 290 us.
    # Experts: tokens of both ranks over two ranks, 1 us each, in 48 blocks. The first request's prompt of 40 tokens
    # runs beside one idle token: (40 + 1) / 2 x 48 = 984 us. The exchange: 2 x 48 x (40 x 2048 x 2 bytes, of both
    # ranks the other's half, over 16 GB/s, of which 3/4, + 1 us) = 96 x (7.68 + 1) us = 833 us.
    asked = {"data_parallel_size": 2, "enable_expert_parallel": True}
    tables = layers(tmp_path / "layers", QWEN, 1.0, 0.0, moe_us=1.0)
    run = read_run(run_of(tmp_path / "one", QWEN, [(0.0, 40, 1)], **asked))
    alone = replay(run, bundled(QWEN), tables).first_s[0]
    assert alone == approx(290e-6 + 984e-6 + 96 * 8.68e-6, rel=1e-6)
    # Beside a second prompt of 20 tokens, the experts see 60 tokens: 30 x 48 us.
    run = read_run(run_of(tmp_path / "two", QWEN, [(0.0, 40, 1), (0.0, 20, 1)], **asked))
    both = replay(run, bundled(QWEN), tables).first_s
    assert both.tolist() == approx([290e-6 + 1440e-6 + 96 * 8.68e-6] * 2, rel=1e-6)


def test_a_run_without_layers_takes_what_its_chip_is_estimated_at(tmp_path: Path) -> None:
    # One prompt, alone: a prefill of 30 tokens, then decode steps at contexts 31, 32 and 33.
    place = run_of(tmp_path, LLAMA, [(0.0, 30, 4)], max_model_len=2048)
    config = json.loads((place / "config.json").read_text())
    config["nodes"][0]["instances"][0]["hardware"] = "RTX4090"
    (place / "config.json").write_text(json.dumps(config))
    run = read_run(place)
    answers = replay_on(run, bundled(LLAMA), preset("rtx-4090"))
    replica = priced(preset("rtx-4090"), "bf16", "bf16").replica(1, {})
    prompt, token = (float(replica.phase(operators(bundled(LLAMA), phase), step).latency_s) for phase, step in
                     (("prefill", Step(1, 30.0, 0.0)), ("decode", Step(1.0, 1, 32.0))))  # fmt: skip
    assert answers.ttft_s.tolist() == approx([prompt]) and answers.tpot_s.tolist() == approx([token], rel=1e-3)
    found, other = validate("serving", place), validate("cost")
    assert found["by"]["tpot_mean"]["n"] == 1 and found["rows"] == {"held_out": 0, "other": 1}
    # Runs are said by the same keys as rows (docs/validation.md).
    assert found.keys() == other.keys() and found["coverage"].keys() == other["coverage"].keys()
    meta = (place / "meta.json").read_text()
    (place / "meta.json").write_text(meta.replace('"enforce', '"quantization": "gptq", "enforce'))
    with pytest.raises(InputError, match="quantization 'gptq' is not known"):
        validate("serving", place)
    with pytest.raises(InputError, match=r"ranks share experts .* \(try --layers"):
        replay_on(read_run(run_of(tmp_path / "two", QWEN, [(0.0, 30, 4)], data_parallel_size=2,
                                  enable_expert_parallel=True)), bundled(QWEN), preset("rtx-4090"))  # fmt: skip


def test_two_chips_share_the_steps_of_a_run_without_layers(tmp_path: Path) -> None:
    run = read_run(run_of(tmp_path, LLAMA, [(0.0, 30, 4)], max_model_len=2048, tensor_parallel_size=2))
    answers = replay_on(run, bundled(LLAMA), preset("h100-sxm"))
    two = priced(preset("h100-sxm"), "bf16", "bf16").replica(2, {})
    token = two.phase(operators(bundled(LLAMA), "decode"), Step(1.0, 1, 32.0)).latency_s
    assert answers.tpot_s.tolist() == approx([float(token)], rel=1e-3)


def test_two_chips_swap_their_sums_in_one_hop(tmp_path: Path) -> None:
    # 32 blocks of 60 us and 20 us. After attention and after the matrices each chip sends 30 tokens x 4096 x 2 bytes to
    # the other: 64 x (15.36 + 1) us; then for one token 64 x (0.512 + 1) us.
    tables = layers(tmp_path / "layers", LLAMA, 10.0)
    (tables / "CHIP/org/llama-3.1-8b/bf16/tp1").rename(tables / "CHIP/org/llama-3.1-8b/bf16/tp2")
    run = read_run(run_of(tmp_path / "runs", LLAMA, [(0.0, 30, 4)], tensor_parallel_size=2))
    answers = replay(run, bundled(LLAMA), tables)
    assert answers.ttft_s.tolist() == approx([1940e-6 + 64 * 16.36e-6])
    assert answers.tpot_s.tolist() == approx([1940e-6 + 64 * 1.512e-6])


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    tables = layers(tmp_path / "layers", LLAMA, 10.0)
    place = run_of(tmp_path / "runs", LLAMA, [(0.0, 30, 4)])
    with pytest.raises(InputError, match="no such folder"):
        validate("serving", tmp_path / "nowhere", tables)
    with pytest.raises(InputError, match="--layers DIR"):
        validate("serving", place)
    with pytest.raises(InputError, match="0 folders tp1 hold layers of"):
        validate("serving", place, place)
    (place / "requests.jsonl").write_text('{"input_toks": 3}\n')
    with pytest.raises(InputError, match=r"requests.jsonl line 1: 'arrival_time' \(each line needs"):
        validate("serving", place, tables)
    (tables / "CHIP/org/llama-3.1-8b/bf16/tp1/dense.csv").write_text("layer,tokens\na,1\n")
    place = run_of(tmp_path / "again", LLAMA, [(0.0, 30, 4)])
    with pytest.raises(InputError, match="no column 'time_us'"):
        validate("serving", place, tables)
