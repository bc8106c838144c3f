"""A conversation: chunks, positions, limits."""

from dataclasses import dataclass, field

import pytest
from tiny_network import machine, tiny

from sartor.compiler.binary import compile_network
from sartor.compiler.session import Session
from sartor.errors import InputError
from sartor.families.tensor.core import Core


@dataclass
class Recorder:
    """Counts up from 10 instead of computing."""

    calls: list = field(default_factory=list)

    def run(self, entry: int, position: int, tokens: list[int]) -> int:
        self.calls.append((entry, position, tokens))
        return 10 + len(self.calls)


@pytest.fixture(scope="module")
def binary():
    return compile_network(Core(columns=3), tiny(layers=1), 64)


def test_a_prompt_runs_in_chunks_and_its_last_token_in_decode(binary) -> None:
    recorder = Recorder()
    assert list(Session(binary, recorder).generate([1, 2, 3, 4, 5], 2)) == [13, 14]
    prefill, decode, row = binary.program.prefill, binary.program.decode, binary.row
    # Three tokens, then one and two copies that fill the chunk up; then the last of the prompt, then what came.
    assert recorder.calls == [
        (prefill, 0, [row(1), row(2), row(3)]), (prefill, 3, [row(4)] * 3),
        (decode, 4, [row(5)]), (decode, 5, [row(13)]),
    ]  # fmt: skip


def test_a_prompt_of_one_token_has_no_prefill(binary) -> None:
    recorder = Recorder()
    assert list(Session(binary, recorder).generate([7], 1)) == [11]
    assert recorder.calls == [(binary.program.decode, 0, [binary.row(7)])]


@pytest.mark.parametrize(
    ("prompt", "count", "message"),
    [
        ([], 1, "the prompt is empty (at least one token)"),
        (
            [1] * 60, 6,
            "a prompt of 60 tokens and 6 more need 65 places in the KV cache, but it holds 64 "
            "(a shorter prompt, fewer tokens, or more context)",
        ),
        # 64 tokens and none more fit, but the last chunk of three would be written beyond: 63 = 21 chunks.
        ([1] * 65, 0, "a prompt of 65 tokens and 0 more need 66 places in the KV cache, but it holds 64 "
                      "(a shorter prompt, fewer tokens, or more context)"),
        ([1, 64], 1, "token 64 is not in the vocabulary of 64"),
        ([1, -1], 1, "token -1 is not in the vocabulary of 64"),
    ],
)  # fmt: skip
def test_limits(binary, prompt: list[int], count: int, message: str) -> None:
    with pytest.raises(InputError) as error:
        list(Session(binary, Recorder()).generate(prompt, count))
    assert str(error.value) == message


def test_the_whole_context_can_be_used() -> None:
    net = tiny(layers=1)
    binary, golden = machine(Core(columns=3), net, 64)
    words = list(Session(binary, golden).generate([1, 2, 3], 62))
    assert len(words) == 62 and all(0 <= w < 64 for w in words)
    again = list(Session(binary, golden).generate([1, 2, 3], 5))
    assert again == words[:5]  # what is left in the cache does not show
