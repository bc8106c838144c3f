"""Names and files to models, TOML and back, and the summary that `sartor read` prints."""

import json

import pytest
from gguf_samples import gguf, metadata, tensors
from hypothesis import given
from pytest import approx
from test_operators_laws import models, unhurried

from sartor.errors import BrokenFile, InputError, UnknownName, Unsupported
from sartor.workload import model_toml, sizes
from sartor.workload.derive import operators
from sartor.workload.find import bundled, find_model, names
from sartor.workload.step import Step
from sartor.workload.summary import summary


def test_bundled_names():
    assert len(names()) >= 24
    for name in names():
        model = bundled(name)
        assert model.name == name
        assert model.source and model.kind in ("seen", "recalled")
        assert model_toml.loads(model_toml.dumps(model)) == model


def test_names_do_not_mind_capitals():
    assert find_model("Llama-3.1-8B") == find_model("llama-3.1-8b")


def test_unknown_name_names_the_closest():
    with pytest.raises(UnknownName, match=r"unknown model 'llama-3.1-80b': did you mean 'llama-3.1-8b'\?"):
        find_model("llama-3.1-80b")


@pytest.mark.parametrize("name", ["none/config.json", "none.gguf", "/nowhere/at/all"])
def test_a_path_that_is_not_there(name):
    with pytest.raises(InputError, match="no such file"):
        find_model(name)


@pytest.mark.parametrize("name", ["", "\0", "x" * 10_000, "한글", "*"])
def test_odd_names(name):
    with pytest.raises(InputError):
        find_model(name)


def test_folders(tmp_path):
    with pytest.raises(InputError, match=r"holds no config.json and 0 .gguf files"):
        find_model(tmp_path)
    (tmp_path / "m.gguf").write_bytes(gguf(metadata("llama"), tensors()))
    assert find_model(tmp_path).name == "m"
    (tmp_path / "notes.txt").touch()
    with pytest.raises(Unsupported, match=r"notes.txt: not a kind of model file"):
        find_model(tmp_path / "notes.txt")


def test_our_own_toml(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(model_toml.dumps(bundled("deepseek-v3")))
    assert find_model(path) == bundled("deepseek-v3")


@unhurried
@given(models)
def test_toml_round_trip(model):
    assert model_toml.loads(model_toml.dumps(model)) == model


GOOD = model_toml.dumps(bundled("llama-3.1-8b"))


@pytest.mark.parametrize(
    ("old", "new", "error", "message"),
    [
        ("hidden = 4096", "hiden = 4096", UnknownName, "m.toml: unknown key 'hiden': did you mean 'hidden'?"),
        ("hidden = 4096", "", BrokenFile, "m.toml: missing hidden"),
        ("hidden = 4096", "hidden = -1", InputError, "m.toml: hidden = -1 must be between 1 and 2147483648"),
        ("hidden = 4096", "hidden = nan", InputError, "hidden = nan must be a whole number"),
        (
            "kv_heads = 8",
            "kv_heads = 5",
            InputError,
            "layers[0]: mixer: GroupedAttention: kv_heads = 5 does not divide",
        ),
        ('kind = "grouped"', 'kind = "group"', UnknownName, "unknown kind 'group': did you mean 'grouped'?"),
        ("tied = false", "tied = 0", InputError, "tied = 0 must be true or false"),
        ("count = 32", "count = 0", InputError, "layers[0]: count = 0 must be between 1"),
        ("[[layers]]", "[[layers", BrokenFile, "m.toml: not TOML"),
        ("[[layers]]", "[[other]]", BrokenFile, "m.toml: missing [[layers]]"),
    ],
)
def test_toml_errors(old, new, error, message):
    assert old in GOOD
    with pytest.raises(error) as caught:
        model_toml.loads(GOOD.replace(old, new), "m.toml")
    assert message in str(caught.value)


def test_summary_is_json_and_adds_up():
    model = find_model("smollm2-135m-q4_1")
    found = json.loads(json.dumps(summary(model, batch=2, context=100, kv="int8")))
    assert (found["parameters"], found["weight_bytes"]) == (134_515_008, sizes.weight_bytes(model))
    decode, prefill = found["phases"]["decode"], found["phases"]["prefill"]
    assert (prefill["tokens"], decode["tokens"]) == (200, 2)
    assert decode["macs"] == operators(model, "decode").macs(Step(2, 1, 100))
    assert decode["macs"] == sum(op.get("macs", 0) for op in decode["operators"])
    assert decode["vector_lane_ops"] == sum(op.get("lane_ops", 0) for op in decode["operators"])
    # 30 layers of 2 x 3 x 64 = 384 bytes and a scale of 2, for 2 x 100 tokens read and 2 written.
    assert found["kv_bytes_per_token"] == 30 * 386
    assert decode["cache_bytes_read"] == 200 * 30 * 386
    assert decode["cache_bytes_written"] == 2 * 30 * 386
    # All weights are read once; the tied table is the head, two rows of it are looked up besides.
    assert decode["weight_bytes_read"] == approx(sizes.weight_bytes(model) + 2 * 576 * 8.5 / 8)


@pytest.mark.parametrize("name", names())
def test_summary_of_every_model(name):
    found = summary(find_model(name))
    assert json.dumps(found, allow_nan=False)
    assert (
        found["phases"]["decode"]["weight_bytes_read"] <= found["weight_bytes"] + 2 * find_model(name).hidden
    )


def test_summary_refuses_nothing_to_do():
    with pytest.raises(InputError, match="batch = 0 and context = 1024 must be at least 1"):
        summary(find_model("smollm2-135m"), batch=0)
