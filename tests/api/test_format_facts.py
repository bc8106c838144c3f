"""One row of a format has what is measured of it, in the units that its keys name."""

import pytest

from sartor.api.format_facts import facts_of
from sartor.api.listing import listing


def test_a_format_by_hand() -> None:
    # 570.2 um2 a block of 32 multiply-adds, 49.22 fJ a product (units.csv); 4.5 bits for 8.5: 1.89 times faster.
    found = facts_of("int4-g32")
    assert found["mac_area_mm2"] == pytest.approx(570.2e-6 / 32)
    assert found["weight_energy_j"] == pytest.approx(49.22e-15) and 0.9e9 < found["clock_hz"] < 1.3e9
    assert found["rtl_speedup"] == pytest.approx(8.5 / 4.5, rel=0.02) and 0.5 < found["kl"] < 0.65


def test_what_is_not_known_is_none() -> None:
    found = facts_of("bf16")
    assert found["mac_area_mm2"] is found["clock_hz"] is found["rtl_speedup"] is None and found["kl"] < 0.001
    assert set(facts_of("q4_k").values()) == {None}


def test_all_rows_have_the_same_keys_and_fewer_bits_are_faster() -> None:
    rows = listing("formats")
    assert len({tuple(row) for row in rows}) == 1
    counted = sorted((r["bits_per_weight"], -r["rtl_speedup"]) for r in rows if r["rtl_speedup"])
    assert len(counted) >= 15 and [s for _, s in counted] == sorted(s for _, s in counted)
