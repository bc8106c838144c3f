"""The memory image in the cache: what is damaged is packed again."""

import os
import time

import pytest
from tiny_chip import CHIP, weights

from sartor.api.image import checked
from sartor.families.tensor.sizing import core_of


@pytest.fixture
def image(own_cache):
    """Packs, or finds, the image; what was said."""
    given = weights()

    def find():
        said = []
        return checked(core_of(CHIP), given.network, given.key, 128, said.append), said

    path, said = find()
    assert said == []
    _age(path)
    return path, find


def _age(path):
    past = time.time() - 3600
    os.utime(path, (past, past))


def test_a_good_image_is_left_alone(image):
    path, find = image
    before = path.stat().st_mtime
    assert find() == (path, []) and path.stat().st_mtime == before


def test_one_flipped_bit_packs_it_again_and_says_so(image):
    path, find = image
    good = path.read_bytes()
    path.write_bytes(good[:5000] + bytes([good[5000] ^ 1]) + good[5001:])
    _age(path)
    again, said = find()
    assert again.read_bytes() == good and "is damaged" in said[0]


@pytest.mark.parametrize("left", [b"", b"short"])
def test_a_truncated_image_is_packed_again(image, left):
    path, find = image
    good = path.read_bytes()
    path.write_bytes(left)
    assert find()[0].read_bytes() == good


def test_an_image_that_nobody_vouches_for_is_packed_again(image):
    path, find = image
    good = path.read_bytes()
    path.with_suffix(".sha256").unlink()
    path.write_bytes(bytes(len(good)))
    _age(path)
    assert find() == (path, []) and path.read_bytes() == good
