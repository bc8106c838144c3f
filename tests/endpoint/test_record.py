"""Recorded traffic: what a reader makes of it, and what a crash leaves."""

import contextlib
import json
import signal
import subprocess
import sys
import threading

import httpx
import pytest
from tiny_service import service, serving, until

from sartor.endpoint.lines import rotated
from sartor.endpoint.record import Recorder
from sartor.errors import InputError
from sartor.workload.traces import read_trace

WRITER = """
import sys
from sartor.endpoint.record import Recorder
recorder = Recorder(sys.argv[1], most_bytes=40_000)
for i in range(1_000_000):
    recorder.add(1e9 + i, range(600 + i % 50_000), 3)
    print(i + 1, flush=True)
"""


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_reader_finds_what_was_asked(tmp_path):
    recorder = Recorder(tmp_path / "a.jsonl")
    shared = list(range(512))
    recorder.add(100.0, [*shared, 1], 5)
    recorder.add(101.5, [*shared, 2], 7)
    recorder.close()
    found = read_trace(tmp_path / "a.jsonl")
    assert found.arrival_s.tolist() == [0, 1.5] and found.output_tokens.tolist() == [5, 7]
    assert found.prompt_tokens.tolist() == [513, 513] and found.prefix_hit == 0.25  # of four blocks one again


def test_equal_prompts_have_other_hashes_in_another_run(tmp_path):
    for name in "ab":
        recorder = Recorder(tmp_path / name)
        recorder.add(0.0, [1, 2, 3], 1)
        recorder.close()
    assert lines(tmp_path / "a")[0]["hash_ids"] != lines(tmp_path / "b")[0]["hash_ids"]


def test_big_files_are_renamed_and_old_ones_go(tmp_path):
    path = tmp_path / "a.jsonl"
    recorder = Recorder(path, most_bytes=300, keep=2)
    for i in range(20):
        recorder.add(float(i), [i], 1)
    recorder.close()
    assert [int(p.suffixes[-2][1:]) for p in rotated(path)] == [5, 6]
    kept = [entry["timestamp"] for p in (*rotated(path), path) for entry in lines(p)]
    assert kept == [1000.0 * i for i in range(20 - len(kept), 20)] and path.stat().st_size <= 300


def test_a_broken_line_is_cut_and_one_server_writes(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"whole": 1}\n{"bro')
    recorder = Recorder(path)
    with pytest.raises(InputError, match="another process writes it"):
        Recorder(path)
    recorder.add(0.0, [1], 1)
    recorder.close()
    assert set(lines(path)[0]) == {"whole"} and len(lines(path)) == 2


def test_a_full_disk_is_counted_and_leaves_whole_lines(tmp_path, monkeypatch):
    recorder = Recorder(tmp_path / "a.jsonl")
    recorder.add(0.0, [1], 1)
    write = sys.modules["os"].write
    monkeypatch.setattr("os.write", lambda file, line: write(file, line[:10]))
    recorder.add(1.0, [1], 1)
    monkeypatch.undo()
    recorder.add(2.0, [1], 1)
    recorder.close()
    assert [entry["timestamp"] for entry in lines(tmp_path / "a.jsonl")] == [0, 2000]
    assert (recorder.written, recorder.failed) == (2, 1)


@pytest.mark.parametrize("after", [1, 40, 300])
def test_kill_9_loses_nothing_and_breaks_nothing(tmp_path, after):
    path = tmp_path / "a.jsonl"
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    for line in writer.stdout:
        if int(line) >= after:
            break
    writer.send_signal(signal.SIGKILL)
    said = max([after, *(int(x) for x in writer.stdout if x.endswith("\n"))])
    writer.wait()
    writer.stdout.close()
    files = [*rotated(path), path]
    kept = [entry["timestamp"] for p in files if p.exists() for entry in lines(p)]
    assert len(kept) >= said and kept == [1e12 + 1e3 * i for i in range(len(kept))]


SERVER = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[3:]
from tiny_service import service
from sartor.endpoint.server import bound, run
ready = service(Path(sys.argv[1]), record=Path(sys.argv[2]))
run(ready, bound("127.0.0.1", 0, ()), lambda url: print(url, flush=True))
"""


@pytest.mark.slow
def test_kill_9_of_a_server_that_answers(tmp_path, images):
    """Whoever was answered is recorded, whatever the others were doing."""
    path, answered = tmp_path / "a.jsonl", []
    places = [place for place in sys.path if place]
    command = [sys.executable, "-c", SERVER, str(images), str(path), *places]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        url = server.stdout.readline().strip()

        def ask(seed: int) -> None:
            for i in range(1000):
                body = {"model": "tiny", "prompt": "A" * (1 + (seed + i) % 20), "max_tokens": 1 + i % 7}
                with contextlib.suppress(httpx.HTTPError):
                    answered.append(httpx.post(url + "/v1/completions", json=body, timeout=30).status_code)
                    continue
                return

        threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(4)]
        for thread in threads:
            thread.start()
        until(lambda: len(answered) >= 20)
        server.kill()
        for thread in threads:
            thread.join()
    assert set(answered) == {200} and len(answered) <= len(lines(path)) <= len(answered) + 4
    assert len(read_trace(path)) == len(lines(path))


def test_the_endpoint_records_and_never_text(tmp_path, images):
    path = tmp_path / "a.jsonl"
    with serving(service(images, record=path)) as served:
        body = {"model": "tiny", "prompt": "SECRETS", "max_tokens": 3}
        assert httpx.post(served.url + "/v1/completions", json=body).status_code == 200
        until(lambda: served.metric("sartor:recorded_requests") == 1)
    (entry,) = lines(path)
    assert set(entry) == {"timestamp", "input_length", "output_length", "hash_ids", "batch", "request_id"}
    assert (entry["input_length"], entry["output_length"]) == (7, 3)
    assert "SECRETS" not in path.read_text()
