"""How many requests the memory of a chip has places for."""

from __future__ import annotations

import dataclasses

import pytest
from tiny_chip import CHIP, weights

from sartor.api.generate import place
from sartor.api.places import STREAMS, image_of, streams_of
from sartor.errors import InputError
from sartor.families.tensor.sizing import core_of

ONE = place(core_of(CHIP), weights(), 64)
CACHE_BYTES = ONE.memory.cache_words * ONE.memory.core.port_bytes


def with_memory(nbytes: float):
    return dataclasses.replace(CHIP, memory=dataclasses.replace(CHIP.memory, capacity_bytes=nbytes))


@pytest.mark.parametrize(
    ("more", "most"), [(0, 1), (CACHE_BYTES - 1, 1), (2 * CACHE_BYTES, 3), (99 * CACHE_BYTES, 100)]
)
def test_as_many_as_fit_beside_the_weights(more, most):
    chip = with_memory(ONE.memory.nbytes + more)
    assert streams_of(chip, ONE, None) == min(most, STREAMS) and streams_of(chip, ONE, most) == most
    # The memory that is planned for so many is what was asked for.
    assert place(core_of(chip), weights(), 64, most).memory.nbytes <= chip.memory.capacity_bytes
    with pytest.raises(InputError, match=f"--streams {most + 1} .* is more than the memory of tiny holds: {most} "):
        streams_of(chip, ONE, most + 1)


def test_a_chip_that_does_not_hold_one():
    with pytest.raises(InputError, match=r"0 MB more than tiny has \(a smaller model or a shorter --context"):
        streams_of(with_memory(ONE.memory.nbytes - 1), ONE, None)


def test_the_image_of_one_with_caches_behind_it(tmp_path):
    path = tmp_path / "image.bin"
    path.write_bytes(bytes([7]) * ONE.memory.nbytes)
    many = place(core_of(CHIP), weights(), 64, 3).memory
    whole = image_of(many, path, rtl=False)
    assert len(whole) == many.nbytes and (whole[: ONE.memory.nbytes] == 7).all()
    assert not whole[ONE.memory.nbytes :].any() and len(whole) > ONE.memory.nbytes
    whole[0] = 1  # a copy: the file is for others too
    assert path.read_bytes()[0] == 7 and len(image_of(many, path, rtl=True)) == ONE.memory.nbytes
