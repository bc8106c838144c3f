"""Area and energy of a core's logic: the fitted formulas, and the table that the benchmark writes."""

import csv
import io
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest import approx

from sartor.chip.spec import Chip, Memory, Tile
from sartor.families.tensor import silicon
from sartor.families.tensor.core import BOUNDS, TILE_MACS, most_beside
from sartor.families.tensor.physical import area_mm2
from sartor.families.tensor.spec import from_chip
from sartor.tables import data_text, table
from sartor.tech.technology import NOMINAL

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
LIBERTY = Path(__file__).parents[2] / ".." / "shared" / "data" / "pdk" / "asap7_rvt_tt.lib.gz"
NAMES = ("rows", "lanes", "columns", "vector_lanes", "port_bytes")
SMALL: dict[str, Any] = dict(rows=8, lanes=32, columns=4, vector_lanes=16, port_bytes=128, multiplier_bits=4)


def sizes(name: str) -> st.SearchStrategy[int]:
    low, high, power = BOUNDS[name]
    values = [low << i for i in range(12) if low << i <= high] if power else range(low, high + 1)
    return st.sampled_from(list(values))


cores = st.fixed_dictionaries({**{n: sizes(n) for n in NAMES}, "multiplier_bits": st.sampled_from((4, 8))})


def fact(item: str, quantity: str) -> float:
    return table("silicon").fact(item, quantity).value


def test_a_tile_by_hand() -> None:
    # 8 x 32 x 4: 8 blocks and 4 columns of one group: 32 dot units with a minimum and 32 accumulators.
    units = 32 * table("units").fact("int4", "area").value
    shell = fact("shell", "fixed") + 8 * fact("shell", "row_block") + 4 * fact("shell", "column_group")
    shell += 32 * (fact("shell", "row_column") + fact("shell", "unit"))
    assert silicon.cells_mm2(**SMALL)["tile"] == approx(units + shell)
    # Twice the arithmetic, the same registers around it.
    assert silicon.cells_mm2(**SMALL, unit_mm2=units / 16)["tile"] == approx(2 * units + shell)


def test_the_rest_by_hand() -> None:
    found = silicon.cells_mm2(**SMALL)
    vector = fact("vector", "fixed") + 16 * fact("vector", "lane") + 128 * fact("vector", "port_byte")
    vector += 4 * fact("vector", "column")
    assert found["vector"] == approx(vector)
    # 8 conversions a cycle, no more than rows; 8 x 4 accumulators.
    drain = fact("drain", "fixed") + 8 * fact("drain", "conversion") + 32 * fact("drain", "row_column")
    assert found["drain"] == approx(drain)
    # 8 blocks of 16 bytes; scales of a packet: 4 bytes a block, at least a word.
    decoder = fact("decoder", "fixed") + 128 * (fact("decoder", "code_byte") + fact("decoder", "port_byte"))
    assert found["decoder"] == approx(decoder + 128 * fact("decoder", "scale_byte"))


def test_a_batch_by_hand() -> None:
    # The largest logit of each of 4 columns; what the host says of each, and a register of the one whose turn it is.
    found, alone = silicon.cells_mm2(**SMALL), silicon.cells_mm2(**{**SMALL, "columns": 1})
    assert found["argmax"] - alone["argmax"] == approx(3 * fact("argmax", "column"))
    more = 3 * fact("sequencer", "column") + fact("sequencer", "several")
    assert found["sequencer"] - alone["sequencer"] == approx(more)
    # Mapped (docs/decisions/0015-a-batch.md): 364 um2 with 8 results a cycle, 848 um2.
    assert found["argmax"] == approx(364e-6, rel=0.01) and found["sequencer"] == approx(848e-6, rel=0.02)
    one = fact("sequencer", "fixed") + fact("sequencer", "column")
    assert alone["sequencer"] == approx(one) and one == approx(670e-6, rel=0.01)


@given(cores)
def test_parts_together_are_their_sum(core: dict[str, Any]) -> None:
    counts, parts = silicon.terms(**core), silicon.cells_mm2(**core, unit_mm2=0)
    matrix, rest = (float(silicon.together_mm2(names, counts)) for names in (silicon.MATRIX, silicon.REST))
    assert matrix + rest == approx(float(sum(parts.values())))
    assert rest == approx(float(sum(parts[name] for name in silicon.REST)))


def test_a_cache_of_four_bits_by_hand() -> None:
    # 16 lanes of the quantizer, 8 blocks of the decoder.
    more = fact("short_cache", "fixed") + 16 * fact("short_cache", "lane") + 8 * fact("short_cache", "row_block")
    assert silicon.together_mm2(("short_cache",), silicon.terms(**SMALL)) == approx(more)
    # Mapped for such a core (with a port of 64 bytes): 265 um2 (docs/formats-silicon.md).
    assert more == approx(265e-6, rel=0.03)


