"""Text to tokens and back: by hand on a small vocabulary, against llama.cpp on the real one."""

import random
import struct

import pytest
from gguf_samples import F32, gguf

from sartor.compiler import tokenizer as module
from sartor.compiler.tokenizer import tokenizer
from sartor.errors import BrokenFile, InputError, Unsupported
from sartor.workload.readers import gguf_header, gguf_vocabulary

CONTROL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
MERGES = ["Ġ h", "i t", "Ġh it", "1 2", "ì ķ"]
TEMPLATE = "{{'<|im_start|>system\nBe brief.<|im_end|>\n'}}..."


def metadata(**more) -> dict:
    tokens = [*CONTROL, *module._BYTES, *(m.replace(" ", "") for m in MERGES)]
    keys = {
        "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "smollm", "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [3] * 3 + [1] * (len(tokens) - 3), "tokenizer.ggml.merges": MERGES,
        "tokenizer.ggml.eos_token_id": 2, "tokenizer.ggml.bos_token_id": 1, "tokenizer.chat_template": TEMPLATE,
    }  # fmt: skip
    keys.update({k.replace("__", "."): v for k, v in more.items()})
    return {k: v for k, v in keys.items() if v is not None}


@pytest.fixture
def small(tmp_path):
    def build(**more):
        (tmp_path / "small.gguf").write_bytes(gguf(metadata(**more), {"a": ((32,), F32)}))
        return tokenizer(tmp_path / "small.gguf")

    return build


def texts(t, ids: list[int]) -> list[str]:
    return [t.vocabulary.tokens[i] for i in ids]


def test_merges_by_hand(small) -> None:
    t = small()
    # "hit": h, it; " hit": Ġh (rank 0) and it (rank 1), then both. Digits never meet, though 1 2 is a merge.
    assert texts(t, t.encode("hit hit12")) == ["h", "it", "Ġhit", "1", "2"]
    assert t.decode(t.encode("hit hit12")) == "hit hit12"


def test_a_character_in_two_tokens_comes_with_the_second(small) -> None:
    t = small()
    ids = t.encode("안")  # EC 95 88: the first two are merged
    assert texts(t, ids) == ["ìķ", "Ī"]
    assert list(t.stream(ids)) == ["", "안"]
    assert t.decode(ids[:1]) == "\N{REPLACEMENT CHARACTER}"


def test_control_tokens_are_text_unless_asked_for(small) -> None:
    t = small()
    assert t.encode("<|im_end|>hit", special=True) == [2, *t.encode("hit")]
    assert 2 not in t.encode("<|im_end|>hit") and t.decode(t.encode("<|im_end|>hit")) == "<|im_end|>hit"
    assert t.decode([2]) == ""


def test_ends_of_text(small) -> None:
    assert small().ends == {0, 2}


def test_a_file_says_whether_a_text_begins_with_a_token(small) -> None:
    assert small(tokenizer__ggml__add_bos_token=1).encode("1")[0] == 1 != small().encode("1")[0]


def test_a_conversation(small) -> None:
    t = small()
    whole = (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nhit<|im_end|>\n<|im_start|>assistant\n"
    )
    assert t.chat("hit") == t.encode(whole, special=True)
    assert t.chat("hit", "Be loud.") == t.encode(whole.replace("brief", "loud"), special=True)
    assert t.chat("<|im_end|>").count(2) == 2  # what is typed ends nothing


def test_half_a_surrogate_pair_is_no_text(small) -> None:
    assert small().decode(small().encode("a\ud83d1")) == "a?1"


@pytest.mark.parametrize(
    ("more", "error", "message"),
    [
        ({"model": "llama"}, Unsupported, "tokenizer 'llama' is not known (gpt2, byte-level BPE, is)"),
        ({"pre": "llama-bpe"}, Unsupported, "pre-tokenizer 'llama-bpe' is not known (smollm is)"),
        ({"merges": ["a b c"]}, BrokenFile, "merge 'a b c' is not of two tokens to a third"),
        ({"merges": ["x y"]}, BrokenFile, "merge 'x y' is not of two tokens to a third"),
        (
            {"tokens": None}, BrokenFile,
            "metadata tokenizer.ggml.tokens is missing or not a list (the file has no tokenizer)",
        ),
        (
            {"merges": 5}, BrokenFile,
            "metadata tokenizer.ggml.merges is missing or not a list (the file has no tokenizer)",
        ),
        ({"token_type": [1, 1]}, BrokenFile, "264 tokens, but types of 2"),
        ({"eos_token_id": 264}, BrokenFile, "the eos token is 264, but there are 264 tokens"),
    ],
)  # fmt: skip
def test_refused(small, more: dict, error: type, message: str) -> None:
    with pytest.raises(error) as caught:
        small(**{f"tokenizer__ggml__{k}": v for k, v in more.items()})
    assert str(caught.value) == f"small.gguf: {message}"


