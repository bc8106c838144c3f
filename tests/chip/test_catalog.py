"""The list of chips, and the works that the tables cite."""

import dataclasses

from sartor.chip.catalog import best_peak, row, rows
from sartor.chip.presets import names, preset
from sartor.chip.spec import Tile
from sartor.formats.spec import format_named
from sartor.tables import sources


def test_the_list_has_a_row_a_chip() -> None:
    listed = rows()
    assert sorted(r["name"] for r in listed) == list(names())
    assert [r["vendor"] for r in listed] == sorted(r["vendor"] for r in listed)
    assert len({tuple(r) for r in listed}) == 1  # the same columns, in the same order
    for r in listed:
        assert r["source"] and r["bandwidth_bytes_per_s"] > 0 and r["capacity_bytes"] > 0
        assert format_named(r["peak_format"])


def test_rows_by_hand() -> None:
    gpu, on_die = row(preset("b200-sxm")), row(preset("northpole"))
    assert (gpu["vendor"], gpu["year"], gpu["node"], gpu["memory"]) == ("NVIDIA", 2025, "N4", "hbm3e")
    assert (gpu["capacity_bytes"], gpu["bandwidth_bytes_per_s"]) == (180e9, 7.7e12)
    assert (gpu["peak_ops_per_s"], gpu["tdp_w"], gpu["purchase_usd"]) == (9e15, 1000, 41000)
    assert gpu["peak_format"] in ("mxfp4", "nvfp4")
    # Its weights stream from 224 MB of SRAM at 12.85 TB/s.
    assert (on_die["memory"], on_die["capacity_bytes"]) == ("sram", 224e6)
    assert on_die["bandwidth_bytes_per_s"] == 12.85e12
    assert on_die["purchase_usd"] is None


def test_a_chip_without_peaks_has_no_best_one() -> None:
    tile = Tile(rows=32, lanes=16, columns=4, vector_lanes=8, weights="int4-g128")
    made = dataclasses.replace(preset("rngd"), family="tensor", tile=tile, peaks={})
    assert best_peak(made) == ("", None)
    assert row(made)["peak_ops_per_s"] is None


def test_works_cited_are_complete() -> None:
    works = sources()
    expected = {
        "roofline", "horowitz2014", "jouppi2021", "stillmaker-baas", "cacti7", "ramulator2",
        "chiplet-actuary", "cset2020", "llmcompass", "lut-gemm", "figlut", "gptq", "ocp-mx",
        "sakasegawa1977", "kingman1961", "stapper1983", "murphy1964", "act", "splitwise",
        "mooncake", "servegen", "mlperf", "scale-sim", "zigzag", "nvidia", "amd",
    }  # fmt: skip
    assert expected <= set(works)
    for key, work in works.items():
        assert set(work) == {"title", "authors", "year", "where"}, key
        assert 1900 <= work["year"] <= 2026, key
        assert all(work[field] for field in ("title", "authors", "where")), key
    titles = [work["title"] for work in works.values()]
    assert len(set(titles)) == len(titles)
