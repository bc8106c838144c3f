"""The picture: every part to its area, nothing outside the die, nothing on top of anything."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st
from pytest import approx

from sartor.report.floorplan import floorplan
from sartor.report.picture import floorplan_svg

PARTS = ("tile", "vector", "sram", "memory phy", "link", "host", "other")
areas = st.dictionaries(st.sampled_from(PARTS), st.floats(1e-2, 1e3), min_size=1)


@given(areas)
def test_rectangles_cover_the_die_without_overlap(area_mm2):
    plan = floorplan(area_mm2)
    side, rects = plan["side_mm"], plan["rects"]
    slack = 1e-9 * side
    assert sum(r["w"] * r["h"] for r in rects) == approx(side**2)
    for r in rects:
        assert r["x"] >= -slack and r["y"] >= -slack
        assert r["x"] + r["w"] <= side + slack and r["y"] + r["h"] <= side + slack
    for a, b in itertools.combinations(rects, 2):
        wide = min(a["x"] + a["w"], b["x"] + b["w"]) - max(a["x"], b["x"])
        high = min(a["y"] + a["h"], b["y"] + b["h"]) - max(a["y"], b["y"])
        assert wide <= slack or high <= slack


@given(areas)
def test_each_part_has_its_area(area_mm2):
    rects = floorplan(area_mm2)["rects"]
    for name, area in area_mm2.items():
        assert sum(r["w"] * r["h"] for r in rects if r["name"] == name) == approx(area)


def test_the_scale_bar_is_to_scale():
    # A die of 4 mm is drawn 400 wide: a bar of 2 mm is 200.
    svg = floorplan_svg(floorplan({"tile": 16.0}))
    assert "H200.00" in svg and ">2 mm<" in svg
