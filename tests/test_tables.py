"""Facts: all tables load, each fact says where it is from, and no estimate finds a hole."""

import csv
import re
from collections import Counter
from importlib.resources import files

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sartor import tables
from sartor.errors import BrokenFile, UnknownName
from sartor.families.gpu.machine import SCALED, STACK, UNPACKED
from sartor.families.tensor.design import FORMATS, Designs
from sartor.families.tensor.family import Tensor
from sartor.formats.spec import format_named, formats
from sartor.formulas.phase import Phase
from sartor.tables import KINDS, Fact, Table, draws, high, low, nominal, one_at, sources, table
from sartor.tech.technology import Technology
from sartor.workload.derive import operators
from sartor.workload.find import bundled
from sartor.workload.step import Step

COLUMNS = ["item", "quantity", "value", "unit", "low", "high", "kind", "date", "source"]
OTHER_TABLES = {"formats", "gguf_types", "dram"}  # not of facts: definitions, and devices (tests/tech/test_dram.py)


def csv_names() -> list[str]:
    found = (p.name for p in files("sartor.data").iterdir())
    return sorted(n.removesuffix(".csv") for n in found if n.endswith(".csv"))


FACT_TABLES = [name for name in csv_names() if name not in OTHER_TABLES]
every_table = pytest.mark.parametrize("name", FACT_TABLES)


def rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(tables.data_text(f"{name}.csv").splitlines()))


@every_table
def test_it_loads_with_its_columns(name: str) -> None:
    assert list(rows(name)[0]) == COLUMNS
    assert len(table(name).facts) == len(rows(name)) > 0


@every_table
def test_every_fact_says_where_it_is_from(name: str) -> None:
    for fact in table(name).facts.values():
        assert fact.low <= fact.value <= fact.high, fact.name
        assert fact.kind in KINDS, fact.name
        assert re.fullmatch(r"20\d\d(-[01]\d)?", fact.date), f"{fact.name}: date {fact.date!r}"
        assert len(fact.source) >= 5, f"{fact.name}: source {fact.source!r}"


@every_table
def test_a_guess_has_a_range(name: str) -> None:
    for fact in table(name).facts.values():
        if fact.kind == "assumed" and fact.value != 0:
            assert fact.low < fact.high, fact.name


@every_table
def test_no_fact_is_there_twice(name: str) -> None:
    twice = [key for key, n in Counter((r["item"], r["quantity"]) for r in rows(name)).items() if n > 1]
    assert twice == []


@every_table
def test_tables_that_are_read_by_column_have_no_holes(name: str) -> None:
    # These are read by single facts; every other one item by item.
    if name not in ("overheads", "silicon"):
        t = table(name)
        # What only measured kernels tell, and the tick of the energy counter of a board that was measured.
        told = ("tile_wave", "core_draw", "split_overhead", "j_per_op_int8", "counter_tick", *SCALED, STACK, UNPACKED)
        needed = [q for q in t.quantities if not q.startswith(told)]
        holes = [(i, q) for i in t.items for q in needed if (i, q) not in t.facts]
        assert holes == []


def test_sources_have_a_title_and_a_place() -> None:
    for key, source in sources().items():
        assert source.get("title") and source.get("where"), key


def test_every_format_has_its_multiplier() -> None:
    for name in formats():
        assert format_named(name).datapath in (*table("units").items, *table("macs").items), name
        assert format_named(name).bits() >= format_named(name).element_bits > 0


def every_combination() -> Designs:
    """One small design for every node x memory x link x format x package, [designs]."""
    streaming = [i for i, kind in enumerate(table("memories").items) if kind != "sram"]
    axes = [
        range(len(table("nodes").items)),
        streaming,
        range(len(table("links").items)),
        range(len(FORMATS)),
        (1, 2),
    ]
    node, memory, link, fmt, dies = (a.ravel() for a in np.meshgrid(*axes, indexing="ij"))
    tech = Technology()
    return Designs(
        node=node, clock_hz=0.5e9, cores=4, dies=dies, rows=16, lanes=16, columns=4, vector_lanes=8,
        scratchpad_bytes=262_144.0, fifo_bytes=65_536.0, weights=fmt, cache=FORMATS.index("int8"),
        memory=memory,
        units=2, capacity_bytes=2 * tech.column("memories", "capacity_max", memory),
        bandwidth_bytes_per_s=2 * tech.column("memories", "bandwidth", memory),
        link=link, link_bytes_per_s=tech.column("links", "bandwidth", link),
    )  # fmt: skip


