"""Liberty files: syntax, units, functions, and what a broken one says."""

import contextlib
import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import TEXT, near, real, tiny

from sartor.errors import BrokenFile, InputError, Unsupported
from sartor.flow import logic
from sartor.flow.adders import find_adder
from sartor.flow.constraints import inverts, plain_flop
from sartor.flow.liberty import parse
from sartor.flow.meaning import library_of, read_library
from sartor.flow.tables import Tables


def test_units_and_cells() -> None:
    library = tiny()
    inverter = library.cell("INV")
    assert (library.name, library.voltage_v, inverter.area_um2) == ("tiny", 0.5, 1.0)
    assert inverter.pins["A"].capacitance_f == 1e-15 and inverter.leakage_w == 1e-9
    # 5 ps + 2 ps / fF: 25 ps at 10 fF.
    rise = inverter.arcs[0].rise
    assert rise is not None and rise.values[0] == near([5e-12, 25e-12])
    # Internal energy: fF V^2 = fJ.
    power = inverter.powers[0].rise
    assert power is not None and power.values[0, 0] == near(0.5e-15)
    assert library.inverter is inverter
    assert [c.name for c in library.sizes["INV"]] == ["INV", "INVX4"]


def test_an_attribute_may_end_with_its_line() -> None:
    assert tiny().cell("DFFQN").area_um2 == 10


def test_a_gz_is_known_by_its_content(tmp_path: Path) -> None:
    path = tmp_path / "tiny.lib"
    path.write_bytes(gzip.compress(TEXT.encode()))
    assert read_library(path).digest == tiny().digest


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("module m; endmodule", "begins with 'module'"),
        ("library (l) { cell (A) {", "ends too early"),
        ("library (l) { cell ] }", "unexpected ']' after 'cell'"),
        ("library (l) { nom_voltage : 1; }", "holds no cells"),
        ("library (l) { cell (A) { area : 1; } }", "has no voltage"),
        (TEXT.replace('"1ps"', '"1 parsec"'), "unknown unit '1 parsec'"),
        (TEXT.replace("capacitance : 4", "capacitance : much"), "capacitance = 'much' is not a number"),
        (TEXT.replace("A ^ B ^ C", "A ^ B ^ "), "where an input belongs"),
        (TEXT.replace('values ("7, 7", "7, 7")', 'values ("7, 7", "7")'), "3 values for axes"),
    ],
)
def test_a_broken_file_says_where(text: str, message: str) -> None:
    with pytest.raises(BrokenFile, match=message):
        _ = [c.truths for c in library_of(text, "x.lib").cells.values()]


def test_other_delay_models_are_refused() -> None:
    with pytest.raises(Unsupported, match=r"x.lib: delay_model 'cmos2' is not modeled"):
        library_of(TEXT.replace("table_lookup", "cmos2"), "x.lib")


def test_a_missing_file_and_a_damaged_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="give the path of a liberty file"):
        read_library(tmp_path / "absent.lib")
    (tmp_path / "cut.lib.gz").write_bytes(gzip.compress(TEXT.encode())[:200])
    with pytest.raises(BrokenFile, match="copy it again"):
        read_library(tmp_path / "cut.lib.gz")


@given(st.text(alphabet='library(){};:," ab1\n\\*/', max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(BrokenFile):
        parse("library (l) {" + text)


def test_precedence_by_hand() -> None:
    # ! before ^ before AND before OR: a + (b & (c ^ (!d))).
    f = logic.evaluator("a + b c ^ !d")
    for bits in range(16):
        a, b, c, d = (bits >> i & 1 for i in range(4))
        assert f({"a": a, "b": b, "c": c, "d": d}, 1) == (a | (b & (c ^ (1 - d))))


def test_look_up_is_bilinear_and_linear_beyond() -> None:
    arc = tiny().cell("INV").arcs[0]
    assert arc.rise is not None and arc.fall is not None
    piles = Tables([arc.rise, arc.fall])
    found = piles.look_up(np.array([0, 1]), np.array([50e-12, 1e-9]), np.array([5e-15, 20e-15]))
    assert found == near([15e-12, 45e-12])


def test_adders_are_known_by_function() -> None:
    full, half = find_adder(tiny(), 3), find_adder(tiny(), 2)
    assert full and (full.cell.name, full.sum, full.carry) == ("FA", "SN", "CON")
    assert full.sum_inverted and full.carry_inverted
    assert half and half.cell.name == "HA"
    assert find_adder(library_of(TEXT.replace("A ^ B ^ C", "A ^ B"), "no full adder"), 3) is None


@pytest.mark.parametrize(
    ("name", "full", "inverted", "flop"),
    [
        ("asap7", "FAx1_ASAP7_75t_R", True, "DFFHQNx1_ASAP7_75t_R"),
        ("sky130", "sky130_fd_sc_hd__fa_1", False, "sky130_fd_sc_hd__dfxtp_1"),
        ("osu018", "FAX1", False, "DFFPOSX1"),
    ],
)
def test_real_libraries(name: str, full: str, inverted: bool, flop: str) -> None:
    library = read_library(real(name))
    adder = find_adder(library, 3)
    assert adder and adder.cell.name == full and adder.sum_inverted == adder.carry_inverted == inverted
    assert plain_flop(library).name == flop and inverts(plain_flop(library)) == inverted
