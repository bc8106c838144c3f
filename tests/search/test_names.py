"""Names that are needed only after the search are checked before it, with their place."""

import pytest

from sartor.errors import UnknownName
from sartor.search import study
from sartor.search.problem import problem
from sartor.tables import data_text

TEXT = data_text("studies/edge-smollm2.toml")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"jetson-agx-orin"', '"jetson-orin"', r"\[compare\] chips: unknown chip 'jetson-orin': did you mean"),
        ('{ name = "llama-3.2-1b" }', '{ name = "llama-3.2-1c" }', r"'llama-3.2-1c': did you mean 'llama-3.2-1b'"),
        ('profile = "reasoning"', 'profile = "reason"', r"'reason': did you mean 'reasoning'"),
        ('"N16", ', '"N15", ', r"edge-smollm2: \[search.space\] node: unknown node 'N15': did you mean"),
    ],
)  # fmt: skip
def test_a_wrong_name(old, new, message):
    assert old in TEXT
    with pytest.raises(UnknownName, match=message):
        problem(study.loads(TEXT.replace(old, new, 1), "mine.toml"))