@pytest.mark.parametrize("device", [False, True])
@pytest.mark.parametrize("pick", [nominal, low, high])
def test_no_hole_reaches_an_estimate(device: bool, pick) -> None:
    chips = Tensor(every_combination(), Technology(pick), device)
    model = bundled("mixtral-8x7b")
    phase: Phase = chips.replica(2, {}).phase(operators(model, "decode"), Step(4, 1, 512))
    once = {"complexity": 0.3, "tapeouts": 1, "ip_usd": 1e6, "software_usd": 1e6}
    figures = {"latency": phase.latency_s, "bytes": phase.dram_bytes, "static": chips.static_w,
               "usd": chips.chip_usd(1e5, once), **phase.energy_j, **chips.physical.area_mm2}  # fmt: skip
    for name, values in figures.items():
        assert np.isfinite(values).all() and (np.asarray(values) >= 0).all(), name
    assert (phase.latency_s > 0).all()


def fact(**changed) -> Fact:
    given_ = {"table": "t", "item": "a", "quantity": "q", "value": 2.0, "low": 1.0, "high": 4.0, "unit": "W",
              "kind": "assumed", "date": "2026", "source": "by hand"}  # fmt: skip
    return Fact(**{**given_, **changed})


@given(st.integers(0, 1000))
def test_the_same_fact_gives_the_same_draws_everywhere(seed: int) -> None:
    here, there = draws(50, seed), draws(50, seed)
    assert np.array_equal(here(fact()), there(fact()))
    assert not np.array_equal(here(fact()), here(fact(item="b")))
    assert not np.array_equal(here(fact()), draws(50, seed + 1)(fact()))


def test_half_of_the_draws_lie_on_each_side() -> None:
    # Below 2 a triangle that falls to 1 (mean 2 - 1/3), above one that falls to 4 (mean 2 + 2/3): 2.167 in
    # all. Of 4000 draws the standard error is 0.6 / 63 = 0.01.
    values = draws(4000, 7)(fact())
    assert values.min() >= 1 and values.max() <= 4
    assert values.mean() == pytest.approx(2 + 1 / 6, abs=0.04)
    assert np.median(values) == pytest.approx(2, abs=0.04)
    assert (draws(5, 7)(fact(low=2.0, high=2.0)) == 2).all()


def test_one_at_moves_one_fact_only() -> None:
    pick = one_at("t.a.q", high)
    assert (pick(fact()), pick(fact(item="b")), one_at("t.a.q", low)(fact())) == (4, 2, 1)


def test_a_column_keeps_the_order_of_items_and_shows_holes() -> None:
    t = Table("t", [fact(), fact(item="b", value=3.0), fact(item="b", quantity="r")])
    assert t.column("q").tolist() == [2, 3]
    assert np.isnan(t.column("r")[0])
    assert t.column("q", draws(6, 0)).shape == (2, 6)
    with pytest.raises(UnknownName, match="unknown quantity 's'"):
        t.column("s")


def test_unknown_rows_name_the_closest() -> None:
    with pytest.raises(UnknownName, match="unknown node 'N8'"):
        table("nodes").index("N8")
    with pytest.raises(UnknownName, match="unknown memory 'hbm9'"):
        table("memories").fact("hbm9", "price")
    with pytest.raises(UnknownName, match=r"nodes.csv: unknown quantity of N7 'd1': did you mean 'd0'"):
        table("nodes").fact("N7", "d1")


GOOD = "N7,d0,0.09,1/cm2,0.07,0.15,seen,2026-11,a source"


@pytest.mark.parametrize(
    ("old", "new", "error", "message"),
    [
        ("0.09", "0.19", BrokenFile, "bad.csv line 2: low 0.07 <= value 0.19 <= high 0.15 does not hold"),
        ("0.09", "nan", BrokenFile, "bad.csv line 2: low 0.07 <= value nan"),
        ("0.09", "", BrokenFile, "bad.csv line 2: could not convert"),
        ("1/cm2", "1/cm3", UnknownName, "bad.csv line 2: unknown unit '1/cm3'"),
        ("seen", "sen", UnknownName, "bad.csv line 2: unknown kind of fact 'sen': did you mean 'seen'"),
    ],
)
def test_a_broken_table_is_refused_with_its_line(
    monkeypatch, old: str, new: str, error: type, message: str
) -> None:
    text = ",".join(COLUMNS) + "\n" + GOOD.replace(old, new)
    monkeypatch.setattr(tables, "data_text", lambda path: text)
    with pytest.raises(error, match=message):
        table.__wrapped__("bad")


def test_a_good_line_is_converted() -> None:
    # 0.09 defects a cm2 are 0.0009 a mm2.
    assert table("nodes").fact("N7", "d0").value == pytest.approx(9e-4)
