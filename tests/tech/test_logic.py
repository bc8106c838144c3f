"""Logic, SRAM, DRAM and links: by hand, and laws over all rows of the tables."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest import approx

from sartor.tables import table
from sartor.tech import dram, link, logic, sram
from sartor.tech.technology import NOMINAL, Technology

NODES = table("nodes").items
MEMORIES = tuple(m for m in table("memories").items if m != "sram")


def node(name: str) -> int:
    return table("nodes").index(name)


def test_n7_is_the_reference() -> None:
    assert logic.area_ratio(NOMINAL, node("N7")) == 1
    assert logic.energy_ratio(NOMINAL, node("N7"), 1.0) == 1
    # Half the voltage, a quarter of the energy.
    assert logic.energy_ratio(NOMINAL, node("N7"), 0.5) == approx(0.25)
    assert logic.clock_hz(NOMINAL, node("N7"), 1e9) == approx(1e9)


def test_n5_by_hand() -> None:
    # 96.3 against 138.2 MTr/mm2; 0.17 against 0.25; 0.27 against 0.24 of delay.
    assert logic.area_ratio(NOMINAL, node("N5")) == approx(96.3 / 138.2)
    assert logic.energy_ratio(NOMINAL, node("N5"), 1.0) == approx(0.17 / 0.25)
    assert logic.clock_hz(NOMINAL, node("N5"), 1e9) == approx(1.125e9)


def test_voltage_by_hand() -> None:
    # At 0.8 of the nominal clock: 1 - 0.8 x 0.2 = 0.84. Far below: what SRAM keeps.
    assert logic.relative_voltage(NOMINAL, node("N7"), 0.8e9, 1e9) == approx(0.84)
    assert logic.relative_voltage(NOMINAL, node("N7"), 0.1e9, 1e9) == approx(0.65)


def test_newer_nodes_are_smaller_thriftier_and_faster() -> None:
    order = [node(n) for n in ("N28", "N16", "N12", "N7", "N6", "N5", "N4", "N3", "N2")]
    for figure in (
        logic.area_ratio(NOMINAL, np.array(order)),
        logic.energy_ratio(NOMINAL, np.array(order), 1.0),
    ):
        assert (np.diff(figure) <= 0).all()
    assert (np.diff(logic.clock_hz(NOMINAL, np.array(order), 1e9)) >= 0).all()
    assert (np.diff(sram.area_mm2(NOMINAL, np.array(order), 1e6)) <= 0).all()


@given(st.sampled_from(NODES), st.floats(0.05e9, 2e9), st.floats(1.0, 2.0))
def test_a_faster_clock_never_takes_less_voltage(name: str, hz: float, more: float) -> None:
    slow, fast = (logic.relative_voltage(NOMINAL, node(name), each, 1e9) for each in (hz, more * hz))
    assert slow <= fast


def test_slower_cells_take_more_voltage() -> None:
    # Cells that stop at 0.5 GHz are at their limit where others of 1 GHz have half of their clock to spare.
    assert logic.relative_voltage(NOMINAL, node("N7"), 0.5e9, 0.5e9) == approx(1)
    assert logic.relative_voltage(NOMINAL, node("N7"), 0.5e9, 1e9) == approx(0.65)
    assert logic.clock_hz(NOMINAL, node("N5"), 0.5e9) == approx(0.5625e9)


def test_sram_by_hand() -> None:
    # 3 MiB at N7: 24 Mib / 24 Mib/mm2 x 1.9 of ports, ECC and test = 1.9 mm2.
    assert sram.area_mm2(NOMINAL, node("N7"), 3 * 2**20) == approx(1.9)
    # A bank of 16 KiB: 0.5 + 0.165 x 4 = 1.16 pJ a byte.
    assert sram.access_j_per_byte(NOMINAL, 16 * 1024, 1.0) == approx(1.16e-12)
    # Jouppi 2021 (recalled): 0.94 pJ/B at 8 KiB, 1.06 at 32 KiB; the root is within 0.5 pJ of both.
    assert sram.access_j_per_byte(NOMINAL, 8 * 1024, 1.0) == approx(0.94e-12, abs=0.5e-12)
    assert sram.access_j_per_byte(NOMINAL, 32 * 1024, 1.0) == approx(1.06e-12, abs=0.5e-12)


def test_dram_by_hand() -> None:
    hbm3 = table("memories").index("hbm3")
    # Of 6,240 clocks 560 + 26 + 31 + 9 go to refresh: 0.8997 of 5 x 670 GB/s. A GPU's plain read reaches 3.06 TB/s.
    assert dram.stream_bytes_per_s(NOMINAL, hbm3, 3.35e12) == approx(3.014e12, rel=1e-3)
    # 5.05 pJ/bit: 40.4 pJ a byte.
    assert dram.access_j_per_byte(NOMINAL, hbm3) == approx(40.4e-12)
    # Chunks as long as what a jump costs get half.
    assert dram.chunk_efficiency(NOMINAL, hbm3, dram.break_bytes(NOMINAL, hbm3)) == approx(0.5)


@given(st.sampled_from(MEMORIES), st.floats(16, 1e6))
def test_longer_chunks_are_never_slower(kind: str, chunk: float) -> None:
    row = table("memories").index(kind)
    assert 0 < dram.chunk_efficiency(NOMINAL, row, chunk) < dram.chunk_efficiency(NOMINAL, row, 2 * chunk) < 1


def ring_exchange_s(n_bytes: float, chips: int, rate: float) -> float:
    """A ring all-reduce walked step by step: chip i sends the piece that is its turn, all at once. Checks the
    sums."""
    pieces = [[{(chip, piece)} for piece in range(chips)] for chip in range(chips)]  # whose terms a piece has
    time = 0.0
    for turn in range(2 * (chips - 1)):
        sent = [(chip, (chip - turn) % chips) for chip in range(chips)]
        arriving = [((chip + 1) % chips, p, set(pieces[chip][p])) for chip, p in sent]
        for chip, p, terms in arriving:
            pieces[chip][p] |= terms
        time += n_bytes / chips / rate
    assert all(len(pieces[chip][p]) == chips for chip in range(chips) for p in range(chips))
    return time


@pytest.mark.parametrize("chips", [1, 2, 3, 4, 7, 8])
def test_all_reduce_moves_what_a_ring_moves(chips: int) -> None:
    assert link.all_reduce_s(8e6, chips, 1e9, 0.0) == approx(ring_exchange_s(8e6, chips, 1e9))


def test_collectives_by_hand() -> None:
    # 4 chips, 1 MB, 1 GB/s: 2 x 3/4 ms = 1.5 ms; 2 log2 4 = 4 hops of 1 us.
    assert link.all_reduce_s(1e6, 4, 1e9, 1e-6) == approx(1.504e-3)
    # 5 chips need 2 x 3 hops.
    assert link.all_reduce_s(0, 5, 1e9, 1e-6) == approx(6e-6)
    # Each keeps a quarter of its megabyte: 0.75 ms and one latency.
    assert link.all_to_all_s(1e6, 4, 1e9, 1e-6) == approx(0.751e-3)


@given(st.floats(0, 1e9), st.integers(1, 64), st.floats(1e6, 1e12), st.floats(0, 1e-3))
def test_one_chip_has_nobody_to_talk_to(n_bytes: float, chips: int, rate: float, wait: float) -> None:
    for collective in (link.all_reduce_s, link.all_to_all_s):
        assert collective(n_bytes, 1, rate, wait) == 0
        assert collective(n_bytes, chips, 2 * rate, wait) <= collective(n_bytes, chips, rate, wait)
        assert collective(n_bytes, chips, rate, wait) <= collective(n_bytes, chips + 1, rate, wait) * (
            1 + 1e-12
        )


def test_single_precision_is_the_same_to_its_digits() -> None:
    single = Technology(dtype=np.float32)
    rows = np.arange(len(NODES))
    assert logic.area_ratio(single, rows).dtype == np.float32
    assert logic.area_ratio(single, rows) == approx(logic.area_ratio(NOMINAL, rows), rel=1e-6)
