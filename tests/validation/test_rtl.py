"""Kind rtl: cycles of generated cores, predicted from a row's inputs, within the goal; rows that cannot be."""

from __future__ import annotations

import csv
from importlib.resources import files
from pathlib import Path

import pytest

from sartor.errors import BrokenFile
from sartor.validation import validation
from sartor.validation.record import grown
from sartor.validation.rtl import CLASSES
from sartor.validation.sets import recorded
from sartor.validation.summary import figures

ROWS = list(csv.DictReader(files("sartor.data").joinpath("measured/rtl.csv").read_text().splitlines()))


UNPARTED = dict.fromkeys(CLASSES, "")


def written(folder: Path, **changed: str) -> Path:
    """The first two rows, the first one `changed`."""
    path = folder / "rtl.csv"
    with path.open("w") as file:
        out = csv.DictWriter(file, list(ROWS[0]))
        out.writeheader()
        out.writerows([ROWS[0] | changed, ROWS[1]])
    return path


def test_every_pass_is_within_two_percent() -> None:
    pairs = [p for p in validation("rtl").pairs if p.quantity == "latency"]
    assert len(pairs) == len(ROWS) > 100
    assert len({p.labels["chip"] for p in pairs}) >= 21 and len({p.labels["slice"] for p in pairs}) == 5
    assert max(p.ape for p in pairs) < 0.01


def test_means_that_are_rounded_are_no_wrong_unit(tmp_path: Path) -> None:
    """Classes rounded one by one come to more than the pass by a cycle or two."""
    parts = sum(float(ROWS[0][name]) for name in CLASSES)
    found = validation("rtl", [written(tmp_path, cycles=str(parts - 2))])
    assert found.rows == 2 and not found.excluded.rows()


def test_batches_are_as_near() -> None:
    """Seventeen formats, two networks: what a FIFO holds beyond the matrix after attention was up to 4.3 %."""
    pairs = [p for p in validation("rtl").pairs if p.labels["kind"] == "batch"]
    assert len(pairs) >= 34 and len({p.labels["format"] for p in pairs}) >= 17
    assert max(p.ape for p in pairs) < 0.007


@pytest.mark.parametrize("phase", ["decode", "prefill"])
@pytest.mark.parametrize("name", CLASSES)
def test_every_class_is_within_five_percent_of_its_own_cycles(phase: str, name: str) -> None:
    pairs = [p for p in validation("rtl").pairs if p.labels["kind"] == phase]
    found = figures([p for p in pairs if p.quantity == name])
    assert found["n"] >= 24
    assert found["median_ape"] < 0.02 and found["p90_ape"] < 0.03 and found["worst_ape"] < 0.05
    cycles = {p.where: p.measured for p in pairs if p.quantity == "latency"}
    assert max(abs(p.predicted - p.measured) / cycles[p.where] for p in pairs if p.quantity == name) < 0.01


def test_errors_have_not_grown() -> None:
    assert not grown(recorded("rtl"))


def test_what_was_measured_is_not_seen(tmp_path: Path) -> None:
    files = (written(tmp_path, cycles=n, **UNPARTED) for n in ("230000", "460000"))
    both = [validation("rtl", [file]).pairs[0].predicted for file in files]
    assert both[0] == both[1]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"cycles": "200000"}, "its classes take more cycles than the pass"),
        ({"cycles": "2243500"}, "its classes do not add up to the cycles of the pass: a column has a wrong unit"),
        # 3,400 bytes at 7.92 GB/s are 0.4 us; a row's whole cycle takes 0.06.
        ({"break_bytes": "3400"},
         "break_bytes: a new address costs more than a row's whole cycle: it or gb_per_s has a wrong unit"),
        ({"break_bytes": "3.4"}, "break_bytes is not a whole number"),
        ({"refresh_ns": "39062.5"}, "refresh_ns is not that of such a memory: a wrong unit"),
        ({"refresh_ns": "390.6"}, "refresh_ns is not that of such a memory: a wrong unit"),
        # 5,000 cycles at 450 MHz: 11 us.
        ({"latency_cycles": "5000"},
         "latency_cycles: longer than from one refresh to the next: it or clock_mhz has a wrong unit"),
        ({"fifo_kib": "16000000"}, "scratchpad_kib or fifo_kib: more than a whole die of SRAM, or a wrong unit"),
        ({"cycles": "1000"}, "fewer cycles than its multipliers take: another core or slice, or a wrong unit"),
        ({"cycles": "1e12"}, "100,000 times the cycles that its multipliers take: a wrong unit"),
        ({"efficiency": "92"}, "efficiency is a share of the memory's rate: more than 1"),
        # The estimate of such a row is no number, which nobody is told.
        ({"efficiency": "1e300"}, "efficiency is a share of the memory's rate: more than 1"),
        ({"gb_per_s": "7920"}, "gb_per_s: no memory of one core is so fast, or a wrong unit"),
        ({"cycles": "none"}, "cycles is not a number"),
        ({"rows": "0"}, "rows is not a whole number of at least 1"),
    ],
)
def test_rows_that_cannot_be_are_counted(tmp_path: Path, changed: dict[str, str], reason: str) -> None:
    facts = validation("rtl", [written(tmp_path, **changed)]).facts()["coverage"]
    assert facts["rows"] == 1 and facts["excluded"][0]["reason"] == reason


@pytest.mark.parametrize(
    ("changed", "reason"),
    [({"model": "gpt-9"}, "model 'gpt-9' is not known"), ({"efficiency": "-1"}, "efficiency is not a number above 0"),
     ({"gb_per_s": "fast"}, "gb_per_s is not a number above 0"),
     ({"layers": "1000", "cycles": "1e9", **UNPARTED}, "more layers or rows of the head than smollm2-135m-q4_1 has"),
     ({"position": "1000000", "cycles": "1e9", **UNPARTED}, "more tokens than smollm2-135m-q4_1 holds"),
     ({"batch": "2"}, "more sequences at once than columns"),
     ({"columns": "2", "batch": "2", "tokens": "2"}, "more sequences at once than columns, or a chunk of more than"),
     ({"rows": "3"}, "a number is beyond what the hardware is generated with"),
     ({"rows": "1000000"}, "a number is beyond what the hardware is generated with")],
)
def test_rows_that_are_not_modeled_are_refused(tmp_path: Path, changed: dict[str, str], reason: str) -> None:
    facts = validation("rtl", [written(tmp_path, **changed)]).facts()["coverage"]
    assert facts["predicted"] == 1 and facts["refused"][0]["reason"].startswith(reason)


def test_a_batch_is_one_where_nothing_is_said(tmp_path: Path) -> None:
    said, unsaid = (validation("rtl", [written(tmp_path, batch=b)]).pairs[0].predicted for b in ("1", ""))
    four = validation("rtl", [written(tmp_path, columns="4", batch="4")]).pairs[0].predicted
    assert said == unsaid < four < 2 * said


def test_a_file_without_columns_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "rtl.csv"
    path.write_text("rows,cycles\n2,1000\n")
    with pytest.raises(BrokenFile, match="no column"):
        validation("rtl", [path])
