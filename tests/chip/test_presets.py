"""The chips that exist are physically sane and say what they rest on."""

import re
from itertools import pairwise

import pytest
from pytest import approx

from sartor.chip.catalog import best_peak
from sartor.chip.presets import find, names, preset
from sartor.errors import UnknownName
from sartor.tables import table

RETICLE_MM2 = 26 * 33  # 858: the field of a lithography scanner
# Slowest first: the fewer bits an operand has, the faster it is multiplied.
WIDTHS = (("fp16", "bf16"), ("fp8-e4m3", "int8", "mxint8"), ("mxfp6-e2m3",), ("mxfp4", "nvfp4", "int4"))
GENERATIONS = {
    "gpu": {"ampere", "ada", "hopper", "blackwell", "cdna3", "cdna4"},
    "npu": {"npu-dram", "npu-hbm", "npu-sram"},
}
all_chips = pytest.mark.parametrize("name", names())


def test_there_are_enough_and_the_promised_ones() -> None:
    promised = {
        "a100-sxm-80gb", "h100-sxm", "h200-sxm", "b200-sxm", "mi300x", "tpu-v5e", "groq-lpu1", "rngd",
        "northpole", "rebel-quad", "jetson-agx-orin", "hailo-10h",
    }  # fmt: skip
    assert promised <= set(names())
    assert len(names()) >= 30


def test_an_unknown_chip_names_the_closest() -> None:
    with pytest.raises(UnknownName, match="did you mean 'h100-sxm'"):
        find("h100-sxn")


@all_chips
def test_it_loads_under_its_own_name_with_a_source(name: str) -> None:
    chip = preset(name)
    assert chip.name == name
    assert chip.vendor and chip.source and chip.status
    assert 2015 <= chip.year <= 2026
    assert chip.generation in GENERATIONS[chip.family]


@all_chips
def test_prices_have_a_date_and_a_source(name: str) -> None:
    price = preset(name).price
    if price.purchase_usd is not None or price.rental_usd_per_s is not None:
        assert re.fullmatch(r"20\d\d(-\d\d)?", price.date)
        assert price.source


@all_chips
def test_fewer_bits_are_never_slower(name: str) -> None:
    chip = preset(name)
    speeds = [[chip.peaks[f] for f in width if f in chip.peaks] for width in WIDTHS]
    speeds = [s for s in speeds if s]
    for slow, fast in pairwise(speeds):
        assert max(slow) <= min(fast)
    assert set(chip.peaks) <= {f for width in WIDTHS for f in width}


@all_chips
def test_bandwidth_is_that_of_its_memory_devices(name: str) -> None:
    chip = preset(name)
    memory = chip.memory
    if memory.kind == "sram":
        assert (memory.units, memory.capacity_bytes, memory.bandwidth_bytes_per_s) == (0, 0, 0)
        assert chip.sram_bytes > 0 and chip.sram_bandwidth_bytes_per_s > 0
        return
    unit = memory.bandwidth_bytes_per_s / memory.units
    fact = table("memories").fact(memory.kind, "bandwidth")
    # Data sheets round: 5 HBM2e stacks give 2039 GB/s, 408 each.
    fits = 0.98 * fact.low <= unit <= 1.02 * fact.high
    said = re.search(r"a unit runs at ([\d.]+) GB/s", chip.note)
    assert fits != bool(said)
    assert said is None or float(said[1]) * 1e9 == approx(unit, rel=2e-3)


@all_chips
def test_capacity_is_that_of_its_memory_devices(name: str) -> None:
    memory = preset(name).memory
    if memory.kind != "sram":
        each = memory.capacity_bytes / memory.units
        smallest = table("memories").fact(memory.kind, "capacity_min").value
        largest = table("memories").fact(memory.kind, "capacity_max").value
        # Stacks are sold with a part of their capacity off; a GDDR channel may carry two devices.
        assert 0.9 * smallest <= each <= largest * (2 if "gddr" in memory.kind else 1)


@all_chips
def test_dies_fit_the_reticle(name: str) -> None:
    chip = preset(name)
    if chip.die_mm2 is not None and chip.package != "wafer":
        assert 20 * chip.dies < chip.die_mm2 <= RETICLE_MM2 * chip.dies


@all_chips
def test_power_density_is_that_of_silicon(name: str) -> None:
    chip = preset(name)
    if chip.silicon_mm2 and chip.tdp_w:
        assert 0.05 <= chip.tdp_w / chip.silicon_mm2 <= 1.0  # W/mm2: MTIA v1 0.07, H100 0.86


@all_chips
def test_every_watt_does_some_work(name: str) -> None:
    chip = preset(name)
    if chip.tdp_w:
        _, peak = best_peak(chip)
        # ops/s a watt: Apple's NPU against the power of its whole chip 0.42e12, Corsair and Hailo-10H 16e12.
        assert 0.4e12 <= peak / chip.tdp_w <= 20e12


@all_chips
def test_what_is_guessed_says_so(name: str) -> None:
    chip = preset(name)
    if "recalled" in chip.source and ";" not in chip.source:
        assert "recalled" in chip.note
    if chip.tdp_w is None:
        assert "unpublished and left blank" in chip.note


def test_h100_by_hand() -> None:
    chip = preset("h100-sxm")
    assert chip.memory.bandwidth_bytes_per_s == 3.35e12
    assert chip.peaks["bf16"] == 989e12
    assert chip.link.bandwidth_bytes_per_s == 450e9  # NVLink 4: 900 GB/s both ways
    # 132 SMs x 4 tensor cores x 512 multiply-adds x 2 ops x 1.83 GHz = 989 Tops/s.
    assert 132 * 4 * 512 * 2 * chip.clock_hz == approx(989e12, rel=1e-3)
    # 2.95 USD/h
    assert chip.price.rental_usd_per_s * 3600 == approx(2.95)


def test_groq_by_hand() -> None:
    # 320 x 320 MACs x 4 planes x 2 ops x 0.9 GHz = 737 Tops/s; the data sheet rounds to 750.
    chip = preset("groq-lpu1")
    assert 320 * 320 * 4 * 2 * chip.clock_hz == approx(chip.peaks["int8"], rel=0.02)


def test_tesla_by_hand() -> None:
    # 2 arrays of 96 x 96 MACs x 2 ops x 2 GHz = 73.7 Tops/s.
    chip = preset("tesla-hw3")
    assert 2 * 96 * 96 * 2 * chip.clock_hz == approx(chip.peaks["int8"], rel=1e-3)


def test_base_dies_are_of_an_older_node() -> None:
    # 8 XCDs of 115 mm2 on 4 base dies of 370 mm2: 2400 mm2 of silicon.
    chip = preset("mi300x")
    assert (chip.node, chip.dies, chip.base_node, chip.base_dies) == ("N5", 8, "N6", 4)
    assert chip.silicon_mm2 == 2400


@pytest.mark.parametrize("name", [name for name in names() if preset(name).note])
def test_notes_say_the_same_figures_in_korean(name):
    chip = preset(name)
    assert re.search("[가-힣]", chip.note_ko)
    # Counted things are words in one language and digits in the other; figures with a decimal or three digits are not.
    figures = [set(re.findall(r"\d+\.\d+|\d{3,}", text)) for text in (chip.note, chip.note_ko)]
    assert figures[0] == figures[1]
