"""The page of the loop runs: a chip is designed, served with its real weights, recorded, and designed again."""

import io
import json
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
