"""Weight streams: bytes by hand, and back."""

import numpy as np
import pytest
from fitted_core import fitted
from hypothesis import assume, given
from hypothesis import strategies as st

from sartor.errors import InputError
from sartor.families.tensor.core import Core
from sartor.families.tensor.isa import Scale
from sartor.families.tensor.layout import PARTS, pack_matrix, unpack_matrix
from sartor.families.tensor.stream_shape import Shape
from sartor.formats.decode import Element
from sartor.formats.hardware import decoded
from sartor.formats.spec import format_named


def test_four_bit_codes_by_hand() -> None:
    # Two rows, one fold; 2 blocks of 16 bytes are two words of 16. S = 16 / 2 = 8 slots: one word of scales,
    # of which two are used.
    core = Core(rows=2, lanes=32, port_bytes=16)
    codes = np.stack([np.arange(32) % 16, np.arange(32) // 16 + 3])
    stream = pack_matrix(core, codes, np.array([[0x3C01], [0xBC02]]))
    scales = [0x01, 0x3C, 0x02, 0xBC] + [0] * 12
    first = [j | j << 4 for j in range(16)]  # code j and code 16 + j
    assert stream.tolist() == scales + first + [0x43] * 16


def test_eight_bit_codes_by_hand() -> None:
    # With 4-bit multipliers codes 0-15 of both rows come first; no scales, and 64 bytes in one word of 128.
    codes = np.stack([np.arange(32), -np.arange(32)])
    byte = codes.astype(np.int8).view(np.uint8)
    halves = pack_matrix(Core(rows=2, port_bytes=128), codes, element=Element.INT8)
    assert halves.tolist() == [*byte[0, :16], *byte[1, :16], *byte[0, 16:], *byte[1, 16:]] + [0] * 64
    whole = pack_matrix(Core(rows=2, port_bytes=128, multiplier_bits=8), codes, element=Element.INT8)
    assert whole.tolist() == [*byte[0], *byte[1]] + [0] * 64


def test_row_tiles_come_fold_by_fold() -> None:
    core = Core(rows=2, lanes=32, port_bytes=16)
    blocks = np.arange(8).reshape(4, 2)  # [rows, groups]
    stream = pack_matrix(core, np.repeat(blocks, 32, axis=1))
    assert (stream.reshape(8, 16)[:, 0] & 15).tolist() == [0, 2, 1, 3, 4, 6, 5, 7]


def test_d_and_m_lie_side_by_side_and_serve_two_beats() -> None:
    core = Core(rows=2, lanes=32, port_bytes=16)
    d, m = np.array([[1], [2]]), np.array([[3], [4]])
    stream = pack_matrix(core, np.zeros((2, 64), int), d, m, share=1)
    assert stream.view("<u2")[:8].tolist() == [1, 3, 2, 4, 0, 0, 0, 0]
    assert stream.size == 16 + 2 * 32


def test_neighbors_in_a_beat_share_a_scale_before_beats_do() -> None:
    # 64 lanes: groups of 128 are both blocks of two beats. A set is 2 slots, one a row, so that the 8 slots of a
    # word are 4 sets for 8 beats of 64 bytes; 6 beats are used, sets 0 to 2.
    core = Core(rows=2, lanes=64, port_bytes=16)
    d = np.array([[1, 2, 3], [4, 5, 6]])
    stream = pack_matrix(core, np.zeros((2, 384), int), d, share=2)
    assert stream.view("<u2")[:8].tolist() == [1, 4, 2, 5, 3, 6, 0, 0]
    assert stream.size == 16 + 6 * 64


def test_a_group_of_128_takes_a_quarter_of_the_scale_bytes() -> None:
    # 64 x 1024 weights: 32 KiB of codes, and 2 bytes of scale a group.
    core = Core(rows=8, lanes=32, port_bytes=128)
    codes = np.zeros((64, 1024), int)
    sizes = [pack_matrix(core, codes, np.zeros((64, 32 >> s), int), share=s).size for s in range(3)]
    assert sizes == [32768 + 4096, 32768 + 2048, 32768 + 1024]


def test_binary_codes_come_plane_by_plane_with_offsets_first() -> None:
    # A packet of 8 slots: a word of offsets, a word of scales of plane 0, one of plane 1. Two blocks are 8 bytes a
    # plane, so that a word holds both planes of a beat.
    core = Core(rows=2, lanes=32, port_bytes=16)
    codes = np.stack([np.full(32, 1), np.arange(32) % 2 * 2])
    d = np.array([[[1, 2]], [[3, 4]]])  # [n, groups, planes]
    stream = pack_matrix(core, codes, d, np.array([[5], [6]]), Element.SIGN, scale=Scale.PLANES)
    assert stream[:48].view("<u2").reshape(3, 8)[:, :3].tolist() == [[5, 6, 0], [1, 3, 0], [2, 4, 0]]
    assert stream[48:].tolist() == [255] * 4 + [0] * 4 + [0] * 4 + [0xAA] * 4


def test_zero_points_come_before_scales() -> None:
    # A byte each: 16 slots are one word of zero points and two of scales, for 8 beats of 32 bytes.
    core = Core(rows=2, lanes=32, port_bytes=16)
    d, z = np.array([[1, 2], [3, 4]]), np.array([[5, 6], [7, 8]])
    stream = pack_matrix(core, np.zeros((2, 64), int), d, z, scale=Scale.ZERO)
    assert stream[:4].tolist() == [5, 7, 6, 8] and stream[16:24].view("<u2").tolist() == [1, 3, 2, 4]
    assert stream.size == 48 + 2 * 32


cores = st.builds(
    fitted, rows=st.sampled_from([2, 4, 16, 64]), lanes=st.sampled_from([32, 64, 128]),
    port_bytes=st.sampled_from([16, 64, 256]), multiplier_bits=st.sampled_from([4, 5, 8]),
)  # fmt: skip


@given(
    cores, st.integers(1, 90), st.integers(1, 9), st.sampled_from(Element), st.sampled_from(Scale), st.data()
)
def test_there_and_back(
    core: Core, n: int, groups: int, element: Element, scale: Scale, data: st.DataObject
) -> None:
    assume(scale != Scale.NONE or not element.parts[1])
    assume((element == Element.SIGN) == (scale == Scale.PLANES))
    planes = data.draw(st.integers(1, 4)) if scale == Scale.PLANES else 1
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    share = data.draw(st.integers(0, 3)) if scale != Scale.PAIR else 0
    shared, groups = groups, groups << share
    low = -128 if element == Element.INT8 else 0
    codes = rng.integers(low, low + (1 << element.bits * planes), (n, groups * 32))
    parts, size = PARTS.get(scale, 1 if scale else 0), max(scale.arrays(), default=0)
    d, m = (rng.integers(0, 1 << 8 * size // parts, (n, shared)) if parts > i else None for i in (0, 1))
    if scale == Scale.ZERO:
        m = rng.integers(0, 256, (n, shared))
    if scale == Scale.PLANES:
        d, m = rng.integers(0, 1 << 16, (n, shared, planes)), rng.integers(0, 1 << 16, (n, shared))
    given = (np.stack([d, m], -1).reshape(n, -1), None) if scale == Scale.PAIR else (d, m)
    stream = pack_matrix(core, codes, *given, element, share, scale)
    shape = Shape(core, n, groups * 32, element, scale, share, planes)
    assert stream.size == shape.words * core.port_bytes
    found = unpack_matrix(core, stream, n, groups * 32, element, scale, share, planes)
    assert np.array_equal(found[0], codes)
    for got, want in zip(found[1:], (d, m), strict=True):
        assert (got is None) == (want is None) and (want is None or np.array_equal(got, want))


def test_what_is_refused() -> None:
    core = Core(rows=2, port_bytes=16)
    with pytest.raises(InputError, match="codes -1 to 0, not 0 to 15"):
        pack_matrix(core, np.repeat([[-1, 0]], 16, axis=1))
    with pytest.raises(InputError, match="multiple of 64, which share a scale"):
        pack_matrix(core, np.zeros((2, 96), int), np.ones((2, 2), int), share=1)
    with pytest.raises(InputError, match="scales of 2 x 2, not of 2 x 1"):
        pack_matrix(core, np.zeros((2, 64), int), np.ones((2, 2), int), share=1)
    with pytest.raises(InputError, match="multiple of 32"):
        pack_matrix(core, np.zeros((2, 33), int))
    with pytest.raises(InputError, match="1 planes of SIGN codes, SCALE scales"):
        pack_matrix(core, np.zeros((2, 32), int), np.ones((2, 1), int), element=Element.SIGN)
    with pytest.raises(InputError, match="5 planes of SIGN codes"):
        ones = np.ones((2, 1, 5), int)
        pack_matrix(core, np.zeros((2, 32), int), ones, ones[..., 0], Element.SIGN, scale=Scale.PLANES)
    with pytest.raises(InputError, match="not the 32 of 2 x 32"):
        unpack_matrix(core, np.zeros(16), 2, 32, scale=Scale.NONE)


@pytest.mark.parametrize("name", decoded())
def test_a_stream_has_the_bits_that_its_format_says(name: str) -> None:
    # A zero point takes a byte where its format counts 4 bits or fewer; the scale of a channel comes with each 256, and
    # that of a tensor or of 128 x 128, which a format does not count for each row, as that of a channel.
    coding, core = decoded()[name], Core(rows=16, lanes=32, port_bytes=64, multiplier_bits=9)
    shape = Shape(core, 1024, 2048, coding.element, coding.scale, {32: 0, 64: 1, 128: 2, 256: 3}.get(coding.group, 0),
                  coding.planes)  # fmt: skip
    more = (8 - coding.bits) / coding.group if coding.zero else 0
    row = 2048 if format_named(name).group else coding.group
    repeated = name in ("fp8-e4m3-tensor", "fp8-e4m3-b128")
    bits = 8 + 16 / coding.group if repeated else format_named(name).bits(row) + more
    assert shape.words * 64 * 8 == bits * 1024 * 2048
