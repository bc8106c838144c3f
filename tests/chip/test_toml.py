"""A chip survives being written and read; a damaged file gives only our errors."""

import dataclasses
import random
import sys

import pytest
from edge_chip import TENSOR
from hypothesis import given, settings
from hypothesis import strategies as st

from sartor.chip.presets import names, preset
from sartor.chip.spec import ENGINES, PACKAGES, Chip, Link, Memory, Price, Tile
from sartor.chip.toml import dumps, loads
from sartor.errors import SartorError
from sartor.formats.hardware import by_table
from sartor.formats.spec import formats
from sartor.tables import data_text, table

whole = st.integers(1, 10**15 - 1)
positive = st.floats(min_value=0, exclude_min=True, allow_infinity=False)
not_negative = st.one_of(st.just(0.0), positive)
names_of_formats = st.sampled_from(sorted(formats()))
FOR = {"mac": sorted(formats()), "lut": [name for name in sorted(formats()) if by_table(name)]}
tiles = st.sampled_from(ENGINES).flatmap(lambda engine: st.builds(
    Tile, whole, whole, whole, whole, st.sampled_from(FOR[engine]), st.just("int8"), names_of_formats,
    st.just(engine), whole, whole,
))  # fmt: skip
memories = st.builds(
    Memory, st.sampled_from(table("memories").items), st.integers(0, 10**6), not_negative, not_negative
)
links = st.builds(Link, st.sampled_from(table("links").items), not_negative)
prices = st.builds(Price, st.none() | not_negative, st.none() | not_negative, st.text(), st.text())
shared = {
    "name": st.text(),
    "node": st.sampled_from(table("nodes").items),
    "clock_hz": positive,
    "memory": memories,
    "cores": whole,
    "dies": whole,
    "voltage_v": st.none() | positive,
    "generation": st.text(),
    "sram_bytes": not_negative,
    "sram_bandwidth_bytes_per_s": not_negative,
    "link": links,
    "package": st.sampled_from(PACKAGES),
    "die_mm2": st.none() | positive,
    "tdp_w": st.none() | positive,
    "price": prices,
    "year": st.none() | st.integers(0, 10**6),
    "vendor": st.text(),
    "status": st.text(),
    "source": st.text(),
    "note": st.text(),
}
peaks = st.dictionaries(names_of_formats, positive, min_size=1)
chips = st.one_of(
    st.builds(Chip, family=st.just("tensor"), tile=tiles, **shared),
    st.builds(Chip, family=st.sampled_from(["gpu", "npu"]), peaks=peaks, **shared),
)


@given(chips)
def test_a_chip_comes_back_bit_for_bit(chip: Chip) -> None:
    assert loads(dumps(chip)) == chip


@given(st.text(alphabet=st.sampled_from('"\\\n\r\t\0\x07\x1f\x7f\u0085\u2028 가é🙂#=[]'), min_size=1))
def test_names_with_quotes_control_characters_and_other_scripts_come_back(name: str) -> None:
    chip = dataclasses.replace(loads(TENSOR), name=name, note=name)
    assert loads(dumps(chip)) == chip


@pytest.mark.parametrize("figure", ["3.35 TB/s", "0.1 TB/s", "65.4 TB/s", "34.14 GB/s", "1.7e2 GB/s"])
def test_fractional_figures_come_back_bit_for_bit(figure: str) -> None:
    chip = loads(TENSOR.replace("34.14 GB/s", figure))
    again = loads(dumps(chip))
    assert again.memory.bandwidth_bytes_per_s.hex() == chip.memory.bandwidth_bytes_per_s.hex()
    # 3.35 TB/s is 3,350,000,000,000 B/s.
    value, unit = figure.split()
    exact = float(value) * {"TB/s": 1e12, "GB/s": 1e9}[unit]
    assert chip.memory.bandwidth_bytes_per_s == exact


@given(st.floats(min_value=1e-6, max_value=1e24), st.sampled_from(sorted(formats())))
def test_peaks_come_back_bit_for_bit(peak: float, fmt: str) -> None:
    chip = dataclasses.replace(preset("h100-sxm"), peaks={fmt: peak})
    assert loads(dumps(chip)).peaks[fmt].hex() == peak.hex()


def test_the_ends_of_floats_come_back() -> None:
    # The largest float overflows in USD/h, the smallest vanishes in GB/s.
    for end in (sys.float_info.max, 5e-324):
        price, link = Price(rental_usd_per_s=end), Link("pcie5", end)
        chip = dataclasses.replace(preset("h100-sxm"), price=price, link=link)
        assert loads(dumps(chip)) == chip


def test_the_text_is_for_people() -> None:
    text = dumps(preset("h100-sxm"))
    assert 'tdp = "700 W"' in text
    assert 'capacity = "80 GB"' in text
    assert 'bandwidth = "3350 GB/s"' in text
    assert 'bf16 = "989 Tops/s"' in text
    assert 'rental = "2.95 USD/h"' in text


def test_writing_twice_changes_nothing() -> None:
    for name in names():
        text = dumps(preset(name))
        assert dumps(loads(text)) == text


_SPICE = [
    '"', "'", "\\", "\n", "\0", "[", "]", "{", "}", "=", ".", "-", "1e999", "nan", "inf", "true", "[[a]]",
    "0x", "_", "é", "\ud7ff", "2026-01-01", "9" * 400, '"""', "[memory]", "#", " W", " GB/s", "[peaks]\n",
]  # fmt: skip


def _mutated(text: str, rng: random.Random) -> str:
    for _ in range(rng.randint(1, 4)):
        at, end = sorted((rng.randrange(len(text) + 1), rng.randrange(len(text) + 1)))
        lines = text.split("\n")
        text = rng.choice((
            lambda t=text, a=at: t[:a] + rng.choice(_SPICE) + t[a:],
            lambda t=text, a=at, e=end: t[:a] + t[min(e, a + rng.randint(1, 6)) :],
            lambda t=text, a=at: t[:a],
            lambda t=text, a=at: t[:a] + chr(rng.randrange(0xD7FF)) + t[a + 1 :],
            lambda s=lines: "\n".join(rng.sample(s, len(s))),
            lambda s=lines: "\n".join(line for line in s if rng.random() > 0.1),
            lambda s=lines: "\n".join([*s, rng.choice(s)]),
            lambda s=lines: "\n".join(
                line.split("=")[0] + "= " + rng.choice(_SPICE) if "=" in line and rng.random() < 0.1 else line
                for line in s
            ),
        ))()  # fmt: skip
    return text


def test_damaged_files_give_only_our_errors() -> None:
    rng = random.Random(20261123)
    texts = [TENSOR, *(data_text(f"chips/{name}.toml") for name in names())]
    read = refused = 0
    for _ in range(3000):
        try:
            chip = loads(_mutated(rng.choice(texts), rng))
        except SartorError as error:
            assert str(error)
            refused += 1
        else:
            assert loads(dumps(chip)) == chip
            read += 1
    assert refused > 1000 and read > 50  # the mutations neither miss nor destroy everything


@settings(max_examples=300)
@given(st.text())
def test_any_text_gives_only_our_errors(text: str) -> None:
    with pytest.raises(SartorError):
        loads(text)
