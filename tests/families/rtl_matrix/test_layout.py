"""Weight streams: bytes by hand, and back."""

import numpy as np
import pytest
from fitted_core import fitted
from hypothesis import assume, given
from hypothesis import strategies as st

from sartor.errors import InputError
from sartor.families.tensor.core import Core
from sartor.families.tensor.isa import Scale
from sartor.families.tensor.layout import pack_matrix, unpack_matrix
from sartor.families.tensor.stream_shape import Shape
from sartor.formats.decode import Element, zero_bits
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


def test_zero_points_have_a_word_before_several_packets() -> None:
    # 8 slots of scales a word and 4 bits a zero point: the 32 of a word are those of 4 packets of 4 beats of 32 bytes.
    core = Core(rows=2, lanes=32, port_bytes=16)
    d, z = (np.arange(2 * 18).reshape(2, 18) + 100 * i for i in (1, 0))
    stream = pack_matrix(core, np.zeros((2, 18 * 32), int), d, z % 16, scale=Scale.ZERO).reshape(-1, 16)
    packet, word = [0, 18, 1, 19, 2, 20, 3, 21], 1 + 4 * 9  # rows are neighbors, then beats
    assert len(stream) == word + 1 + 1 + 2 * 2
    assert stream[0, :4].tolist() == [0x20, 0x31, 0x42, 0x53]
    assert stream[1].view("<u2").tolist() == [100 + i for i in packet]
    assert stream[word, :2].tolist() == [0x20, 0x31] and stream[word, 2:].max() == 0
    assert stream[word + 1].view("<u2")[:4].tolist() == [116, 134, 117, 135]


def test_the_last_group_of_a_row_may_be_shorter() -> None:
    # Groups of 128 of rows of 160: four beats share a scale, then one; the next row tile begins with the next. A packet
    # of 8 slots has 4 runs of beats: 4 + 1 + 4 + 1 of them, each of 32 bytes.
    core = Core(rows=2, lanes=32, port_bytes=16)
    d = np.arange(12).reshape(6, 2)
    codes = np.repeat(np.arange(30).reshape(6, 5) % 15, 32, axis=1)  # [rows, groups]
    stream = pack_matrix(core, codes, d, share=2).reshape(-1, 16)
    assert stream[0].view("<u2").tolist() == [0, 2, 1, 3, 4, 6, 5, 7]
    assert (stream[1:21:2, 0] & 15).tolist() == [0, 1, 2, 3, 4, 10, 11, 12, 13, 14]
    assert stream[21].view("<u2").tolist() == [8, 10, 9, 11, 0, 0, 0, 0] and len(stream) == 22 + 10


def test_codes_of_a_packet_begin_with_a_word() -> None:
    # The same with 2 bits and a port of 32: 16 bytes a beat. A packet of 16 slots has 8 runs: of rows of 160 20 beats
    # in 10 words. Rows of 544 have 5 runs, so that the first packet ends 3 runs into the second row tile, after 17 + 12
    # beats in 15 words, the last half empty; the 5 beats that are left take 3.
    core = Core(rows=2, lanes=32, port_bytes=32)
    sizes = {}
    for n, k in ((8, 160), (10, 160), (4, 544)):
        d = np.ones((n, -(-k // 128)), int)
        sizes[n, k] = pack_matrix(core, np.zeros((n, k), int), d, element=Element.INT2, share=2).size // 32
    assert sizes == {(8, 160): 1 + 10, (10, 160): 1 + 10 + 1 + 3, (4, 544): 1 + 15 + 1 + 3}


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
    assume(scale != Scale.ZERO or zero_bits(element))
    assume(scale != Scale.SCALE_MINIMUM or element.has_minimum)
    share = data.draw(st.integers(0, 3)) if scale != Scale.PAIR else 0
    shared = -(-groups >> share)
    low = -128 if element == Element.INT8 else 0
    codes = rng.integers(low, low + (1 << element.bits * planes), (n, groups * 32))
    parts, size = len(sum(scale.slots[:1], ())), max(scale.arrays(), default=0)
    d, m = (rng.integers(0, 1 << 8 * size // parts, (n, shared)) if parts > i else None for i in (0, 1))
    if scale == Scale.ZERO:
        m = rng.integers(0, 1 << element.bits, (n, shared))
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
    with pytest.raises(InputError, match="zero points 0 to 4, not 0 to 3"):
        zeros = np.array([[0, 4]] * 2)
        pack_matrix(core, np.zeros((2, 64), int), np.ones((2, 2), int), zeros, Element.INT2, scale=Scale.ZERO)
    with pytest.raises(InputError, match="zero points of INT8 codes"):
        pack_matrix(core, np.zeros((2, 32), int), *[np.ones((2, 1), int)] * 2, Element.INT8, scale=Scale.ZERO)
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
    # Zero points of 3 bits take 4; the scale of a channel comes with each 256, and that of a tensor or of 128 x 128,
    # which a format does not count for each row, as that of a channel.
    coding, core = decoded()[name], Core(rows=16, lanes=32, port_bytes=64, multiplier_bits=9)
    shape = Shape(core, 1024, 2048, coding.element, coding.scale, {32: 0, 64: 1, 128: 2, 256: 3}.get(coding.group, 0),
                  coding.planes)  # fmt: skip
    more = 1 / coding.group if coding.zero and coding.bits == 3 else 0
    row = 2048 if format_named(name).group else coding.group
    repeated = name in ("fp8-e4m3-tensor", "fp8-e4m3-b128")
    bits = 8 + 16 / coding.group if repeated else format_named(name).bits(row) + more
    assert shape.words * 64 * 8 == bits * 1024 * 2048
