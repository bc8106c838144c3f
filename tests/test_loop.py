"""The page of the loop runs: a chip is designed, served with its real weights, recorded, and designed again; and what
was asked decides which chip it is."""

import io
import json
import random
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sartor.cli import app
from sartor.endpoint.record import Recorder
from sartor.workload.fetch import SMOLLM2, cache_folder
from sartor.workload.traces import read_trace

PAGE = Path(__file__).parents[1] / "docs/loop.md"
BLOCK = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PORT = "8000"
pytestmark = [pytest.mark.slow, pytest.mark.long]  # packs and runs SmolLM2


def run(line: str) -> str:
    done = CliRunner().invoke(app, line.split()[1:], catch_exceptions=False)
    assert done.exit_code == 0, f"{line}\n{done.output}"
    return done.output


def served(line: str, port: str) -> subprocess.Popen:
    """Another process, when it answers."""
    main = [sys.executable, "-c", "from sartor.cli import main; main()"]
    process = subprocess.Popen([*main, *line.split()[1:], "--port", port], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and "/v1" in process.stdout.readline()
    return process


def ended(process: subprocess.Popen) -> None:
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def asked(path: Path, prompts: tuple[int, int], answers: tuple[int, int]) -> None:
    """300 requests as `serve --record` writes them: lengths evenly from such a range, one in half a minute."""
    rng, recorder, at_s = random.Random(1), Recorder(path), 1e9
    for i in range(300):
        at_s += rng.expovariate(1 / 30)
        prompt = [rng.randrange(1000) for _ in range(rng.randint(*prompts))]
        recorder.add(at_s, prompt, rng.randint(*answers), 1.0, f"r{i}")
    recorder.close()


def test_other_traffic_gets_another_chip(tmp_path, monkeypatch):
    """Who reads much and says little wants tokens side by side; who says much wants weights fast, a token at a time."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SARTOR_CACHE", str(tmp_path / "cache"))
    asked(tmp_path / "prompts.jsonl", (1200, 1900), (4, 20))
    asked(tmp_path / "answers.jsonl", (8, 40), (600, 1500))
    chips, drifts = {}, {}
    for name in ("prompts", "answers"):
        run(f"sartor design edge-smollm2 --traffic {name}.jsonl --points 20000 --no-build --out {name}")
        report = json.loads((tmp_path / name / "report.json").read_text(encoding="utf-8"))
        chips[name], drifts[name] = report["chip"]["design"], report["drift"]["redesign"]
    assert chips["prompts"]["columns"] >= 2 * chips["answers"]["columns"]
    assert chips["prompts"]["clock"] > chips["answers"]["clock"]
    for name, drift in drifts.items():  # the one that was made for it is cheaper than the one in service
        assert chips[name] != drift["old_design"] and 0 < drift["regret"] == drift["old_usd"] / drift["new_usd"] - 1


def test_the_loop(tmp_path, monkeypatch):
    pytest.importorskip("openai", reason="pip install openai")
    kept = cache_folder() / SMOLLM2.file_name
    if not kept.exists():
        pytest.skip("SmolLM2's weights are not in the cache (sartor design edge-smollm2 fetches them)")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SARTOR_CACHE", str(tmp_path / "cache"))
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / kept.name).symlink_to(kept)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    process = None
    try:
        for info, body in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
            body = body.replace(PORT, port)
            if info == "sh":
                if process is not None:  # what was recorded is looked at when the server has ended
                    process.send_signal(signal.SIGINT)
                    assert process.wait(120) == 0
                    process = ended(process)
                run(body.strip())
            elif info == "sh serve":
                process = served(body.strip(), port)
            elif info == "sh watch":
                assert "looks" in run(body.strip())
            else:
                said = io.StringIO()
                with redirect_stdout(said):
                    exec(body, {})
                assert len(said.getvalue().splitlines()) >= 3
                time.sleep(0.2)
    finally:
        if process is not None:
            process.kill()
            ended(process)
    found = read_trace("recorded.jsonl")
    assert len(found) == 3 and found.output_tokens.max() <= 8
    report = json.loads(Path("out/edge-smollm2/report.json").read_text(encoding="utf-8"))
    assert report["drift"]["before"] == "chat" and report["drift"]["now"] == "recorded"
    assert report["drift"]["figures"]["prompt_mean"][1] == found.prompt_tokens.mean()
    assert report["service"]["tried"] and "Drift" in Path("out/edge-smollm2/report.html").read_text(encoding="utf-8")
