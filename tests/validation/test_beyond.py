"""Columns off alike beyond the record: left out where another unit says why, said where none does."""

import csv

import pytest

from sartor import validate
from sartor.errors import BrokenFile
from sartor.validation import beyond, validation
from sartor.validation.files import packaged

BILL = {"group": "published_cost", "item": "H100_total", "value": 3320, "unit": "USD", "date": "2026"}
HOUR = {"group": "gpu_rental", "item": "H100", "value": 2.45, "unit": "USD/GPU-h", "date": "2026"}


def changed(folder, name, **by):
    """The rows of a file of ours with columns times a factor, or without (None)."""
    (source,) = packaged(name)
    rows = list(csv.DictReader(source.read_text().splitlines()))
    return written(folder, [row | {at: row[at] and (times and float(row[at]) * times) for at, times in by.items()}
                            for row in rows])  # fmt: skip


def written(folder, rows):
    with (folder / "rows.csv").open("w", newline="") as file:
        out = csv.DictWriter(file, list(rows[0]))
        out.writeheader()
        out.writerows(rows)
    return folder / "rows.csv"


def test_hours_priced_by_the_day_are_named_and_left_out(tmp_path):
    days = [HOUR | {"value": 24 * usd} for usd in (1.2, 2.35, 2.45, 2.95)]
    coverage = validate("cost", written(tmp_path, [BILL, *days]))["coverage"]
    (said,) = coverage["wrong_units"]
    assert "cost of 4 rows of kind rental is" in said and said.endswith("in the price of a day?")
    # 28.80 USD an hour could be, alone: with the others it is 1.20 by the day.
    assert coverage["excluded_n"] == 4 and coverage["rows"] == 1
    assert "cost is from a column that is in another unit" in [row["reason"] for row in coverage["excluded"]]
    assert validate("cost", written(tmp_path, [BILL, days[0]]))["coverage"]["rows"] == 2


def test_of_prices_in_cents_none_is_judged(tmp_path):
    found = validate("cost", changed(tmp_path, "prices.csv", value=100, low=100, high=100))
    assert found["n"] == 0 and any("in cents?" in said for said in found["coverage"]["wrong_units"])


def test_prices_in_won_are_a_thousand_times_off(tmp_path):
    with pytest.raises(BrokenFile, match="cost is a thousand times what is predicted in 18 of 18 rows"):
        validate("cost", changed(tmp_path, "prices.csv", value=1400, low=1400, high=1400))


def test_a_factor_of_ten_is_said_and_judged(tmp_path):
    found = validate("area", changed(tmp_path, "chips.csv", tdp_W=0.1))
    (said,) = found["coverage"]["unlike"]
    assert "power of 29 rows of kind die is 0.101 times what is predicted in the middle" in said
    assert "another unit of it, or of an input?" in said and found["coverage"]["wrong_units"] == []


def test_an_input_in_another_unit_is_said(tmp_path):
    found = validate("rtl", changed(tmp_path, "rtl.csv", gb_per_s=0.1))["coverage"]
    assert any("latency of 160 rows of kind decode" in said for said in found["unlike"])


def test_our_own_files_are_like_the_record():
    for kind in ("area", "cost", "rtl"):
        found = validation(kind)
        assert not found.unlike and not found.wrong_units, kind


def test_the_middle_of_few_rows_is_no_column():
    off = [("rental", "cost", 24.0, 1.0)] * 2
    assert beyond.columns("cost", off) == [] and len(beyond.columns("cost", off * 2)) == 1
    # Half of the way, as factors, from right to a day: 4.9 times.
    (column,) = beyond.columns("cost", off * 2)
    assert [column.holds("rental", "cost", times, 1.0) for times in (4.8, 5.0)] == [False, True]
    assert not column.holds("bill", "cost", 24.0, 1.0)


def test_columns_that_are_not_there_are_named(tmp_path):
    rows = [{name: value for name, value in BILL.items() if name != "date"}]
    assert validate("cost", written(tmp_path, rows))["coverage"]["absent"] == ["date"]
    assert validate("cost", written(tmp_path, [BILL]))["coverage"]["absent"] == []


def test_a_service_that_waits_less_than_predicted_is_judged():
    (column,) = beyond.columns("serving", [("point", "ttft", 1 / 60, 1.0)] * 3)
    assert column.unit is None and not column.holds("point", "ttft", 1 / 60, 1.0)


def test_a_hundredth_of_a_second_is_no_minute():
    # A GEMM's time is known to 8 %: a hundredth is not the sixtieth that minutes would be.
    hundredth, minutes = (beyond.columns("gpu", [("gemm", "latency", t, 1.0)] * 3)[0] for t in (0.01, 1 / 60))
    assert hundredth.unit is None and "another unit" in hundredth.said
    assert minutes.unit == 1 / 60 and minutes.said.endswith("in minutes?")
