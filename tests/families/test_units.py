"""units.csv: each format that a chip decodes is priced by the dot unit that its core has, as it was measured."""

import csv
import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytest import approx

from sartor.chip.spec import Chip, Memory, Tile
from sartor.errors import InputError
from sartor.families.tensor import datapath, silicon
from sartor.families.tensor.core import GROUP, Core
from sartor.families.tensor.design import FORMATS
from sartor.families.tensor.family import Tensor
from sartor.families.tensor.rtl.dots import paired
from sartor.families.tensor.sizing import core_of
from sartor.families.tensor.spec import from_chip
from sartor.formats.hardware import decoded
from sartor.tables import Fact, data_text, table
from sartor.tech.technology import NOMINAL, Technology

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
MEASURED = {
    row["part"]: row
    for row in csv.DictReader(data_text("measured/formats_silicon.csv").splitlines()) if row["library"] == "asap7"
}  # fmt: skip
# A guess of a multiplier (macs.csv, recalled) and what its unit takes by toggles, at most so far apart.
GUESSED = 1.5


def chip(weights: str, **changed: Any) -> Chip:
    tile = Tile(rows=8, lanes=32, columns=4, vector_lanes=8, weights=weights, kv="int8-g32",
                scratchpad_bytes=256 * 1024, fifo_bytes=64 * 1024)  # fmt: skip
    given: dict[str, Any] = dict(name="c", family="tensor", node="N7", clock_hz=0.5e9, cores=1, dies=1, tile=tile,
                                 memory=Memory("lpddr5x", 1, 2**31, 17e9))  # fmt: skip
    return Chip(**given | changed)


def kind(core: Core) -> tuple[int, bool]:
    """What a dot unit depends on."""
    return core.multiplier_bits, paired(core)


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> Any:
    pytest.importorskip("pyosys", reason="needs Yosys: pip install pyosys")
    monkeypatch.setattr(sys, "path", [str(BENCHMARKS), *sys.path])
    import silicon_formats

    return silicon_formats


def test_the_table_is_what_was_measured(benchmark: Any) -> None:
    rows = list(MEASURED.values())
    assert data_text("units.csv") == benchmark.price_text(rows, benchmark.PRICED)
    assert data_text("lut.csv") == benchmark.price_text(rows, benchmark.READ | benchmark.SHARED)


@pytest.mark.parametrize("name", decoded())
def test_a_format_is_priced_by_the_unit_of_its_core(name: str, benchmark: Any) -> None:
    parts = sys.modules["silicon_formats_parts"].UNITS
    made: Mapping[str, Core] = {item: parts[part] for item, part in benchmark.PRICED.items()}
    (own,) = (item for item, core in made.items() if kind(core) == kind(core_of(chip(name))))
    row = datapath.DATAPATH[FORMATS.index(name)]
    assert datapath.NAMES[row] == own
    measured = MEASURED[benchmark.PRICED[own]]
    assert float(datapath.unit_mm2(NOMINAL, row)) == approx(float(measured["area_um2"]) * 1e-6)
    assert float(datapath.mac_j(NOMINAL, row)) == approx(float(measured["energy_j"]) / GROUP, rel=1e-3)
    # And so is the chip: 32 units with their share of the shell.
    area = float(Tensor(from_chip(chip(name))).physical.area_mm2["tile"])
    rest = silicon.cells_mm2(8, 32, 4, 8, 64, int(datapath.UNIT_BITS[row]), unit_mm2=0)
    cells = 32 * float(measured["area_um2"]) * 1e-6 + sum(v for part, v in rest.items() if part not in silicon.REST)
    assert area == approx(cells / NOMINAL.fact("overheads", "area", "cell_utilization"), rel=1e-3)


def test_guesses_and_toggles_agree_within_a_factor() -> None:
    """Where macs.csv guesses what units.csv has measured: other people's multipliers against ours, and both again in
    their ratio, by which what has no RTL is priced."""
    units, macs = table("units"), table("macs")
    both = {item: item if item in macs.items else f"{item}-array" for item in units.items if item != "nvfp4"}
    assert list(both) == ["int4", "int8", "fp4", "fp8"]
    ratios = {own: macs.fact(theirs, "energy").value / units.fact(own, "energy").value for own, theirs in both.items()}
    assert all(1 / GUESSED < ratio < GUESSED for ratio in ratios.values()), ratios


def test_a_chip_keeps_the_clock_of_its_slowest_part() -> None:
    # 1 GHz in N7 at the nominal voltage, and 0.1 / 0.8 more at 1.1 times it.
    assert from_chip(chip("int4-g32", clock_hz=1.12e9)).clock_hz == 1.12e9
    for name in ("int4-g32", "fp8-e4m3"):
        with pytest.raises(InputError) as raised:
            from_chip(chip(name, clock_hz=1.2e9))
        assert re.fullmatch(
            r"c: clock = 1.2 GHz is more than the 1.12 GHz that its parts keep in N7 at 1.1 times the nominal voltage; "
            r'the slowest is the \w+ \w+, mapped at 1 GHz on ASAP7 cells \(try clock = "1.12 GHz" or a newer node\)',
            str(raised.value),
        )
    assert from_chip(chip("int4-g32", clock_hz=1.2e9, node="N5")).clock_hz == 1.2e9