def test_a_chip_with_it_is_larger_by_that() -> None:
    tile = Tile(8, 32, 4, 16, "int4-g32", kv="int8-g32", scratchpad_bytes=2**18, fifo_bytes=2**16)
    plain = Chip("c", "tensor", "N7", 0.7e9, Memory("lpddr5x", 1, 2**31, 100e9), tile=tile)
    short = replace(plain, tile=replace(tile, kv="int4-g32"))
    before, after = (area_mm2(from_chip(c), NOMINAL, True) for c in (plain, short))
    cells = silicon.together_mm2(("short_cache",), silicon.terms(**SMALL))
    cells /= NOMINAL.fact("overheads", "area", "cell_utilization")
    assert after["vector"] - before["vector"] == approx(cells) and after["tile"] == before["tile"]


@given(cores, st.sampled_from(NAMES))
def test_parts_are_there_and_grow(core: dict[str, Any], name: str) -> None:
    small = silicon.cells_mm2(**core)
    large = silicon.cells_mm2(**{**core, name: 2 * core[name]})
    assert all(v > 0 for v in small.values())
    assert all(large[part] >= small[part] * (1 - 1e-12) for part in small)
    assert sum(large.values()) > sum(small.values())


def test_arrays_are_as_their_elements() -> None:
    bits = np.array([4, 8])
    both = silicon.cells_mm2(**{**SMALL, "multiplier_bits": bits})
    for i, each in enumerate(bits):
        one = silicon.cells_mm2(**{**SMALL, "multiplier_bits": int(each)})
        assert {part: np.broadcast_to(v, 2)[i] for part, v in both.items()} == approx(one)
    assert silicon.mac_j(bits) == approx([silicon.mac_j(4), silicon.mac_j(8)])


def test_a_wide_multiplication_takes_more() -> None:
    assert silicon.mac_j(4) < silicon.mac_j(8) < silicon.vector_j()
    assert silicon.cells_mm2(**SMALL)["tile"] < silicon.cells_mm2(**{**SMALL, "multiplier_bits": 8})["tile"]


def test_multipliers_of_an_area() -> None:
    """The targets of docs/decisions/0010: a tile's cells, at 1 GHz."""
    for bits, least in ((4, 26_000), (8, 16_000)):
        assert 1024 / silicon.cells_mm2(**{**SMALL, "multiplier_bits": bits})["tile"] >= least


def test_which_cores_are_mostly_tile() -> None:
    """Of all combinations that the bounds admit, from 1,024 multipliers on the rest is less than half of the cells, but
    for one of 11,666: two rows for 16 columns, beside which all else is as wide as it may be."""
    values = [[low << i for i in range(12) if low << i <= high] if power else list(range(low, high + 1))
              for low, high, power in (BOUNDS[name] for name in NAMES)]  # fmt: skip
    grid = np.array(np.meshgrid(*values, (4, 8), indexing="ij")).reshape(len(values) + 1, -1)
    rows, lanes, columns, vector_lanes, port_bytes, _ = grid
    found = silicon.cells_mm2(*grid)
    share, macs = 1 - found["tile"] / sum(found.values()), rows * lanes * columns
    admitted = (vector_lanes <= most_beside("vector_lanes", macs)) & (port_bytes <= most_beside("port_bytes", macs))
    assert (admitted[macs < TILE_MACS]).all()
    over = (macs >= TILE_MACS) & admitted & (share >= 0.5)
    assert grid[:, over].T.tolist() == [[2, 32, 16, 16, 128, 4]] and share[over] < 0.51
    # Neither bound is narrower than it must be: 32 lanes on fewer, or a wider port, and it is more than half.
    assert (share[(macs < 2048) & (vector_lanes == 32)] > 0.5).any()
    assert (share[(macs == 1024) & (vector_lanes == 16) & (port_bytes == 256)] > 0.5).any()


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.skipif(not LIBERTY.is_file(), reason="no liberty files at ../shared/data/pdk")
def test_the_table_is_what_the_benchmark_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(BENCHMARKS), *sys.path])
    from sartor.flow import read_library

    import silicon as benchmark  # isort: skip

    library = read_library(LIBERTY)
    energies, gate = benchmark.energies_j(library, benchmark.PERIOD_S), benchmark.gate_um2(library)
    areas = [*benchmark.fit_all(library), *benchmark.short_cache(library)]
    rows = [row for row in benchmark.silicon_formats.kept_rows() if row["library"] == "asap7"]
    short = benchmark.silicon_cache.energies_j({row["part"]: row for row in rows})
    text = benchmark.table_text(benchmark.rows_of(library, areas, energies, gate, short))
    (made, kept) = (
        {(r["item"], r["quantity"]): float(r["value"]) for r in csv.DictReader(io.StringIO(t))}
        for t in (text, data_text("silicon.csv"))
    )
    assert made == approx(kept, rel=0.02)
