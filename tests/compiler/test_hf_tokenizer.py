"""The tokenizer of a Hugging Face folder: a small one by hand."""

import json

import pytest
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors

from sartor.compiler import tokenizer as module
from sartor.compiler.hf_tokenizer import folder_tokenizer
from sartor.errors import BrokenFile, InputError

CONTROL = ["<s>", "<|im_end|>", "<|end|>"]
MERGES = [("Ġ", "h"), ("i", "t"), ("Ġh", "it"), ("ì", "ķ")]


@pytest.fixture
def folder(tmp_path):
    words = [*CONTROL, *module._BYTES, *("".join(m) for m in MERGES)]
    built = Tokenizer(models.BPE({word: i for i, word in enumerate(words)}, MERGES))
    built.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    built.decoder = decoders.ByteLevel()
    built.add_special_tokens([AddedToken(c, special=True) for c in CONTROL])
    built.post_processor = processors.TemplateProcessing("<s> $A", special_tokens=[("<s>", 0)])
    built.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "config.json").write_text(json.dumps({"eos_token_id": [2, 7]}))
    return tmp_path


def test_text_comes_back(folder) -> None:
    t = folder_tokenizer(folder)
    ids = t.encode("hit hit")
    # The file says that a text begins with <s>, which has no text of its own.
    assert ids[0] == 0 and len(ids) == 4 and t.decode(ids) == "hit hit"
    assert "".join(t.stream(ids)) == "hit hit"


def test_a_character_in_two_tokens_comes_with_the_second(folder) -> None:
    t = folder_tokenizer(folder)
    ids = t.encode("안")[1:]  # EC 95 88: the first two are merged
    assert len(ids) == 2 and list(t.stream(ids)) == ["", "안"]


def test_control_tokens_are_text_unless_asked_for(folder) -> None:
    t = folder_tokenizer(folder)
    assert t.encode("<|im_end|>", special=True) == [0, 1]
    assert len(t.encode("<|im_end|>")) > 2 and t.decode(t.encode("<|im_end|>")) == "<|im_end|>"


def test_what_ends_a_text(folder) -> None:
    assert folder_tokenizer(folder).ends == {1, 2, 7}  # by its name, and as the config says
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": 9}))
    assert folder_tokenizer(folder).ends == {1, 2, 7, 9}


def test_what_is_refused(folder) -> None:
    t = folder_tokenizer(folder)
    for call in (t.decode, lambda ids: list(t.stream(ids))):
        with pytest.raises(InputError, match=r"token 5000 is not in the vocabulary of \d+"):
            call([5000])
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(BrokenFile, match=r"tokenizer\.json: not a tokenizer"):
        folder_tokenizer(folder)
    (folder / "tokenizer.json").unlink()
    with pytest.raises(InputError, match=r"tokenizer\.json: no such file"):
        folder_tokenizer(folder)
