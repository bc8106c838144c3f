"""Multipliers or tables as an axis of the search: priced as measured, and chosen by price."""

from dataclasses import replace

import numpy as np
import pytest

from sartor.chip import toml
from sartor.errors import InputError, UnknownName
from sartor.families.tensor import silicon
from sartor.families.tensor.datapath import datapath_of, mac_j, unit_mm2
from sartor.families.tensor.family import Tensor
from sartor.families.tensor.spec import from_chip, to_chip
from sartor.search.explore import explore
from sartor.search.space import space
from sartor.tables import table
from sartor.tech.technology import NOMINAL

FORMATS = ["int4-g128", "int8-g128", "int4-g128-zp", "bcq2-g128"]
SIZES = {"rows": [8, 64], "lanes": [32, 64], "columns": [1, 4], "cores": [4]}


def both() -> tuple[Tensor, Tensor]:
    """The same designs with multipliers and with tables."""
    s = space({**SIZES, "weights": FORMATS, "engine": ["mac", "lut"]})
    genomes = s.sample(200, np.random.default_rng(3))
    found = []
    for engine in (0, 1):
        genomes[s.names.index("engine")] = engine
        designs, _ = s.decode(genomes, NOMINAL)
        found.append(Tensor(designs))
    return found[0], found[1]


def test_tables_cost_area_and_energy_and_no_time() -> None:
    mac, lut = both()
    assert np.all(lut.physical.area_mm2["tile"] > mac.physical.area_mm2["tile"])
    assert np.all(lut.machine.mac_j > mac.machine.mac_j)
    assert lut.machine.weights.steps == pytest.approx(mac.machine.weights.steps)
    # With more rows to a table each row pays less of it.
    few, many = (np.ravel(lut.designs.rows) == rows for rows in (8, 64))
    ratio = np.broadcast_to(lut.machine.mac_j / mac.machine.mac_j, few.shape)
    same = np.ravel(lut.designs.weights) == np.ravel(lut.designs.weights)[0]
    assert ratio[many & same].max() < ratio[few & same].min()


def test_of_many_designs_each_is_as_alone() -> None:
    _, lut = both()
    for row in (0, 7, 100):
        alone = Tensor(lut.designs.one(row))
        assert alone.machine.mac_j == pytest.approx(np.broadcast_to(lut.machine.mac_j, 200)[row])
        assert alone.physical.total_mm2 == pytest.approx(np.broadcast_to(lut.physical.total_mm2, 200)[row])


def test_a_unit_by_hand() -> None:
    # 8 rows share a table, 4 columns a row's keys; 8 x 4 units, one group of lanes.
    s = space({**SIZES, "weights": ["int4-g128"], "engine": ["lut"], "rows": [8], "columns": [4], "clock": ["1 GHz"],
               "lanes": [32]})  # fmt: skip
    designs, _ = s.decode(s.sample(1, np.random.default_rng(0)), NOMINAL)
    row = int(datapath_of(designs))
    for of, quantity in ((unit_mm2, "area"), (mac_j, "energy")):
        unit, tables, keys = (table("lut").fact(item, quantity).value for item in ("int4", "tables", "keys"))
        assert of(NOMINAL, row, designs) == pytest.approx(unit + tables / 8 + keys / 4)
        assert of(NOMINAL, row, replace(designs, engine=0)) == of(NOMINAL, row)
    # So that a tile has a table a column and keys a row.
    found = [silicon.cells_mm2(8, 32, 4, 8, 64, 4, unit_mm2=unit_mm2(NOMINAL, row, d))["tile"]
             for d in (designs, replace(designs, engine=0))]  # fmt: skip
    fact = table("lut").fact
    units = 32 * (fact("int4", "area").value - table("units").fact("int4", "area").value)
    more = units + 4 * fact("tables", "area").value + 8 * fact("keys", "area").value
    assert found[0] - found[1] == pytest.approx(more)


def test_the_engine_stays_with_the_chip() -> None:
    s = space({**SIZES, "engine": ["mac", "lut"]} | {"weights": FORMATS})
    genome = s.sample(1, np.random.default_rng(1))
    genome[s.names.index("engine")] = 1
    designs, _ = s.decode(genome, NOMINAL)
    chip = to_chip(designs, "reader", False)
    assert chip.tile is not None and chip.tile.engine == "lut" and s.describe(genome[:, 0])["engine"] == "lut"
    assert from_chip(toml.loads(toml.dumps(chip))).engine == 1


def test_a_search_takes_multipliers(small) -> None:
    """At 8-bit activations no tile is cheaper by table, whatever its rows (docs/formats-silicon.md)."""
    axis = small.search.model_copy(update={"space": {**small.search.space, "engine": ["mac", "lut"]}})
    run = explore(small.model_copy(update={"search": axis}))
    chosen = {run.problem.space.describe(genome)["engine"] for genome in run.found.genomes.T}
    assert chosen == {"mac"}


@pytest.mark.parametrize(
    ("lists", "error", "words"),
    [({"engine": ["tables"]}, UnknownName, "unknown engine 'tables'"),
     ({"engine": ["mac", "lut"], "weights": ["nvfp4"]}, InputError, "'nvfp4' with engine 'lut', whose tables hold no"),
     ({"engine": ["lut"]}, InputError, "weights: 'fp8-e4m3' with engine 'lut'.*leave the format out")],
)  # fmt: skip
def test_what_tables_do_not_hold(lists, error, words) -> None:
    with pytest.raises(error, match=words):
        space(lists)
