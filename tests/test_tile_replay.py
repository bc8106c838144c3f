"""A tile as cells with a layer of the model (benchmarks/tile_replay.py): what is on record, what its ports take."""

import csv
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytest import approx

from sartor.families.tensor.core import GROUP, Core
from sartor.families.tensor.datapath import DATAPATH, READ, datapath_of, mac_j
from sartor.families.tensor.design import FORMATS
from sartor.families.tensor.spec import from_chip
from sartor.formats.decode import Element
from sartor.tables import data_text, table
from sartor.tech.technology import NOMINAL

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
ROWS = list(csv.DictReader(data_text("measured/tile_replay.csv").splitlines()))


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> Any:
    pytest.importorskip("pyosys", reason="needs Yosys: pip install pyosys")
    monkeypatch.setattr(sys, "path", [str(BENCHMARKS), *sys.path])
    import tile_replay_ports

    return tile_replay_ports


def parts_j(form: str, engine: str = "mac") -> float:
    """What the estimate takes of a tile of four rows and two columns for a multiply-add."""
    row = DATAPATH[FORMATS.index(form)]
    if engine == "mac":
        return float(mac_j(NOMINAL, row))
    unit, tables, keys = (table("lut").fact(name, "energy").value for name in (READ[row], "tables", "keys"))
    return unit + tables / 4 + keys / 2


@pytest.mark.parametrize("row", ROWS, ids=[f"{r['format']} {r['matrix']}" for r in ROWS])
def test_a_tile_takes_about_what_its_units_do(row: dict[str, str]) -> None:
    """Accumulators and operand registers more, and the numbers of a model instead of uniform codes."""
    assert float(row["parts_j"]) == approx(parts_j(*row["format"].split()), rel=0.01)
    assert float(row["ratio"]) == approx(float(row["energy_j"]) / float(row["parts_j"]), rel=1e-3)
    assert 0.9 < float(row["ratio"]) < 1.15


def test_a_tile_is_mapped_for_a_period_that_it_keeps(benchmark: Any) -> None:
    # A unit of four planes that reads tables keeps 0.987 GHz alone: 1 / (0.9 x 0.987) = 1.126 ns.
    import tile_replay

    def period_ns(*form: str) -> float:
        designs = from_chip(benchmark.chip(*form))
        return 1e9 * tile_replay.period_s(datapath_of(designs), designs)

    assert period_ns("q4_1") == period_ns("fp8-e4m3") == 1
    assert period_ns("q4_1", "lut") == approx(1.126, abs=1e-3)


def test_blocks_of_codes_by_hand(benchmark: Any) -> None:
    codes = np.arange(GROUP)[None] & 15
    nibbles = benchmark.lanes(Core(), codes, Element.INT4)[0]
    # Code 1 is the low nibble of the second byte, code 17 (1 too) its high one.
    assert nibbles.reshape(GROUP, 4)[2:4].tolist() == [[1, 0, 0, 0]] * 2
    # -1 and 0 with 128 added.
    byte = benchmark.lanes(Core(multiplier_bits=8), np.array([[-1, 0, *[0] * 30]]), Element.INT8)[0].reshape(GROUP, 8)
    assert byte[:2].tolist() == [[1, 1, 1, 1, 1, 1, 1, 0], [0, 0, 0, 0, 0, 0, 0, 1]]
    # E4M3 1.125 is 9 shifted by 6; -9 in five bits is 10111.
    shifting = Core(multiplier_bits=9, elements=(Element.INT8, Element.E4M3))
    lanes = benchmark.lanes(shifting, np.array([[0x39, 0xB9, *[0] * 30]]), Element.E4M3)[0].reshape(GROUP, 9)
    assert lanes[:2].tolist() == [[1, 0, 0, 1, 0, 0, 1, 1, 0], [1, 1, 1, 0, 1, 0, 1, 1, 0]]
