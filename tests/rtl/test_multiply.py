# amaranth: UnusedElaboratable=no
"""The multiplier: its tree is the product, for all factors."""

import pytest
from equivalence import prove_equal

from sartor.errors import InputError
from sartor.rtl.multiply import Multiplier

pytest.importorskip("pyosys", reason="needs Yosys: pip install pyosys")


@pytest.mark.parametrize(
    ("a_bits", "b_bits", "registers"), [(2, 2, 0), (5, 3, 0), (3, 6, 1), (6, 6, 1), (4, 5, 2)]
)
def test_the_tree_is_the_product(a_bits: int, b_bits: int, registers: int) -> None:
    plain, tree = (
        Multiplier(a_bits=a_bits, b_bits=b_bits, registers=registers, structural=s) for s in (False, True)
    )
    assert "SUCCESS" in prove_equal(plain, tree, plain.latency)


@pytest.mark.parametrize("wrong", [{"registers": 3}, {"a_bits": 1}])
def test_sizes_out_of_range_are_named(wrong: dict[str, int]) -> None:
    ((name, value),) = wrong.items()
    with pytest.raises(InputError, match=f"multiplier: .*{name} = {value}"):
        Multiplier(**{"a_bits": 4, "b_bits": 4, **wrong})  # type: ignore[arg-type]
