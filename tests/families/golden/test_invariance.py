"""Every core of the family says the same words: logits to the last bit, however the work is cut."""

import functools
from dataclasses import replace

import numpy as np
import pytest
from tiny_network import decoded, machine, tiny

from sartor.compiler.accuracy import forced
from sartor.compiler.reference import Reference
from sartor.compiler.requantize import requantized
from sartor.families.tensor.core import Core
from sartor.families.tensor.golden import Golden
from sartor.families.tensor.golden_batch import Batch, Run
from sartor.formats.blocks import Blocks
from sartor.formats.decode import Element
from sartor.formats.group_scale import Scale
from sartor.formats.hardware import coding_of

CORES = (
    {"rows": 2, "port_bytes": 16}, {"rows": 32, "columns": 16}, {"columns": 1, "vector_lanes": 2},
    {"columns": 3, "vector_lanes": 32, "port_bytes": 256}, {"multiplier_bits": 8, "rows": 4, "port_bytes": 32},
)  # fmt: skip
# Folds of several groups, with a width that is not whole folds and rows that are not whole tiles.
WIDE = (
    {}, {"lanes": 64, "rows": 64}, {"lanes": 64, "rows": 4, "port_bytes": 32, "columns": 1, "multiplier_bits": 8},
)  # fmt: skip


def tokens(count: int, vocabulary: int) -> list[int]:
    return [int(t) for t in np.random.default_rng(5).integers(0, vocabulary, count)]


@functools.cache
def expected(name: str) -> np.ndarray:
    """One token at a time on the core of the defaults."""
    return decoded(Core(), *case(name))


@functools.cache
def case(name: str):
    if name == "small":
        return tiny(), tokens(20, 64)
    net = tiny(
        3, dim=160, heads=4, kv_heads=2, head_dim=64, ffn=352, layers=1, vocabulary=50, minimum=name == "minimum",
        bits=8 if name == "eight bits" else 4,
    )  # fmt: skip
    return net, tokens(12, 50)


@pytest.mark.parametrize("prefilled", [0, 13])
@pytest.mark.parametrize("core", CORES, ids=str)
def test_small_network(core: dict, prefilled: int) -> None:
    assert np.array_equal(decoded(Core(**core), *case("small"), prefilled), expected("small")[prefilled:])


@pytest.mark.parametrize("name", ["plain", "minimum", "eight bits"])
@pytest.mark.parametrize("core", WIDE, ids=str)
def test_wide_network(core: dict, name: str) -> None:
    assert np.array_equal(decoded(Core(**core), *case(name), 7), expected(name)[7:])


def split(w: Blocks) -> Blocks:
    """The same weights, a scale for each 32."""
    scale, minimum = (None if h is None else np.repeat(h, w.group // 32, axis=1)[:, : w.k // 32]
                      for h in (w.scale, w.minimum))  # fmt: skip
    return Blocks(replace(w.coding, group=32), w.codes, scale, minimum)


@pytest.mark.parametrize("group", [64, 128])
@pytest.mark.parametrize(("bits", "minimum"), [(4, False), (4, True), (8, True)])
def test_a_scale_that_is_shared_says_the_same_as_its_copies(group: int, bits: int, minimum: bool) -> None:
    """Rows of 256 and 384 are whole groups, those of 96 not."""
    net = tiny(
        4, dim=256, heads=3, kv_heads=1, head_dim=32, ffn=384, layers=2, bits=bits, minimum=minimum, group=group
    )
    parts = [
        replace(m, **{name: split(getattr(m, name)) for name in ("qkv", "output", "gate_up", "down")})
        for m in net.layers
    ]
    text = tokens(6, 64)
    for core in (Core(), Core(lanes=32, rows=2, port_bytes=16, columns=1)):
        shared, copies = (decoded(core, n, text, 3) for n in (net, replace(net, layers=tuple(parts))))
        assert np.array_equal(shared, copies)


def test_context_across_granules() -> None:
    """70 tokens: the first core reads two granules of 64 in the end, the second one of 256."""
    net, text = tiny(layers=1, heads=1, head_dim=128), tokens(70, 64)
    one = decoded(Core(columns=9), net, text, 60)
    wide = Core(lanes=128, rows=64, columns=16)
    assert (Core(columns=9).granule, wide.granule) == (64, 256)
    assert np.array_equal(one[6:], decoded(wide, net, text, 66, 256))


def test_sequences_at_once_say_what_each_says_alone() -> None:
    """Each at its position, in the first granule of 64 tokens or the second."""
    net, text, ahead = tiny(), tokens(73, 64), np.array([2, 9, 69])
    alone = decoded(Core(), net, text)
    binary, _ = machine(Core(), net)
    program, memories = binary.program, [binary.image.copy() for _ in ahead]
    for memory, n in zip(memories, ahead, strict=True):
        forced(binary, Golden(Core(), memory, program.instructions, program.constants), text[:n], 0)
    batch = Batch(Core(), program.instructions, program.constants)
    for at in (ahead, ahead + 1, ahead + 2):
        runs = [Run(m, n, [binary.row(text[n])]) for m, n in zip(memories, at.tolist(), strict=True)]
        logits = batch.run(program.decode, runs).logits
        assert logits is not None and np.array_equal(logits[:, 0, :64], alone[at])


@pytest.mark.parametrize("name", ["small", "minimum", "eight bits"])
def test_close_to_the_float_reference(name: str) -> None:
    net, text = case(name)
    exact = Reference(net).logits(text)
    # 8-bit activations: an error of about one part in a hundred of logits of spread 1.
    assert np.abs(expected(name) - exact).std() < 0.03 * exact.std()


BCQ = {"elements": (Element.INT4, Element.INT8, Element.SIGN), "scales": (Scale.PLANES,), "planes": 3,
       "vector_lanes": 8}  # fmt: skip
OTHERS = {
    "bcq3-g64": [BCQ, {**BCQ, "multiplier_bits": 8, "rows": 16, "port_bytes": 32},
                 {**BCQ, "multiplier_bits": 5, "lanes": 64}],
    "fp8-e4m3": [{"multiplier_bits": 9, "elements": (Element.INT8, Element.E4M3), **size}
                 for size in ({}, {"rows": 2, "lanes": 64, "port_bytes": 16, "columns": 1})],
    "mxfp8-e4m3": [{"multiplier_bits": 9, "elements": (Element.INT8, Element.E4M3), "scales": (Scale.POWER,)}],
    "mxfp6-e3m2": [{"multiplier_bits": 9, "elements": (Element.INT8, Element.E3M2), "scales": (Scale.POWER,)}],
    "cb4-g64": [{"multiplier_bits": bits, "elements": (Element.INT8, Element.CB4)} for bits in (4, 5, 8, 9)],
    "int4-g64-zp": [{"multiplier_bits": 5, "scales": (Scale.ZERO,), **size}
                    for size in ({}, {"rows": 2, "port_bytes": 16})],
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_formats_with_multipliers_of_their_own(name: str) -> None:
    """Head in 8 bits, layers in the format: the same words on every core, and near those of binary32. Rows of 256 are
    whole groups, those of 384 and 192 are not for all of them."""
    net = tiny(4, dim=256, heads=3, kv_heads=1, head_dim=64, ffn=384, layers=2, bits=8)
    net, text = requantized(net, coding_of(name)), tokens(8, 64)
    first, *more = [decoded(Core(**core), net, text, 3) for core in OTHERS[name]]
    assert all(np.array_equal(first, other) for other in more)
    exact = Reference(net).logits(text)[3:]
    assert np.abs(first - exact).std() < 0.03 * exact.std()
