"""The dot products of the chip's tile on ASAP7: area, clock, energy, and that the gates are right."""

import numpy as np
import pytest
from test_mapping import mapped, replay_dot
from tiny import real

from sartor.flow.meaning import read_library
from sartor.rtl.dot import DotProduct
from sartor.rtl.multiply import Multiplier

pytest.importorskip("pyosys", reason="needs Yosys: pip install pyosys")


@pytest.mark.parametrize(
    ("code_bits", "um2_per_mac"), [(4, 9.0), pytest.param(8, 17.6, marks=pytest.mark.slow)]
)
def test_32_lanes_at_1_ghz(code_bits: int, um2_per_mac: float) -> None:
    """A lane of b x 8 bits is 8 b NANDs (0.058 um2) and as many full adders (0.204): 8.4 and 16.8 um2 are
    the floor of this structure; the rest is registers, ANDs and inverters."""
    design = DotProduct(code_bits=code_bits, structural=True)
    found = mapped(design, read_library(real("asap7")), period_s=1e-9)
    assert found.timing.slack_s >= 0
    assert 8 * code_bits * (0.058 + 0.204) < found.area_um2 / 32 < um2_per_mac
    assert replay_dot(design, found, cycles=4) == 0


def test_the_tree_is_smaller_and_faster_than_plain_multipliers() -> None:
    """At a period that no cell has to be enlarged for; both get the library's full adders."""
    library = read_library(real("asap7"))
    tree, plain = (
        mapped(DotProduct(lanes=8, structural=s), library, period_s=1e-8) for s in (True, False)
    )  # fmt: skip
    assert tree.area_um2 < 0.75 * plain.area_um2
    assert tree.timing.critical_s < 0.5 * plain.timing.critical_s


def test_scale_multiplier() -> None:
    library = read_library(real("asap7"))
    found = mapped(Multiplier(a_bits=20, b_bits=12, structural=True), library, period_s=1e-9)
    # 240 bits: 63 um2 in NANDs and full adders; two rows of registers.
    assert found.timing.slack_s >= 0 and 240 * 0.262 < found.area_um2 < 85
    assert np.isclose(found.register_share, found.components[0].registers * 0.2916 / found.area_um2)
