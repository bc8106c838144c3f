"""`sartor simulate` as a user meets it."""

import json
import re
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from sartor.chip import presets, toml
from sartor.cli import app
from sartor.cli.serving import _beside

TRACE = "arrived_at,num_prefill_tokens,num_decode_tokens\n0,100,5\n0.5,200,1\n9,50,3\n"
ASKED = ("simulate", "--chip", "h100-sxm", "--model", "llama-3.1-8b", "--trace")


@pytest.fixture
def trace(tmp_path):
    path = tmp_path / "three.csv"
    path.write_text(TRACE)
    return str(path)


def invoke(*args):
    return CliRunner().invoke(app, list(args), catch_exceptions=False)


def test_json_has_what_the_documents_promise(trace):
    facts = json.loads(invoke(*ASKED, trace, "--json").stdout)
    assert (facts["requests"], facts["finished"]) == (3, 3)
    assert facts["rejected"] == {"too_long": 0, "turned_away": 0}
    for name in ("ttft_s", "tpot_s", "latency_s"):
        assert set(facts[name]) == {"mean", "p50", "p90", "p95", "p99"}
    # Alone on the chip, a decode step is what the estimate says: 6.6 ms and a bit.
    assert facts["tpot_s"]["mean"] == pytest.approx(6.6e-3, rel=0.02)
    assert facts["slo"]["share"] == 1 and facts["slo"]["kept"]
    assert facts["energy_j"] == pytest.approx(facts["power_w"]["mean"] * facts["duration_s"])
    assert 0 < facts["utilization"] < 0.1 and facts["requests_per_cpu_s"] > 0


def test_people_see_the_answer_first(trace):
    out = invoke(*ASKED, trace).stdout
    assert "100.0% of 3 requests kept TTFT 2 s and TPOT 50 ms" in out.splitlines()[1]


def test_a_rate_brings_the_same_requests_faster(trace):
    facts = json.loads(invoke(*ASKED, trace, "--rate", "20", "--json").stdout)
    assert facts["duration_s"] < 0.2 and facts["finished"] == 3


def test_files_are_written_and_add_up(trace, tmp_path):
    facts = json.loads(invoke(*ASKED, trace, "--out", str(tmp_path / "out"), "--timeline", "1", "--json").stdout)
    assert [Path(file).name for file in facts["files"]] == ["requests.parquet", "seconds.parquet", "timeline.json"]
    requests, seconds = (pq.read_table(file).to_pydict() for file in facts["files"][:2])
    assert requests["prompt_tokens"] == [100, 200, 50]
    assert np.mean(requests["ttft_s"]) == pytest.approx(facts["ttft_s"]["mean"])
    assert sum(seconds["prompt_tokens"]) == pytest.approx(350)
    assert sum(seconds["decode_tokens"]) == pytest.approx(4 + 2)
    dynamic = facts["energy_j"] - sum(p["energy_j"] for p in facts["pools"])
    assert sum(seconds["energy_j"]) == pytest.approx(facts["energy_j"] - dynamic)
    boxes = [e for e in json.loads(Path(facts["files"][2]).read_text())["traceEvents"] if e["ph"] == "X"]
    # The third comes later than the timeline goes.
    assert [box["args"]["prompt_tokens"] for box in boxes if box["name"] == "prompts"] == [100, 200]


CLUSTER = """routing = "least-loaded"
[[pool]]
chip = "h100-sxm"
role = "prefill"
[[pool]]
chip = "a100-sxm-80gb"
role = "decode"
replicas = 2
"""


def test_a_cluster_file(trace, tmp_path):
    path = tmp_path / "cluster.toml"
    path.write_text(CLUSTER)
    asked = ("simulate", "--cluster", str(path), "--model", "llama-3.1-8b", "--trace", trace)
    facts = json.loads(invoke(*asked, "--json").stdout)
    assert facts["finished"] == 3 and facts["chips"] == pytest.approx(3)
    assert [(p["role"], p["chip"]) for p in facts["pools"]] == [("prefill", "h100-sxm"), ("decode", "a100-sxm-80gb")]
    # A prompt and a first token on the fast one, the others on the slow one: 16 GB at 1.5 TB/s and a bit.
    assert 0.009 < facts["tpot_s"]["mean"] < 0.016
    assert "h100-sxm + 2 x 1 a100-sxm-80gb" in invoke(*asked).stdout


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "lacks 'pool'"),
        ("[[pool]]\nchipp = 'a'", "unknown key 'chipp': did you mean 'chip'?"),
        ("[[pool]]\nchip = 'h100-sxm'\nrole = 'decode'", "needs a pool of role both or prefill"),
        ("[[pool]]\nchip = 'h100-sxm'\n[faults]\nrepair = '3 W'", "unit 'W' measures w, not s"),
        ("[[pool]]\nchip = 'h100-sxm'\npower_cap = '20 W'", "not above the"),
        ("pool = ", "not TOML"),
    ],
)  # fmt: skip
def test_a_broken_cluster_file_says_where(trace, tmp_path, text, said, run):
    path = tmp_path / "cluster.toml"
    path.write_text(text)
    done = run("simulate", "--cluster", str(path), "--model", "llama-3.1-8b", "--trace", trace)
    assert done.returncode == 2 and said in done.stderr and "Traceback" not in done.stderr


