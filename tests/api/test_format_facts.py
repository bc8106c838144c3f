"""One row of a format has what is measured of it, in the units that its keys name."""

import pytest

from sartor.api.format_facts import facts_of
from sartor.api.listing import listing
from sartor.tables import table


def test_a_format_by_hand() -> None:
    # 570.2 um2 a block of 32 multiply-adds, 49.22 fJ a product (units.csv); 4.5 bits for 8.5: 1.89 times faster.
    found = facts_of("int4-g32")
    assert found["mac_area_mm2"] == pytest.approx(570.2e-6 / 32)
    assert found["weight_energy_j"] == pytest.approx(49.22e-15) and 0.9e9 < found["clock_hz"] < 1.3e9
    assert found["rtl_speedup"] == pytest.approx(8.5 / 4.5, rel=0.02) and 0.5 < found["kl"] < 0.65


def test_a_format_by_table_by_hand() -> None:
    # lut.csv: 720.1 um2 a unit, a 16th of 473.2 of tables, and the keys of one column; 57.84 + 69.41 / 16 fJ + keys.
    keys = {quantity: table("lut").fact("keys", quantity).value for quantity in ("area", "energy")}
    found = facts_of("int4-g32")
    assert found["lut_mac_area_mm2"] == pytest.approx(((720.1 + 473.2 / 16) * 1e-6 + keys["area"]) / 32)
    assert found["lut_weight_energy_j"] == pytest.approx((57.84 + 69.41 / 16) * 1e-15 + keys["energy"])
    assert 0.8e9 < found["lut_clock_hz"] <= 0.9871e9
    # Two scales a block have no tables, nor has what our RTL does not build.
    assert facts_of("bf16")["lut_clock_hz"] is None and facts_of("nvfp4")["lut_clock_hz"] is None


def test_what_is_not_known_is_none() -> None:
    found = facts_of("bf16")
    assert found["mac_area_mm2"] is found["clock_hz"] is found["rtl_speedup"] is None and found["kl"] < 0.001
    assert set(facts_of("q4_k").values()) == {None}


def test_all_rows_have_the_same_keys_and_fewer_bits_are_faster() -> None:
    rows = listing("formats")
    assert len({tuple(row) for row in rows}) == 1
    counted = sorted((r["bits_per_weight"], -r["rtl_speedup"]) for r in rows if r["rtl_speedup"])
    assert len(counted) >= 15 and [s for _, s in counted] == sorted(s for _, s in counted)
