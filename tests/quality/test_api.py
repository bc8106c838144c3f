"""The command as users meet it, on a folder small enough for a test."""

import json

import pytest
from hf_folder import folder
from tokenizers import Tokenizer, models, pre_tokenizers
from typer.testing import CliRunner

from sartor import quality_of
from sartor.cli import app
from sartor.errors import BrokenFile, InputError, UnknownName
from sartor.families.tensor.design import FORMATS
from sartor.formats.measured import measured
from sartor.quality import text as texts
from sartor.quality.classes import parsed
from sartor.quality.recipe import Recipe
from sartor.quality.trained import needs_training, warnings
from sartor.search.parts import QualityPart
from sartor.search.quality import gate

FIGURES = {"kl", "perplexity", "reference_perplexity", "top1_agreement", "bits_per_weight", "tokens", "seconds"}


@pytest.fixture
def model(tmp_path):
    """Words are numbers."""
    path = folder(tmp_path / "model")
    words = Tokenizer(models.WordLevel({str(i): i for i in range(48)}, unk_token="0"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.save(str(path / "tokenizer.json"))
    return path


@pytest.fixture
def words(tmp_path):
    path = tmp_path / "numbers.txt"
    path.write_text(" ".join(str(i * i % 48) for i in range(2200)))
    return path


def asked(model, words, *more: str):
    arguments = ["quality", "--model", str(model), "--text", str(words), "--tokens", "32", *more]
    return CliRunner().invoke(app, arguments, catch_exceptions=False)


def test_one_object_of_json(model, words) -> None:
    formats = ["--weights", "int4-g32", "--activations", "int8", "--kv", "int8"]
    done = asked(model, words, *formats, "--per-class", "--json")
    found = json.loads(done.stdout)
    assert found.keys() >= FIGURES and found["tokens"] == 32 and found["bits_per_weight"] == 4.5
    assert [row["class"] for row in found["classes"]] == [
        "attn_q", "attn_k", "attn_v", "attn_o", "ffn_gate", "ffn_up", "ffn_down", "activations", "kv",
    ]  # fmt: skip
    assert found["kl"] == pytest.approx(sum(row["kl"] for row in found["classes"]), rel=0.5)
    assert found["warnings"] == []


def test_people_see_a_table_and_warnings(model, words) -> None:
    done = asked(model, words, "--weights", "ternary")
    assert "KL nats" in done.stdout and "model, 32 tokens of numbers.txt" in done.stdout
    assert "warning: ternary needs a checkpoint that was trained for it" in " ".join(done.stderr.split())


def test_rows_for_a_study_of_ones_own(model, words, tmp_path) -> None:
    # Each class, all together and the chip's arithmetic: what a bound on KL asks for, in one file, each line once.
    rows = tmp_path / "rows.csv"
    for more in (("--weights", "int4-g32", "--per-class", "--rotate"), ("--activations", "chip", "--kv", "chip")) * 2:
        assert asked(model, words, *more, "--rows", str(rows)).exit_code == 0
    assert len(rows.read_text().splitlines()) == 1 + 8 + 1
    found = gate(QualityPart(kl=9.0, measured_on="model", rows=str(rows)), "mine", None, "here")
    row, whole = FORMATS.index("int4-g32"), [r for r in measured(str(rows)) if r.model == "model"]
    assert found.weights[row] == next(r.kl for r in whole if r.weights == "int4-g32") > 0
    assert found.cache[FORMATS.index("int8-g32")] == next(r.kl for r in whole if r.kv == "chip") > 0
    assert sum(found.parts[part][row] for part in ("attn_qk", "attn_v", "attn_o", "ffn_in", "ffn_down")) > 0
    (tmp_path / "other.csv").write_text("no,such,columns\n")
    with pytest.raises(BrokenFile, match=r"other.csv: no column 'model'"):
        asked(model, words, "--weights", "int8", "--rows", str(tmp_path / "other.csv"))


def test_calibration_takes_other_tokens(model, words) -> None:
    plain, calibrated = (quality_of(str(model), f, text=words, tokens=32) for f in ("int3-g32", "int3-g32-gptq"))
    assert plain["kl"] != calibrated["kl"] and plain["bits_per_weight"] == calibrated["bits_per_weight"] == 3.5
    words.write_text(" ".join(str(i * i % 48) for i in range(2079)))
    with pytest.raises(InputError, match=r"numbers.txt: 2079 tokens, but 32 are scored and 2048 others calibrate"):
        quality_of(str(model), "int8-gptq", text=words, tokens=32)


@pytest.mark.parametrize(
    ("how", "error", "message"),
    [
        ({"weights": "int5"}, UnknownName, "unknown number format 'int5'"),
        ({"weights": "ffn_down=int8,int9-gptq"}, UnknownName, "unknown number format 'int9'"),
        ({"activations": "int7"}, UnknownName, "unknown number format 'int7'"),
        ({"activations": "int8-gptq"}, InputError, r"int8-gptq: -gptq calibrates weights alone \(try int8\)"),
        ({"rows": "no/folder/rows.csv"}, InputError, "--rows no/folder/rows.csv: there is no folder no/folder"),
        ({"kv": "int8-g31"}, UnknownName, "unknown number format 'int8-g31'"),
        ({"tokens": 2201}, InputError, "numbers.txt: 2200 tokens, but 2201 are scored"),
        ({"tokens": 600}, InputError, "--tokens 600: model scores 2 to 512 tokens in one window"),
        ({"tokens": 1}, InputError, "--tokens 1: model scores 2 to 512"),
        ({"text": "nowhere.txt"}, InputError, "--text nowhere.txt: No such file"),
        ({"model": "smollm3"}, InputError, "model 'smollm3': no weights are known"),
        ({"model": "nowhere.gguf"}, InputError, "nowhere.gguf: No such file"),
    ],
)
def test_bad_input_is_named(model, words, how, error, message) -> None:
    with pytest.raises(error, match=message):
        quality_of(**{"model": str(model), "weights": "int8", "text": words, "tokens": 32, **how})


def test_a_text_must_be_text(tmp_path) -> None:
    (tmp_path / "odd.txt").write_bytes(b"ab\xff\xfe")
    with pytest.raises(BrokenFile, match=r"odd.txt: not UTF-8 text \(byte 2\)"):
        texts.read(tmp_path / "odd.txt")


def test_texts_that_come_with_the_package() -> None:
    assert texts.read(None)[1].startswith("Shakespeare, William (1564--1616)") and len(texts.read("en")[1]) > 59_000
    assert "세 계 인 권 선 언" in texts.read("ko")[1]


@pytest.mark.parametrize(("weights", "rotate", "stored", "said"), [
    ("nvfp4", False, 5.0, True), ("nvfp4", True, 5.0, False), ("nvfp4", False, 16.0, False),
    ("none", False, 5.0, False),
])  # fmt: skip
def test_weights_that_were_rounded_before_are_said(weights: str, rotate: bool, stored: float, said: bool) -> None:
    found = warnings(Recipe(parsed(weights), rotate=rotate), 0.2, stored)
    assert [line.partition(":")[0] for line in found] == ["the file's weights have 5 bits already"] * said


def test_formats_that_need_training() -> None:
    odd = ["ternary", "int2-g32", "bcq2-g64", "int8-2:4", "mxfp4-2:4"]
    assert all(map(needs_training, odd)) and not any(map(needs_training, ["int3-g32", "bcq3-g64", "nvfp4-gptq"]))
