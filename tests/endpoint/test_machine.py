"""What the endpoint computes side by side is what the program of the chip does in turns, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_network import tiny

from sartor.compiler.binary import compile_network
from sartor.compiler.together import Together
from sartor.endpoint.machine import OnGolden
from sartor.families.tensor.core import Core
from sartor.families.tensor.golden import Golden

CORES = {"plain": Core(columns=3), "one column": Core(columns=1), "short cache": Core(columns=4, cache_bits=4)}


@pytest.mark.parametrize("name", CORES)
def test_a_pass_side_by_side_is_the_pass_of_the_program(name):
    core, net = CORES[name], tiny(3, heads=4, kv_heads=2)
    one, other = (compile_network(core, net, 128, sequences=4) for _ in range(2))
    assert one.image is not other.image
    golden = Golden(other.core, other.image, other.program.instructions, other.program.constants)
    machine = OnGolden(one)
    here, there = Together(one, machine), Together(other, golden)
    for side in (here, there):  # who was in a place before has left keys and values behind
        for before in [side.enter([7, 11, 5] * 25, 9) for _ in range(2)]:
            side.leave(before)
    prompts = [[1, 2, 3], [9] * 12, [5], [7, 8] * 35]  # of two granules of 64 tokens, the last
    pairs = [(here.enter(p, 9), there.enter(p, 9)) for p in prompts]
    for group in ([0, 1], [2], [3, 1, 2], [1, 0]):
        for part in (group,) if core.columns > 2 else ([i] for i in group):
            a, b = (side.step([pairs[i][k] for i in part]) for k, side in enumerate((here, there)))
            assert a == b and machine.logits is not None
            assert np.array_equal(machine.logits, golden.state.logits[0, : len(part)])
    # Every key and value of everybody, and nothing else.
    assert np.array_equal(one.image, other.image)
