"""Several sequences in a batch say what each says alone, to the last bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_network import tiny

from sartor.compiler.binary import Binary, compile_network
from sartor.compiler.session import Session, check_prompt, longest_prompt
from sartor.compiler.together import Together
from sartor.errors import InputError
from sartor.families.tensor.core import Core
from sartor.families.tensor.golden import Golden
from sartor.families.tensor.network import Network

CONTEXT, VOCABULARY = 64, 64
CORES = {
    "plain": Core(columns=4), "one row tile": Core(rows=32, columns=3, vector_lanes=8),
    "short cache": Core(columns=4, cache_bits=4), "wide keys": Core(columns=5, cache_bits=4, wide_keys=True),
}  # fmt: skip


def golden_of(binary: Binary) -> Golden:
    program = binary.program
    return Golden(binary.core, binary.image.copy(), program.instructions, program.constants)


def alone(core: Core, net: Network, prompt: list[int], count: int) -> list[int]:
    binary = compile_network(core, net, CONTEXT)
    return list(Session(binary, golden_of(binary)).generate(prompt, count))


@pytest.mark.parametrize("name", CORES)
@settings(max_examples=8, deadline=None)
@given(data=st.data(), heads=st.sampled_from([(1, 1), (4, 2), (6, 1), (2, 2)]), seed=st.integers(0, 9))
def test_a_batch_says_what_each_says_alone(name: str, data: st.DataObject, heads: tuple[int, int], seed: int) -> None:
    core, net = CORES[name], tiny(seed, heads=heads[0], kv_heads=heads[1])
    prompt = st.lists(st.integers(0, VOCABULARY - 1), min_size=1, max_size=40)
    prompts = data.draw(st.lists(prompt, min_size=1, max_size=core.columns))
    binary = compile_network(core, net, CONTEXT, sequences=len(prompts))
    golden = golden_of(binary)
    found = np.array(list(Together(binary, golden).generate(prompts, 3))).T.tolist()
    assert found == [alone(core, net, each, 3) for each in prompts]
    # All logits of the last step, not the largest alone.
    for column, each in enumerate(prompts):
        one = compile_network(core, net, CONTEXT)
        machine = golden_of(one)
        list(Session(one, machine).generate(each, 3))
        assert np.array_equal(golden.state.logits[0, column], machine.state.logits[0, 0])


def test_who_leaves_makes_room_for_another() -> None:
    """Sequences come and go; a step is of those that are there, in any order, each in the place it took."""
    core, net, first, second, third = Core(columns=2), tiny(2), [1, 2, 3], [9] * 20, [5, 4]
    binary = compile_network(core, net, CONTEXT, sequences=2)
    together = Together(binary, golden_of(binary))
    a, b = together.enter(first, 5), together.enter(second, 5)
    said = {a.place: [], b.place: []}
    for group in ([a], [b, a], [b]):
        for one, token in zip(group, together.step(group), strict=True):
            said[one.place].append(token)
    with pytest.raises(InputError, match="all 2 places of the memory have a sequence"):
        together.enter(third, 1)
    together.leave(a)
    c = together.enter(third, 5)
    assert c.place == a.place
    later = [together.step([c, b]) for _ in range(3)]
    assert said[a.place] == alone(core, net, first, 2)
    assert said[b.place] + [token for _, token in later] == alone(core, net, second, 5)
    assert [token for token, _ in later] == alone(core, net, third, 3)


def test_places_are_free_again_when_nobody_asks_for_more() -> None:
    """Also where the second finds none: the first one's is not lost."""
    binary = compile_network(Core(columns=2), tiny(2), CONTEXT)
    together = Together(binary, golden_of(binary))
    with pytest.raises(InputError, match="all 1 places"):
        next(together.generate([[1], [2]], 3))
    asked = together.generate([[1, 2]], 3)
    next(asked)
    asked.close()
    assert len(list(together.generate([[1, 2]], 3))) == 3


def test_a_prompt_is_fed_between_the_steps_of_others() -> None:
    """Whoever is in the middle of a prompt keeps what it has, and what the others say does not change."""
    core, net, long, short = Core(columns=2), tiny(2), [3, 1, 4, 1, 5, 9, 2, 6], [2, 7]
    binary = compile_network(core, net, CONTEXT, sequences=2)
    together = Together(binary, golden_of(binary))
    a, b, said = together.enter(short, 9), together.admit(long, 3), []
    with pytest.raises(InputError, match=r"place 1 has 0 tokens of its prompt in its cache, not 7 \(feed it first"):
        together.step([a, b])
    while not b.is_fed:
        together.feed(b)
        said += together.step([a])
    with pytest.raises(InputError, match="place 1 has all of its prompt but the last token in its cache"):
        together.feed(b)
    assert len(said) == 4  # chunks of two of the seven tokens before the last
    both = [together.step([a, b]) for _ in range(3)]
    assert said + [token for token, _ in both] == alone(core, net, short, 7)
    assert [token for _, token in both] == alone(core, net, long, 3)


