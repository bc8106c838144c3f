"""From 1,024 multipliers on a core is mostly tile: lanes and port beside them, and what only one lane has."""

from dataclasses import replace

import numpy as np
import pytest
from random_designs import at, random_designs

from sartor.errors import InputError
from sartor.families.tensor.core import Core
from sartor.families.tensor.design import FORMATS
from sartor.families.tensor.family import Tensor
from sartor.families.tensor.isa import Function, Op, Reduce, Scale, after, make
from sartor.formats.decode import Element

SMALLEST = {"rows": 8, "lanes": 32, "columns": 4}  # 1,024 multipliers


@pytest.mark.parametrize(("name", "most"), [("vector_lanes", 16), ("port_bytes", 128)])
def test_a_core_is_as_wide_as_its_tile_allows(name: str, most: int) -> None:
    Core(**{**SMALLEST, name: most})
    said = rf"{name} = {2 * most} beside 1,024 multipliers, more than {most} .*try {name} = {most}, or .* = 2,048"
    with pytest.raises(InputError, match=said):
        Core(**{**SMALLEST, name: 2 * most})
    Core(**{**SMALLEST, "columns": 8, name: 2 * most})
    Core(**{**SMALLEST, "columns": 3, name: 2 * most})  # few multipliers: as one likes


def test_binary_codes_take_the_room_of_lanes() -> None:
    kind = {"elements": (Element.INT8, Element.SIGN), "scales": (Scale.PLANES,)}
    Core(**SMALLEST, vector_lanes=8, **kind)
    said = r"vector_lanes = 16 beside 1,024 multipliers and binary codes.*= 8, or .* = 2,048"
    with pytest.raises(InputError, match=said):
        Core(**SMALLEST, vector_lanes=16, **kind)


def test_the_search_keeps_to_it() -> None:
    one = replace(at(random_designs(1, 0), 0), cores=1, dies=1, rows=8, lanes=32, clock_hz=0.5e9, vector_lanes=32,
                  bandwidth_bytes_per_s=34e9)  # fmt: skip
    columns = np.array([3, 4, 6, 8, 16])
    assert Tensor(replace(one, columns=columns)).limits["balance"].tolist() == [0, 2, 32 / 24, 1, 0.5]
    bcq = replace(one, weights=FORMATS.index("bcq4-g64"))
    assert Tensor(replace(bcq, columns=columns)).limits["balance"].tolist() == [0, 4, 32 / 12, 2, 1]
    wide = replace(one, vector_lanes=2, bandwidth_bytes_per_s=100e9)  # 256 bytes a cycle
    assert Tensor(replace(wide, columns=columns)).limits["balance"].tolist() == [0, 2, 256 / 192, 1, 0.5]


def test_a_root_is_of_a_reduced_number() -> None:
    make(Op.VEC, reduce=Reduce.SUM, d_addr=after(0, function=Function.RSQRT))
    make(Op.VEC, function=Function.RECIPROCAL)
    with pytest.raises(InputError, match=r"VEC norm: function = RSQRT .*try after_function of a reduction"):
        make(Op.VEC, "norm", function=Function.RSQRT)
