"""Conversion: every unit once, and what is refused."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest import approx

from sartor.errors import InputError, UnknownName
from sartor.units import UNITS, factor, parse, si, to

# unit -> (what it measures, one of it in the coherent system), worked out from the definitions.
ONE = {
    "": ("", 1), "-": ("", 1), "x": ("", 1), "%": ("", 0.01), "fraction": ("", 1),
    "s": ("s", 1), "ms": ("s", 1e-3), "us": ("s", 1e-6), "ns": ("s", 1e-9), "ps": ("s", 1e-12),
    "h": ("s", 60 * 60), "year": ("s", 365.25 * 86_400), "years": ("s", 365.25 * 86_400),
    "Hz": ("hz", 1), "kHz": ("hz", 1e3), "MHz": ("hz", 1e6), "GHz": ("hz", 1e9),
    "J": ("j", 1), "mJ": ("j", 1e-3), "uJ": ("j", 1e-6), "nJ": ("j", 1e-9), "pJ": ("j", 1e-12),
    "kWh": ("j", 1000 * 3600),
    "W": ("w", 1), "mW": ("w", 1e-3), "kW": ("w", 1e3), "MW": ("w", 1e6),
    "V": ("v", 1), "mV": ("v", 1e-3),
    "bit": ("bytes", 1 / 8), "B": ("bytes", 1), "kB": ("bytes", 1e3), "MB": ("bytes", 1e6),
    "GB": ("bytes", 1e9), "TB": ("bytes", 1e12), "KiB": ("bytes", 1024), "MiB": ("bytes", 1024**2),
    "GiB": ("bytes", 1024**3),
    "B/s": ("bytes_per_s", 1), "MB/s": ("bytes_per_s", 1e6), "GB/s": ("bytes_per_s", 1e9),
    "TB/s": ("bytes_per_s", 1e12), "PB/s": ("bytes_per_s", 1e15),
    "ops/s": ("ops_per_s", 1), "Gops/s": ("ops_per_s", 1e9), "Tops/s": ("ops_per_s", 1e12),
    "TFLOPS": ("ops_per_s", 1e12), "TOPS": ("ops_per_s", 1e12), "PFLOPS": ("ops_per_s", 1e15),
    "pJ/bit": ("j_per_byte", 8e-12), "pJ/B": ("j_per_byte", 1e-12), "pJ/bit/mm": ("j_per_byte_mm", 8e-12),
    "pJ/MAC": ("j_per_mac", 1e-12), "pJ/op": ("j_per_op", 1e-12),
    "mm": ("mm", 1), "um": ("mm", 1e-3), "mm2": ("mm2", 1), "um2": ("mm2", 1e-6), "cm2": ("mm2", 10 * 10),
    "1/mm2": ("per_mm2", 1), "1/cm2": ("per_mm2", 1 / (10 * 10)),
    "MTr/mm2": ("tr_per_mm2", 1e6), "Mib/mm2": ("bytes_per_mm2", 131_072),
    "W/mm2": ("w_per_mm2", 1), "mW/GB": ("w_per_byte", 1e-3 / 1e9),
    "mW/MiB": ("w_per_byte", 1e-3 / 1_048_576),
    "USD": ("usd", 1), "kUSD": ("usd", 1e3), "MUSD": ("usd", 1e6), "USD/GB": ("usd_per_byte", 1e-9),
    "USD/mm2": ("usd_per_mm2", 1), "USD/h": ("usd_per_s", 1 / 3600), "USD/kWh": ("usd_per_j", 1 / 3.6e6),
    # A month is 365.25 / 12 = 30.4375 days.
    "USD/kW-month": ("usd_per_w_s", 1 / 1000 / (30.4375 * 86_400)),
    "token/s": ("tokens_per_s", 1), "tokens": ("tokens", 1), "1/s": ("per_s", 1),
    "1/year": ("per_s", 1 / (365.25 * 86_400)),
}  # fmt: skip


@pytest.mark.parametrize("unit", UNITS)
def test_one_of_each_unit(unit: str) -> None:
    measures, one = ONE[unit]
    assert UNITS[unit][0] == measures
    assert factor(unit, measures) == approx(one, rel=1e-12)


def test_no_unit_is_forgotten() -> None:
    assert set(ONE) == set(UNITS)


@pytest.mark.parametrize(
    ("text", "measures", "value"),
    [
        ("700 W", "w", 700), ("3.35 TB/s", "bytes_per_s", 3.35e12), ("  2  W ", "w", 2), ("2W", "w", 2),
        (".5 GHz", "hz", 5e8), ("1e-3 s", "s", 1e-3), ("-3 V", "v", -3), ("7.", "s", 7), ("42", "s", 42),
        (42, "s", 42), (0.5, "w", 0.5), ("50 %", "", 0.5),
    ],
)  # fmt: skip
def test_parse(text: str | float, measures: str, value: float) -> None:
    assert parse(text, measures) == approx(value)


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("fast", InputError, "study.toml power: 'fast' is not a quantity"),
        ("", InputError, "study.toml power: '' is not a quantity"),
        ("2 3 W", UnknownName, "unknown unit '3 W'"),
        ("2 w", UnknownName, "unknown unit 'w': did you mean 'W'"),
        ("2 GB", InputError, "study.toml power: unit 'GB' measures bytes, not w .try W, mW, kW, MW"),
        ("1e999 W", InputError, "study.toml power: '1e999 W' is not a finite number"),
        (math.nan, InputError, "study.toml power: nan is not a finite number"),
        (True, InputError, "study.toml power: True is not a quantity"),
    ],
)
def test_what_is_refused(text: str | float, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        parse(text, "w", "study.toml power")


@pytest.mark.parametrize("wrong", ["fast", True, math.inf])
def test_without_a_place_the_message_starts_with_the_value(wrong: str | float) -> None:
    with pytest.raises(InputError) as caught:
        parse(wrong, "w")
    assert str(caught.value).startswith(repr(wrong))


@given(st.sampled_from(sorted(UNITS)), st.floats(1e-6, 1e6))
def test_to_undoes_factor(unit: str, value: float) -> None:
    assert to(value * factor(unit), unit) == approx(value, rel=1e-12)


@given(st.floats(1e-11, 9e17))
def test_si_keeps_three_digits(value: float) -> None:
    number, _, unit = si(value, "W").partition(" ")
    prefix = {
        "P": 1e15,
        "T": 1e12,
        "G": 1e9,
        "M": 1e6,
        "k": 1e3,
        "": 1,
        "m": 1e-3,
        "u": 1e-6,
        "n": 1e-9,
        "p": 1e-12,
    }
    assert float(number) * prefix[unit.removesuffix("W")] == approx(value, rel=5e-3)


def test_si_rolls_over_to_the_next_prefix() -> None:
    assert (si(999.96, "W"), si(999.4, "W"), si(math.inf, "W")) == ("1 kW", "999 W", "inf W")