def test_tables_slow_their_chips() -> None:
    """Units that read tables of four and five planes miss 1 GHz on ASAP7; the same chip with multipliers does not."""
    clocks = {item: table("lut").fact(item, "clock").value for item in ("int4", "fp4", "int8")}
    assert clocks["fp4"] < clocks["int4"] < 1e9 < clocks["int8"]
    tile = chip("mxfp4").tile
    assert tile is not None
    slow = chip("mxfp4", clock_hz=1.1e9, tile=replace(tile, engine="lut"))
    slowest = f"the slowest is the dot unit for fp4 with tables, mapped at {clocks['fp4'] / 1e6:.0f} MHz"
    with pytest.raises(InputError, match=slowest):
        from_chip(slow)
    assert from_chip(chip("mxfp4", clock_hz=1.1e9)).clock_hz == 1.1e9
    both = replace(from_chip(chip("mxfp4")), engine=np.array([0, 1]))
    row = datapath.DATAPATH[FORMATS.index("mxfp4")]
    assert datapath.clock_hz(NOMINAL, row, both) == approx(np.array([1e9, clocks["fp4"]]))


def test_a_short_cache_keeps_the_clock_of_its_chips() -> None:
    """What quantizes keys and values, at 16 lanes, keeps 1 GHz on ASAP7 whatever their bits; to 4 it once did not."""
    hz = table("silicon").fact("short_cache", "clock").value
    assert hz == approx(float(MEASURED["quantizer kv int4"]["fmax_hz"]), rel=1e-3)
    assert all(float(MEASURED[f"quantizer kv {kv}"]["fmax_hz"]) >= 1e9 for kv in ("int8", "int4", "k8v4"))


def test_what_a_short_cache_takes_more_is_of_the_parts_that_were_mapped() -> None:
    """A number of 16 lanes; a byte of a word of 64."""
    for quantity, part, count in (("number", "quantizer", 16), ("byte", "decoder", 64)):
        plain, short = (float(MEASURED[f"{part} kv {bits}"]["energy_j"]) for bits in ("int8", "int4"))
        assert table("silicon").fact("short_cache", quantity).value == approx((short - plain) / count, rel=2e-3)
        # With keys of 8 bits about the same: one row is for both.
        assert float(MEASURED[f"{part} kv k8v4"]["energy_j"]) == approx(short, rel=0.02)


@pytest.mark.parametrize("kv", ["int4-g32", "k8v4-g32"])
def test_a_slow_quantizer_slows_its_chips_alone(kv: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As that of 4-bit codes did at 0.74 GHz."""
    slow = with_clock("silicon", "short_cache", 0.74e9, monkeypatch)
    tile = chip("int4-g32").tile
    assert tile is not None
    with pytest.raises(InputError, match="the slowest is the quantizer of its cache, mapped at 740 MHz"):
        from_chip(chip("int4-g32", clock_hz=1e9, tile=replace(tile, kv=kv)))
    both = replace(from_chip(chip("int4-g32")), cache=np.array([FORMATS.index(n) for n in ("int8-g32", kv)]))
    row = datapath.DATAPATH[FORMATS.index("int4-g32")]
    assert datapath.clock_hz(slow, row, both) == approx(np.array([1e9, 0.74e9]))


def with_clock(name: str, item: str, hz: float, monkeypatch: pytest.MonkeyPatch) -> Technology:
    """A technology in which a part has that clock; chips are held against it."""
    facts = table(name).facts
    slow = Fact(**{**vars(facts[item, "clock"]), "value": hz, "low": hz, "high": hz})
    monkeypatch.setitem(facts, (item, "clock"), slow)
    tech = Technology()  # facts are picked once
    monkeypatch.setattr("sartor.families.tensor.spec.NOMINAL", tech)
    return tech


def test_a_slow_unit_slows_its_chips_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """As FP8's did at 0.53 GHz."""
    slow = with_clock("units", "fp8", 0.53e9, monkeypatch)
    designs = from_chip(chip("int4-g32"))
    plain, eight = (Tensor(designs_of, slow) for designs_of in (designs, from_chip(chip("fp8-e4m3"))))
    # 0.5 of 0.53 GHz: 1 - 0.8 (1 - 0.5 / 0.53); of 1 GHz less than SRAM keeps.
    assert (float(plain.relative_voltage), float(eight.relative_voltage)) == (0.65, approx(1 - 0.8 * (1 - 50 / 53)))
    rows = datapath.DATAPATH[[FORMATS.index(name) for name in ("fp8-e4m3", "int4-g32", "mxfp8-e4m3")]]
    assert datapath.clock_hz(slow, rows) == approx(np.array([0.53e9, 1e9, 0.53e9]))
    with pytest.raises(InputError, match=r"596 MHz .* the slowest is the dot unit for fp8, mapped at 530 MHz"):
        from_chip(chip("fp8-e4m3", clock_hz=0.6e9))


def test_every_unit_and_decoder_keeps_its_clock() -> None:
    """docs/formats-silicon.md: 1 GHz on ASAP7, 100 MHz on sky130hd."""
    least = {"asap7": 1e9, "sky130": 1e8}
    rows = [r for r in csv.DictReader(data_text("measured/formats_silicon.csv").splitlines())
            if r["part"].startswith(("unit", "decoder")) and "lut" not in r["part"]]  # fmt: skip
    assert len(rows) == 2 * 23 and all(float(row["fmax_hz"]) >= least[row["library"]] for row in rows)
    parts = [table("silicon").fact(part, "clock").value for part in silicon.TERMS]
    assert min(parts) >= 1e9 and min(table("units").column("clock")) >= 1e9