def test_a_chip_file_is_a_chip(trace, tmp_path):
    path = tmp_path / "chip.toml"
    path.write_text(toml.dumps(presets.preset("h100-sxm")))
    facts = json.loads(invoke(*ASKED, trace, "--chip", str(path), "--json").stdout)
    assert facts["finished"] == 3


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--chip", "h100-sxn"), "did you mean 'h100-sxm'?"),
        (("--trace", "no.csv"), "no.csv: cannot be read: No such file"),
        (("--model", "llama-3.1-70b", "--tensor-parallel", "1"), "room for 0 tokens of cache beside 141.1 GB"),
        (("--max-seqs", "4096"), "batch_tokens = 2048 is below max_seqs = 4096"),
        (("--weights", "fp9"), "unknown number format 'fp9'"),
        (("--rate", "-1"), "rate = -1.0 must be above 0"),
        (("--ttft", "0"), "ttft_s = 0.0 must be above 0"),
        (("--model", "smollm2-135m", "--trace", "long-context"), "smollm2-135m holds 8,192"),
    ],
)  # fmt: skip
def test_bad_input_says_what_to_do(trace, args, said, run):
    done = run(*ASKED, trace, *args)
    assert done.returncode == 2 and said in done.stderr and "Traceback" not in done.stderr
    assert done.stdout == ""


def test_the_more_urgent_wait_less(tmp_path):
    path = tmp_path / "t.jsonl"
    line = '{{"timestamp": {}, "input_length": 2000, "output_length": 20, "priority": {}}}\n'
    path.write_text("".join(line.format(i, i % 2) for i in range(200)))  # a thousand a second: far too many
    asked = (*ASKED, str(path), "--max-seqs", "8", "--json")
    first, turns = (json.loads(invoke(*asked, "--policy", p).stdout)["by_priority"] for p in ("priority", "fcfs"))
    assert set(first) == {"0", "1"} and first["0"]["requests"] == 100
    assert first["0"]["ttft_s"]["p95"] < 0.7 * first["1"]["ttft_s"]["p50"]
    assert turns["0"]["ttft_s"]["mean"] == pytest.approx(turns["1"]["ttft_s"]["mean"], rel=0.05)


@pytest.mark.parametrize(
    ("line", "policy", "said"),
    [("1.5", "priority", "t.jsonl line 1: priority = 1.5 is not a whole number"),
     ("1", "prio", "unknown policy 'prio': did you mean 'priority'?")],
)  # fmt: skip
def test_a_priority_that_is_none(tmp_path, run, line, policy, said):
    path = tmp_path / "t.jsonl"
    path.write_text(f'{{"timestamp": 1, "input_length": 2, "output_length": 2, "priority": {line}}}\n')
    done = run(*ASKED, str(path), "--policy", policy)
    assert done.returncode == 2 and said in done.stderr and "Traceback" not in done.stderr


def test_the_cluster_of_the_documents_runs(tmp_path):
    page = (Path(__file__).parents[2] / "docs/serving.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    path = tmp_path / "cluster.toml"
    # Failures within minutes, and replicas that come at once, so that all of it happens.
    text = text.replace("5 years", "100 s").replace("repair = \"2 h\"", "repair = \"10 s\"")
    path.write_text(text.replace("target = 40", 'target = 15\nperiod = "1 s"\nboot = "2 s"\ncalm = "5 s"'))
    asked = ("simulate", "--cluster", str(path), "--model", "llama-3.1-8b", "--trace", "chat", "--rate", "20")
    facts = json.loads(invoke(*asked, "--requests", "3000", "--json").stdout)
    assert facts["finished"] == 3000 and facts["restarted"] > 0
    happened = {e["what"] for e in facts["events"]}
    assert happened >= {"replica added", "replica removed", "chip failed", "replica repaired"}
    assert 1 < facts["pools"][1]["replicas"] < 6  # on average


def test_energy_that_is_not_known_is_not_said(trace):
    """A TPU's power is not published, and it is only rented: no joules, and a price on each one's basis."""
    asked = [a if a != "h100-sxm" else "tpu-v6e" for a in ASKED]
    out = invoke(*asked, trace).stdout
    assert "(rented), energy not known" in out and " W " not in out
    facts = json.loads(invoke(*asked, trace, "--json").stdout)
    assert facts["energy_j"] is facts["j_per_token"] is facts["power_w"]["mean"] is facts["power_w"]["peak"] is None
    tpu = {"chip": "tpu-v6e", "basis": "rental", "usd_per_day": 20.0, "j_per_token": None,
           "day": {"usd_per_day": {"cost": None, "vendor": None, "rental": 20.0}}}  # fmt: skip
    l4 = {"chip": "l4", "chips": 8, "basis": "vendor", "usd_per_day": 32.0, "j_per_token": 0.6,
          "day": {"usd_per_day": {"cost": 9.0, "vendor": 32.0, "rental": None}}}  # fmt: skip
    assert _beside(tpu, l4) == "8 x l4 cost 1.60 x (at the vendor's price, tpu-v6e rented)"
