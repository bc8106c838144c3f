"""A chip of a file that cannot be is refused where it is named, with the limit."""

from __future__ import annotations

import pytest

from sartor.api.find import find_chip
from sartor.errors import InputError

TOML = """
name = "mine"
family = "tensor"
node = "N7"
clock = "1 GHz"
cores = 4
[tile]
rows = 8
lanes = 32
columns = 32
vector_lanes = 32
weights = "int4-g128"
kv = "int8-g32"
scratchpad = "512 KiB"
fifo = "64 KiB"
[memory]
kind = "lpddr5x"
units = 8
capacity = "64 GB"
bandwidth = "136.6 GB/s"
"""


# lpddr5x: at most 21.3 GB/s and 8 GB a unit of 16 wires.
@pytest.mark.parametrize(("old", "new", "said"), [
    ('"136.6 GB/s"', '"1366 GB/s"', r"bandwidth = 1.37 TB/s is more than 8 units of lpddr5x have, 170 GB/s .*= 65"),
    ('"64 GB"', '"65 TB"', r"capacity = 65 TB is more than 8 units of lpddr5x have, 64 GB at most"),
    ('"lpddr5x"', '"sram"', r"kind = 'sram' is none beside the die, .* .try kind = 'lpddr5x'"),
    ("units = 8", "units = 0", r"units = 0 must be at least 1 of lpddr5x"),
    ("cores = 4", "cores = 4000", r"make a die of [\d,]+ mm2 in N7, and a reticle has 858 .*dies = 2"),
])  # fmt: skip
def test_what_cannot_be_is_refused(tmp_path, old: str, new: str, said: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(TOML, encoding="utf-8")
    assert find_chip(str(path)).name == "mine"
    path.write_text(TOML.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError, match=said):
        find_chip(str(path))
