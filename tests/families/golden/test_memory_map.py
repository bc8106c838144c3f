"""Places in the scratchpad and the memory: as large as said, apart, and refused with a remedy."""

import dataclasses
from itertools import pairwise

import numpy as np
import pytest
from fitted_core import fitted
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_network import blocks, tiny

from sartor.compiler.binary import compile_network
from sartor.errors import InputError
from sartor.families.tensor import lower, memory_map
from sartor.families.tensor.core import Core
from sartor.families.tensor.golden import Golden
from sartor.families.tensor.isa import Op, Target

POWERS = {"rows": (2, 64), "vector_lanes": (2, 32), "port_bytes": (16, 256)}


@st.composite
def cores(draw) -> Core:
    sizes = {
        k: 1 << draw(st.integers(a.bit_length() - 1, b.bit_length() - 1)) for k, (a, b) in POWERS.items()
    }
    lanes, bits = draw(st.sampled_from([32, 64])), draw(st.sampled_from([4, 8]))
    return fitted(lanes=lanes, columns=draw(st.integers(1, 16)), multiplier_bits=bits, **sizes)


NETWORKS = [
    tiny(head_dim=64, heads=1, layers=1), tiny(1, heads=3, kv_heads=3, head_dim=64, dim=96, ffn=32, vocabulary=33),
    tiny(2, heads=4, kv_heads=1, head_dim=64, ffn=224, layers=1, minimum=True),
]  # fmt: skip