def test_a_place_is_only_its_own_sequences() -> None:
    binary = compile_network(Core(columns=2), tiny(2), CONTEXT, sequences=2)
    together = Together(binary, golden_of(binary))
    gone, other = together.enter([1, 2], 3), together.enter([3], 3)
    together.leave(gone)
    together.leave(gone)  # frees nothing twice
    now = together.enter([4, 5], 3)
    assert now.place == gone.place
    for wrong in (lambda: together.step([gone]), lambda: together.feed(gone)):
        with pytest.raises(InputError, match="the sequence of place 0 has left it"):
            wrong()
    with pytest.raises(InputError, match="a sequence twice in one step"):
        together.step([other, other])
    together.leave(gone)  # nor another's
    with pytest.raises(InputError, match="all 2 places"):
        together.enter([6], 1)


def test_a_prompt_that_fails_frees_its_place() -> None:
    binary = compile_network(Core(columns=2), tiny(2), CONTEXT, sequences=1)

    class Broken:
        def start(self, given):
            raise OSError

    together = Together(binary, Broken())
    with pytest.raises(OSError):
        together.enter([1, 2, 3], 1)
    together.machine = golden_of(binary)
    assert together.enter([1, 2, 3], 1).place == 0


@pytest.mark.parametrize("columns", [1, 2, 3, 5, 7])
def test_the_longest_prompt_has_room_for_its_last_chunk(columns: int) -> None:
    """Of 64 tokens and chunks of 5 the 12 whole ones: 60 tokens, and the last one, which is in none."""
    binary = compile_network(Core(columns=columns), tiny(2), CONTEXT)
    most = longest_prompt(binary)
    assert most == {1: 64, 2: 64, 3: 64, 5: 61, 7: 64}[columns]
    check_prompt(binary, [1] * most, 1)
    with pytest.raises(InputError, match="places in the KV cache"):
        check_prompt(binary, [1] * (most + 1), 1)


def test_a_sequence_never_writes_into_the_cache_of_another() -> None:
    binary = compile_network(Core(columns=2), tiny(2), CONTEXT, sequences=2)
    together = Together(binary, golden_of(binary))
    one = together.enter([1] * CONTEXT, 1)
    together.step([one])
    with pytest.raises(InputError, match=f"place 0 has {CONTEXT} tokens, all that its KV cache holds"):
        together.step([one])


def test_a_core_of_one_column_decodes_one_sequence_a_step() -> None:
    core, net = Core(columns=1), tiny(1)
    binary = compile_network(core, net, CONTEXT, sequences=2)
    assert binary.program.batch == binary.program.decode
    together = Together(binary, golden_of(binary))
    a, b = together.enter([1, 2, 3], 2), together.enter([7, 8], 2)
    said = [[together.step([one])[0] for one in (a, b)] for _ in range(2)]
    assert [list(each) for each in zip(*said, strict=True)] == [
        alone(core, net, [1, 2, 3], 2), alone(core, net, [7, 8], 2)
    ]
    with pytest.raises(InputError, match="2 sequences a step, but the core decodes 1 to 1 of tiny"):
        together.step([a, b])


def test_a_program_too_long_has_no_batch() -> None:
    """32 queries of a KV head in two columns: 16 passes, written out, are a longer layer than a loop holds."""
    binary = compile_network(Core(columns=2), tiny(heads=32, dim=64), CONTEXT, sequences=2)
    assert binary.program.batch == binary.program.decode and binary.program.together == 1
    assert compile_network(Core(columns=4), tiny(heads=32, dim=64), CONTEXT).program.together == 4


def test_programs_of_one_sequence_are_as_they_were() -> None:
    """More sequences make the memory larger and nothing else."""
    core, net = Core(columns=4), tiny()
    one, many = (compile_network(core, net, CONTEXT, sequences=n) for n in (1, 3))
    assert many.program == one.program
    assert many.memory == replace(one.memory, sequences=3, end=one.memory.end + 2 * one.memory.cache_words)
    assert many.memory.cache_of(2) == 2 * one.memory.cache_words
    with pytest.raises(InputError, match="place 3 is not one of the 3"):
        many.memory.cache_of(3)
