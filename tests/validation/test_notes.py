"""What is said of files beside their rows: nothing is left out, or counted twice, without a word."""

import gzip
import json

import pytest

from sartor import validate
from sartor.errors import BrokenFile, InputError

# Llama-3.1-8B in BF16 reads 15 GB (16.1 without the embedding) at 4.9 TB/s: 3.1 ms; 3.9 is a plausible step.
ROW = {"kind": "decode", "gpu": "NVIDIA H200", "model": "llama3-8b", "dt": "bf16", "b": 1, "ctx": 512, "s": 0.0039}


def written(folder, rows, name="rows.jsonl"):
    (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder / name


def test_a_driver_s_name_of_the_h200_is_its_preset(tmp_path):
    found = validate("gpu", written(tmp_path, [ROW, ROW | {"gpu": "NVIDIA_H200", "ctx": 1024}]))
    assert found["by"]["decode h200-sxm"]["n"] == 2


def test_columns_that_nothing_reads_are_named(tmp_path):
    found = validate("gpu", written(tmp_path, [ROW | {"spent": 2.5, "tok_s": 256.0}]))
    assert found["coverage"]["unread"] == ["spent", "tok_s"]


def test_columns_that_are_read_are_not(tmp_path):
    rows = [ROW | {"J": 2.0, "W": 513.0, "sm_mhz": 1980}, ROW | {"kind": "prefill", "seq": 512, "s": 0.02}]
    assert validate("gpu", written(tmp_path, rows))["coverage"]["unread"] == []


def test_a_column_under_another_name_is_in_the_error(tmp_path):
    row = {name: value for name, value in ROW.items() if name != "s"} | {"took_ms": 3.9}
    with pytest.raises(BrokenFile, match=r"no column 's' \(latency, s\); columns not read: took_ms"):
        validate("gpu", written(tmp_path, [row]))


def test_rows_that_are_there_twice_are_counted(tmp_path):
    coverage = validate("gpu", written(tmp_path, [ROW, ROW | {"s": 0.0038}, ROW]))["coverage"]
    assert [(r["n"], r["where"]) for r in coverage["repeated"]] == [(1, ["rows.jsonl line 3"])]


def test_packed_files_are_read(tmp_path):
    with gzip.open(tmp_path / "rows.jsonl.gz", "wt") as file:
        file.write(json.dumps(ROW))
    assert validate("gpu", tmp_path / "rows.jsonl.gz")["n"] == 1
    (tmp_path / "cut.csv.gz").write_bytes((tmp_path / "rows.jsonl.gz").read_bytes()[:40])
    with pytest.raises(BrokenFile, match=r"cut.csv.gz: cannot be read"):
        validate("gpu", tmp_path / "cut.csv.gz")


@pytest.mark.parametrize("empty", [float("nan"), "nan", "", None])
def test_an_empty_cell_of_an_optional_column_is_not_there(tmp_path, empty):
    found = validate("gpu", written(tmp_path, [ROW | {"J": empty, "W": empty}]))
    assert (found["n"], found["coverage"]["excluded_n"]) == (1, 0)


def test_an_optional_number_that_is_none_is_not_taken_for_absent(tmp_path):
    chip = {"chip": "x", "node": "5", "mac_fmt": "fp8", "peak_dense_TOPS": 400, "die_mm2": 300, "sram_MB": "?"}
    with pytest.raises(BrokenFile, match="sram_MB is not a number"):
        validate("area", written(tmp_path, [chip]))
    with pytest.raises(BrokenFile, match="sram_MB is below 0"):
        validate("area", written(tmp_path, [chip | {"sram_MB": -5}]))
    assert validate("area", written(tmp_path, [chip | {"sram_MB": 50}]))["n"] == 1


def test_a_chip_that_is_not_known_may_be_given_as_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = written(tmp_path, [ROW | {"gpu": "NVIDIA L20", "model": "ours"}])
    refused = validate("gpu", rows)["coverage"]["refused"]
    assert refused[0]["reason"] == "chip 'NVIDIA L20' is not known"
    (tmp_path / "l20.toml").write_text(_l20())
    found = validate("gpu", rows, called={"NVIDIA L20": "l20.toml", "ours": "llama-3.1-8b"})
    assert (found["by"]["decode l20"]["n"], found["by"]["decode llama-3.1-8b"]["n"]) == (1, 1)
    with pytest.raises(InputError, match=r"l21.toml: no such file \(called 'NVIDIA L20'"):
        validate("gpu", rows, called={"NVIDIA L20": "l21.toml"})


def _l20() -> str:
    from sartor.tables import data_text

    return data_text("chips/h200-sxm.toml").replace('name = "h200-sxm"', 'name = "l20"')


def test_a_model_s_name_may_have_other_gaps(tmp_path):
    row = ROW | {"model": "llama2-70b", "s": 0.035, "dt": "fp8"}
    assert validate("gpu", written(tmp_path, [row]))["by"]["decode llama-2-70b"]["n"] == 1