@settings(max_examples=60)
@given(cores(), st.sampled_from(NETWORKS), st.integers(1, 3))
def test_the_parts_of_the_memory_follow_each_other(core: Core, net, granules: int) -> None:
    memory = compile_network(core, net, granules * core.granule).memory
    starts = (
        memory.weights,
        memory.layer_words,
        memory.stream_words,
        memory.embedding,
        memory.rope,
        memory.cache,
    )
    assert all(a <= b for a, b in pairwise((*starts, memory.end)))
    port, context = core.port_bytes, granules * core.granule
    assert memory.embedding + net.vocabulary * -(-net.dim * 4 // port) <= memory.rope
    assert memory.rope + -(-context * net.head_dim * 8 // port) <= memory.cache
    # Codes, a scale for 32 elements of a key, and one for a token's values: nothing is padded.
    head_bytes = context * (2 * net.head_dim + net.head_dim // 32 * 2 + 2)
    assert memory.nbytes == memory.cache * port + len(net.layers) * net.kv_heads * head_bytes


@settings(max_examples=60)
@given(cores(), st.sampled_from(NETWORKS), st.integers(1, 3), st.booleans())
def test_vectors_in_the_scratchpad_are_apart(core: Core, net, granules: int, prefill: bool) -> None:
    columns, context = core.columns if prefill else 1, granules * core.granule
    s = memory_map.scratch(core, net, columns, context)
    heads, kv = net.heads * net.head_dim // 32, net.kv_heads * net.head_dim // 32

    def tile(n: int) -> int:  # groups that whole row tiles write
        return -(-(-(-n // core.rows) * core.rows) // 32)

    steps = [
        (s.x, columns * tile(net.dim)), (s.t, columns * tile(net.dim)), (s.gamma, net.dim // 32),
        (s.rope, columns * net.head_dim // 16), (s.qkv, columns * tile((net.heads + 2 * net.kv_heads) * net.head_dim)),
        (s.turned, columns * (heads + kv)), (s.mixed, columns * heads),
        (s.scores, s.score_columns * context // 32), (s.value_scales, context // 32), (s.end, 0),
    ]  # fmt: skip
    for (at, size), (following, _) in pairwise(steps):
        assert at + size <= following
    # The FFN uses the space of the attention: gate, up, sigmoid.
    assert s.gate_up == s.qkv and s.gate_up + columns * tile(2 * net.ffn) <= s.sigmoid
    assert s.sigmoid + columns * net.ffn // 32 <= s.end


@settings(max_examples=8, deadline=None)
@given(cores(), st.sampled_from(NETWORKS))
def test_memories_of_just_the_size_that_is_asked_for_are_enough(core: Core, net) -> None:
    """The last tokens of the context, prefilled and decoded; an address beyond raises."""
    context = core.granule
    end = max(memory_map.scratch(core, net, c, context).end for c in (1, core.columns))
    need = max(net.dim, net.ffn, net.heads * net.head_dim, context) // 32
    tight = dataclasses.replace(core, scratch_groups=max(end, 32), buffer_groups=need)
    binary = compile_network(tight, net, context)
    golden = Golden(tight, binary.image, binary.program.instructions, binary.program.constants)
    stream = binary.image[: binary.memory.cache * core.port_bytes].copy()
    rows = [binary.row(net.vocabulary - 1)] * core.columns
    if core.columns <= context:
        golden.run(binary.program.prefill, context - core.columns, rows)
    golden.run(binary.program.decode, context - 1, rows[:1])
    assert np.array_equal(stream, binary.image[: len(stream)])  # only the cache is written
    assert golden.state.weights_at == binary.memory.stream_words * core.port_bytes


def test_every_head_of_every_layer_has_its_own_place_in_the_cache() -> None:
    core, net = Core(columns=2), NETWORKS[1]
    binary = compile_network(core, net, core.granule)
    golden, taken = Golden(core, binary.image, binary.program.instructions, binary.program.constants), []

    def retired(_at: int, i, state) -> None:
        if i.op == Op.VEC and not i.reduce and i.target in (Target.KEYS, Target.VALUES):
            taken.extend(b for w in state.writes for b in w.address.tolist())

    for start in range(0, core.granule, 2):
        golden.run(binary.program.prefill, start, [binary.row(0)] * 2, retired)
    # 2 layers x 3 heads x 64 tokens x (64 + 64 codes, 2 + 1 scales of 2 bytes): each byte of the cache once.
    assert len(taken) == len(set(taken)) == 2 * 3 * 64 * (128 + 6)
    assert (min(taken), max(taken) + 1) == (binary.memory.cache * core.port_bytes, binary.memory.nbytes)


@pytest.mark.parametrize(
    ("core", "net", "context", "message"),
    [
        ({}, {}, 4097, "a context of 4097 tokens is beyond the 4096 of tiny"),
        ({"lanes": 64}, {}, 64, "tiny cannot be mapped: 64 lanes are more than the head dimension 32"),
        ({"rows": 64}, {}, 64, "tiny cannot be mapped: 64 rows are more than the head dimension 32"),
        ({}, {"head_dim": 96}, 64, "tiny cannot be mapped: head dimension 96 is not a power of two"),
        ({}, {"ffn": 80}, 64, "tiny cannot be mapped: the model's width is not whole groups of 32"),
        (
            {"buffer_groups": 2}, {}, 64,
            "tiny's FFN of 96 needs 3 groups of activation buffer a column, but the core has 2 "
            "(a larger scratchpad, fewer columns)",
        ),
        (
            {"buffer_groups": 3}, {}, 128,
            "a context of 128 needs 4 groups of activation buffer a column, but the core has 3 "
            "(a larger scratchpad, fewer columns or a shorter context)",
        ),
        (
            # x 8, t 8, gamma 2, rope 8, qkv 16, turned 12, mixed 8, scores 8, scales of values 2.
            {"scratch_groups": 32}, {}, 64,
            "4 tokens of tiny at a context of 64 need 72 groups of scratchpad, but the core has 32 "
            "(a larger scratchpad, fewer columns or a shorter context)",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(core: dict, net: dict, context: int, message: str) -> None:
    with pytest.raises(InputError) as error:
        memory_map.check(Core(**core), shaped(**net), context)
    assert str(error.value) == message


def shaped(**sizes: int):
    """A network of these sizes, its weights those of another one."""
    return dataclasses.replace(tiny(layers=1), **sizes)


def test_a_sum_beyond_the_accumulator_is_refused() -> None:
    with pytest.raises(InputError, match=r"tiny's FFN of 16384 is more than the 16352 products"):
        memory_map.check(Core(buffer_groups=1024), shaped(ffn=16384), 64)


def test_layers_of_different_formats_are_refused() -> None:
    net, rng = tiny(), np.random.default_rng(0)
    other = dataclasses.replace(net.layers[1], down=blocks(rng, 64, 96, 8))
    net = dataclasses.replace(net, layers=(net.layers[0], other))
    with pytest.raises(
        InputError, match="down has 4-bit codes with a scale and 8-bit codes with a scale in diff"
    ):
        compile_network(Core(), net, 64)


def test_an_infinite_scale_is_refused() -> None:
    w = blocks(np.random.default_rng(0), 4, 32)
    w.scale[1, 0] = 0x7C00
    with pytest.raises(InputError, match="a weight scale is infinite or not a number"):
        lower.top_exponent(w)


def test_padded_rows_of_the_head_never_win() -> None:
    """33 equal rows in tiles of 32: the first wins, and where logits are negative, zeros behind would."""
    net = tiny(layers=1, vocabulary=33)
    same = dataclasses.replace(net, head=net.head.rows(np.zeros(33, int)))
    binary = compile_network(Core(rows=32), same, 64)
    golden = Golden(Core(rows=32), binary.image, binary.program.instructions, binary.program.constants)
    signs = set()
    for token in range(6):
        assert golden.run(binary.program.decode, 0, [binary.row(token)]) == 0
        assert golden.state.logits is not None and len(set(golden.state.logits[0, 0].tolist())) == 1
        signs.add(golden.state.logits[0, 0, 0] < 0)
    assert signs == {True, False}