def test_other_templates_and_tokens_are_refused(small) -> None:
    with pytest.raises(Unsupported, match="its chat template is not ChatML"):
        small(tokenizer__chat_template="[INST]").chat("hit")
    with pytest.raises(InputError, match="token 264 is not in the vocabulary of 264"):
        small().decode([264])


def test_kept_arrays_are_checked_like_all_lengths() -> None:
    keep = frozenset(["tokenizer.ggml.merges"])
    good = gguf({"tokenizer.ggml.merges": ["a b"]}, {})
    assert gguf_header.parse(good, "m", keep).metadata == {"tokenizer.ggml.merges": ("a b",)}
    at = good.index(struct.pack("<Q", 1) + struct.pack("<Q", 3))
    for damaged, message in [
        (good[:at] + struct.pack("<Q", 10**9) + good[at + 8 :], "length of metadata"),
        (good[:at] + struct.pack("<QQ", 1, 10**9) + good[at + 16 :], "needs|length of metadata"),
        (good[: at - 4] + struct.pack("<I", 9) + good[at:], "is an array of the value type 9"),
    ]:
        with pytest.raises(BrokenFile, match=message):
            gguf_header.parse(damaged, "m", keep)


def test_the_real_vocabulary_as_the_gguf_package_reads_it(smollm2) -> None:
    fields = pytest.importorskip("gguf", reason="pip install gguf").GGUFReader(smollm2).fields
    ours = gguf_vocabulary.read(smollm2)
    assert list(ours.tokens) == fields["tokenizer.ggml.tokens"].contents()
    assert list(ours.merges) == fields["tokenizer.ggml.merges"].contents()
    assert ours.control == set(range(17)) and (ours.bos, ours.eos, ours.add_bos) == (1, 2, False)


def test_real_text_comes_back(smollm2) -> None:
    t = tokenizer(smollm2)
    assert t.encode("The capital of South Korea is") == [504, 3575, 282, 2582, 9096, 314]
    for text in samples():
        assert t.decode(t.encode(text)) == text


WORDS = [
    "The quick brown fox", "don't", "I'LL", "we've", "naïve", "안녕하세요", "대한민국의 수도는", "서울", "漢字", "かな",
    "def f(x):", "    return x", "\t\tif (a != b) {", "}", "//", "/* x */", "==", "!=", "->", "0", "7", "12", "2024",
    "3.14",
    "1,000,000", "0x1F", "²³", "½", "Ⅷ", "٣", "१२",
    " ", "  ", "   ", "\n", "\n\n", "\r\n", "\t", "\u00a0", "\u3000", "\u200b",
    "😀", "👩‍👩‍👧", "🇰🇷", "é", "e\u0301", "…", "—", "“quoted”", "‘s", "'s", "'S", "_", "__init__", "a_b", "CamelCase",
    "http://x.org/a?b=c&d=%20", "user@host", "#tag", "@", "$5", "€", "≤", "∀x∈S", "Straße", "Ωμέγα", "Привет", "مرحبا",
    "שלום", "ไทย", "नमस्ते", "<|im_start|>", "<|im_end|>", "<|endoftext|>", "<repo_name>", "<|nothing|>",
    "\u0300", "ﬁ", "A",
]  # fmt: skip


def samples() -> list[str]:
    """Each word, and 160 seeded mixtures."""
    rng = random.Random(0)
    glue = ["", "", " ", " ", "  ", "\n"]
    mixed = [
        "".join(rng.choice(WORDS) + rng.choice(glue) for _ in range(rng.randint(2, 12))) for _ in range(160)
    ]
    return [*WORDS, *mixed]


@pytest.mark.slow
@pytest.mark.parametrize("special", [False, True])
def test_real_text_as_llama_cpp_has_it(smollm2, llama_cpp, special: bool) -> None:
    t = tokenizer(smollm2)
    assert len(samples()) > 200
    for text in samples():
        assert t.encode(text, special) == llama_cpp.tokens(text, special), repr(text)
    # Nothing stands in front, with or without what the file adds.
    assert llama_cpp.tokens("1", bos=True) == t.encode("1")


@pytest.mark.slow
def test_a_real_conversation_as_llama_cpp_has_it(smollm2, llama_cpp) -> None:
    t = tokenizer(smollm2)
    for system in (None, "Answer in Korean."):
        messages = [{"role": "user", "content": "Name 3 cities."}]
        if system:
            messages.insert(0, {"role": "system", "content": system})
        text = llama_cpp.ask("apply-template", messages=messages)["prompt"]
        assert t.chat("Name 3 cities.", system) == llama_cpp.tokens(text, special=True)
