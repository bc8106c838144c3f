"""What a user writes to give classes of tensors their formats."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sartor.errors import InputError, UnknownName
from sartor.quality.classes import LINEAR, WEIGHTS, parsed, shown


def test_fewer_classes_win() -> None:
    found = parsed("attn_v=int8,attention=q8_0,INT4-g32,embedding=int8")
    assert found == {
        "attn_q": "q8_0", "attn_k": "q8_0", "attn_v": "int8", "attn_o": "q8_0", "ffn_gate": "int4-g32",
        "ffn_up": "int4-g32", "ffn_down": "int4-g32", "embedding": "int8",
    }  # fmt: skip
    assert parsed("int8,attn_v=none") == dict.fromkeys((p for p in LINEAR if p != "attn_v"), "int8")
    assert parsed("none") == {}


@given(st.dictionaries(st.sampled_from(WEIGHTS), st.sampled_from(["int8", "nvfp4", "int4-g32-gptq"])))
def test_what_is_shown_is_read_back(formats: dict[str, str]) -> None:
    assert parsed(shown(formats)) == formats


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("int8,int4-g32", "--weights 'int8,int4-g32': linear has two formats"),
        ("ffn_down=", "--weights 'ffn_down=': ffn_down has no format"),
        ("", "linear has no format"),
    ],
)
def test_what_makes_no_sense_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parsed(text)


def test_an_unknown_class_names_the_closest() -> None:
    with pytest.raises(UnknownName, match=r"--weights: unknown class of tensors 'ffn_donw': did you mean 'ffn_down'"):
        parsed("ffn_donw=int8")
