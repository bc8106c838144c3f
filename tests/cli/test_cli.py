"""The command line as a user meets it: JSON and nothing else on stdout, one line on stderr, the right exit code."""

import json
import os

import pytest
from typer.testing import CliRunner

from sartor.cli import app
from sartor.errors import UnknownName
from sartor.formats.spec import formats
from sartor.tables import data_text
from tests.chip.edge_chip import TENSOR


def as_json(*args):
    done = CliRunner().invoke(app, [*args, "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    "kind", ["studies", "chips", "models", "formats", "nodes", "memories", "links", "traffic"]
)
def test_list(kind):
    rows = as_json("list", kind)["rows"]
    names = [row["name"] for row in rows]
    assert len(names) == len(set(names)) >= 4
    assert CliRunner().invoke(app, ["list", kind]).exit_code == 0


def test_read_by_hand():
    facts = as_json("read", "llama-3.1-8b", "--context", "1000")
    assert facts["parameters"] == 8_030_261_248
    # 32 layers x 8 KV heads x 128 x 2 (K and V) x 2 bytes.
    assert facts["kv_bytes_per_token"] == 131_072


@pytest.mark.parametrize(("batch", "measured_s"), [(1, 6.65e-3), (64, 13.4e-3)])
def test_estimate_is_near_the_measured_h100(batch, measured_s):
    facts = as_json("estimate", "--chip", "h100-sxm", "--model", "llama-3.1-8b", "--phase", "decode", "--batch",
                    str(batch), "--context", "2048", "--weights", "bf16")  # fmt: skip
    assert facts["latency_s"] == pytest.approx(measured_s, rel=0.10)
    assert facts["bound"] == "memory"
    assert facts["tokens_per_s"] == pytest.approx(batch / facts["latency_s"])
    assert sum(row["latency_s"] for row in facts["breakdown"]["time"]) == pytest.approx(facts["latency_s"])
    assert sum(facts["breakdown"]["energy_j"].values()) == pytest.approx(facts["energy_j"])


def test_operators_that_take_no_time_of_their_own_are_not_shown():
    shown = CliRunner().invoke(app, ["estimate", "--chip", "h100-sxm", "--model", "llama-3.1-8b"]).stdout
    assert "gate_up" in shown and "residual" not in shown and "e-1" not in shown


def test_cache_a_token_is_listed_in_bytes():
    shown = CliRunner().invoke(app, ["list", "models"]).stdout
    assert "kv per token" in shown and "131 kB" in shown


def test_estimate_says_that_a_chip_cannot_be_generated(tmp_path):
    path, real = tmp_path / "mine.toml", TENSOR.replace("lanes = 16", 'lanes = 32\nkv = "int8-g32"')
    asked = ["--chip", str(path), "--model", "smollm2-135m"]
    refused = "edge: [tile] weights = 'nf4' has no decoder in hardware (try "
    for weights, said in (("nf4", refused), ("int4-g128", None)):
        path.write_text(real.replace("int4-g128", weights), encoding="utf-8")
        shown = " ".join(CliRunner().invoke(app, ["estimate", *asked]).stdout.split())
        assert ("priced, but not generated" in shown) == (said is not None)
        note = as_json("estimate", *asked)["note"]
        assert note is None if said is None else said in note and said in shown


def test_cost_has_ranges_and_its_parts_sum():
    rows = as_json("cost", "h100-sxm")["figures"]
    assert all(row["low"] <= row["nominal"] <= row["high"] for row in rows.values())
    assert 2_000 < rows["unit_usd"]["nominal"] < 4_500  # published bill of materials 3,000-5,875 USD


def test_compare_puts_chips_side_by_side():
    rows = as_json("compare", "h100-sxm", "b200-sxm", "rngd", "--model", "llama-3.1-8b")["chips"]
    assert [row["name"] for row in rows] == ["h100-sxm", "b200-sxm", "rngd"]
    assert all(row["feasible"] and row["tpot_s"] <= 0.05 and row["ttft_s"] <= 2 for row in rows)


def test_explore_prints_one_object(tmp_path, monkeypatch):
    monkeypatch.setenv("SARTOR_CACHE", str(tmp_path))  # other tests explore the same study
    facts = as_json("explore", "edge-smollm2", "--points", "40000")
    assert facts["evaluations"] >= 40_000 and facts["points_per_s"] > 0
    assert facts["points_per_cpu_s"] > 0
    front = [(r["usd_per_mtoken"], r["j_per_token"], r["latency_s"]) for r in facts["front"]]
    assert front == sorted(front) and len(front) > 10


def test_a_study_of_ones_own_with_kl_as_an_axis(tmp_path):
    given = data_text("studies/edge-smollm2-mixed.toml").replace("points = 2000000", "points = 20000\ngenerations = 1")
    path = tmp_path / "mine.toml"
    path.write_text(given.replace('"12 s"', '"60 s"').replace('"20 ms"', '"60 ms"'), encoding="utf-8")
    found = CliRunner().invoke(app, ["explore", str(path)])
    assert "KL in nats" in found.stdout and ", attn_v " in found.stdout


def test_doctor():
    facts = as_json("doctor")
    assert {"numpy", "ray", "chromium"} <= {row["name"] for row in facts["tools"]}
    assert all(row["get"] and row["adds"] for row in facts["tools"])


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (
            ["estimate", "--chip", "h100-sxn", "--model", "llama-3.1-8b"],
            "unknown chip 'h100-sxn': did you mean 'h100-sxm'?",
        ),
        (["estimate", "--chip", "h100-sxm", "--model", "llama-3.1-9b"], "did you mean 'llama-3.1-8b'?"),
        (["estimate", "--chip", "h100-sxm", "--model", "llama-3.1-405b"], "too much by"),
        (
            ["estimate", "--chip", "h100-sxm", "--model", "llama-3.1-8b", "--weights", "int5"],
            "unknown number format",
        ),
        (
            ["estimate", "--chip", "h100-sxm", "--model", "llama-3.1-8b", "--batch", "0"],
            "batch = 0 must be between 1",
        ),
        (
            ["estimate", "--chip", "h100-sxm", "--model", "llama-3.1-8b", "--context", "999999"],
            "beyond the 131072 tokens",
        ),
        (
            ["estimate", "--chip", "h100-sxm", "--model", "llama-3.1-8b", "--phase", "decoding"],
            "did you mean 'decode'?",
        ),
        (["explore", "edge-smolm2"], "did you mean 'edge-smollm2'?"),
        (["explore", "edge-smollm2", "--points", "100", "--executor", "dask"], "unknown executor 'dask'"),
        (["list", "chip"], "did you mean 'chips'?"),
        (["read", "nowhere/config.json"], "no such file"),
        (["cost", "h100-sxm", "--volume", "0"], "volume = 0 must be above 0"),
        (["cost", "tpu-v5e"], "its die area is not published"),
        (["compare", "h100-sxm", "--trace", "nowhere.csv"], "nowhere.csv"),
        (["cost", "phone-without-a-chip"], "unknown chip"),
        (["compare", "h100-sxm", "--rate", "5"], "--rate is the rate of a trace (give --trace too)"),
        (["compare", "h100-sxm", "--model", ""], "unknown model ''"),
        (["validate", "cost", "--layers", "."], "layers are read for recorded runs of serving alone"),
        (["simulate", "--chip", "h100-sxm", "--model", "smollm2-135m", "--trace", "chat", "--kv", ""], "format ''"),
        (["cost", "."], ".: a chip's file is a TOML file, its name ending in .toml"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(run, args, message):
    done = run(*args)
    assert done.returncode == 2
    assert message in done.stderr and "Traceback" not in done.stderr
    assert done.stdout == "" and done.stderr.count("\n") == 1


def test_an_unwritable_folder_leaves_nothing_behind(run, tmp_path):
    (tmp_path / "taken").write_text("a file, not a folder")
    done = run("explore", "edge-smollm2", "--points", "20000", "--out", str(tmp_path / "taken"))
    assert done.returncode == 2 and "cannot be written" in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["taken"]


def test_a_study_without_a_chip_yet_says_so(run, tmp_path):
    done = run("cost", "car", env={**os.environ, "SARTOR_CACHE": str(tmp_path)})
    assert done.returncode == 2 and "try: sartor design car" in done.stderr


def test_completion_is_there():
    assert "--install-completion" in CliRunner().invoke(app, ["--help"]).stdout


def test_a_file_of_which_all_rows_are_refused_is_no_table(tmp_path):
    row = {"gpu": "NVIDIA_Z999", "kind": "gemm", "dt": "bf16", "M": 1, "K": 8192, "N": 8192, "s": 48.9e-6}
    (tmp_path / "rows.jsonl").write_text(json.dumps(row) + "\n")
    done = CliRunner().invoke(app, ["validate", "gpu", "--data", str(tmp_path / "rows.jsonl")], catch_exceptions=False)
    assert done.exit_code == 0 and "refused 1: chip 'NVIDIA_Z999' is not known" in done.output
    assert "predicted 0 of 1 usable rows" in done.output


def test_an_unknown_name_among_many_is_answered_with_the_nearest_ones():
    told = str(UnknownName("number format", "int4-g96", formats()))
    assert told.startswith("unknown number format 'int4-g96': did you mean 'int4-g64'? (or int")
    assert told.endswith(f"; all {len(as_json('list', 'formats')['rows'])}: sartor list formats)") and "bcq" not in told
    assert str(UnknownName("role", "x" * 30, "abc")) == f"unknown role '{'x' * 30}' (known: a, b, c)"
