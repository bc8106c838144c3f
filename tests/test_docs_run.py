"""What pages show runs: commands, Python, examples."""

import json
import re
import runpy
import shlex
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from sartor import api
from sartor.cli import app
from sartor.workload.fetch import SMOLLM2, cache_folder
from tests.pages import CHIP, ROOT, STUDY, TRACE, blocks, script

FEW = "20000"  # points of each search in an example
LLAMA = {
    "model_type": "llama", "hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16,
    "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 128256,
    "max_position_embeddings": 8192, "torch_dtype": "bfloat16",
}  # fmt: skip


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A folder with the files of the start page."""
    monkeypatch.chdir(tmp_path)
    for info, body in blocks("docs/start.md"):
        if info in (STUDY, CHIP, TRACE):
            (tmp_path / info.split()[1]).write_text(body, encoding="utf-8")
    kept = cache_folder() / SMOLLM2.file_name
    monkeypatch.setenv("SARTOR_CACHE", str(tmp_path / "cache"))
    (tmp_path / "cache").mkdir()
    if kept.exists():  # 98 MB that need not be fetched again
        (tmp_path / "cache" / kept.name).symlink_to(kept)
    (tmp_path / "my-model").mkdir()
    (tmp_path / "my-model" / "config.json").write_text(json.dumps(LLAMA), encoding="utf-8")
    return tmp_path


def commands():
    """Every line of the start page in order, but the blocks marked `install` and `needs-more`."""
    return [line for info, body in blocks("docs/start.md") if info == "sh" for line in body.splitlines()]


@pytest.fixture
def short_days(monkeypatch):
    """Fleets of a few requests: 200 at the peak, 2,000 a day."""
    monkeypatch.setattr(sys.modules["sartor.api.compare"], "REQUESTS", 200)
    monkeypatch.setattr(sys.modules["sartor.api.compare"], "DAY_REQUESTS", 2000)
    monkeypatch.setitem(api.fleet.__kwdefaults__, "day_requests", 2000)


def test_the_questions_of_the_start_page_run(desk, short_days):
    """All lines that need no search before them."""
    lines = [c for c in commands() if not re.search("design|explore|edge-smollm2", c)]
    assert len(lines) > 15
    run(lines)


@pytest.mark.long  # builds a chip, runs it, synthesizes it
@pytest.mark.slow
def test_the_start_page_runs(desk, short_days):
    run(commands())
    assert (desk / "out/my-study/report.html").exists() and (desk / "front/front.parquet").exists()


def run(lines):
    """Searches with few points."""
    for line in lines:
        program, *args = line.split()
        assert program == "sartor"
        if "--points" in args:
            args[args.index("--points") + 1] = FEW
        elif args[0] in ("design", "explore"):
            args += ["--points", FEW]
        if args[0] == "design":
            args.append("--no-build")
        done = CliRunner().invoke(app, args, catch_exceptions=False)
        assert done.exit_code == 0, f"{line}\n{done.output}"


def test_the_questions_of_the_validation_page_run(tmp_path, monkeypatch):
    page = script("validation_page")
    monkeypatch.chdir(tmp_path)
    for name, body in page.files().items():
        (tmp_path / name).write_text(body, encoding="utf-8")
    lines = page.commands()
    assert {line.split()[2] for line in lines} == {"gpu", "serving", "dram", "area", "cost", "rtl"}
    for line in lines:
        done = CliRunner().invoke(app, [*shlex.split(line)[1:], "--json"], catch_exceptions=False)
        assert done.exit_code == 0, f"{line}\n{done.output}"
        answer = json.loads(done.stdout)
        rows = page.files()[line.split()[4]].count("\n") - 1
        assert answer["coverage"]["predicted"] == answer["coverage"]["rows"] == rows, line
        assert not answer["coverage"]["unread"], line


def test_the_python_of_the_start_page_runs(desk, capsys):
    code = next(body for info, body in blocks("docs/start.md") if info == "python")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 4


@pytest.mark.parametrize("name", ["01_from_model_to_chip", "02_your_own_chip"])
def test_example(name, capsys):
    path = ROOT / "examples" / f"{name}.py"
    assert len(path.read_text(encoding="utf-8").splitlines()) < 60
    runpy.run_path(str(path))
    golden = ROOT / "tests" / "golden" / f"{name}.txt"
    assert capsys.readouterr().out == golden.read_text(encoding="utf-8"), f"if meant, write it to {golden}"
