"""Whatever is wrong in the file of a chip is refused: what, where, and what to try."""

import dataclasses
import math

import pytest
from edge_chip import TENSOR

from sartor.chip.presets import find
from sartor.chip.spec import Price
from sartor.chip.toml import loads
from sartor.errors import BrokenFile, InputError, UnknownName, Unsupported

# what is replaced, by what, the error, words of the message
REFUSED = [
    ('clock = "800 MHz"', 'clok = "800 MHz"', UnknownName, ["chip.toml", "'clok'", "did you mean 'clock'?"]),
    ("units = 2", "unitz = 2", UnknownName, ["chip.toml: [memory]", "did you mean 'units'?"]),
    ("rows = 32", "rows = 32\nrow = 3", UnknownName, ["[tile]", "did you mean 'rows'?"]),
    ("[tile]", "[tyle]", UnknownName, ["did you mean 'tile'?"]),
    ('"N7"', '"N8"', UnknownName, ["chip.toml", "unknown node 'N8'", "did you mean"]),
    ('"lpddr5x"', '"lpddr5z"', UnknownName, ["chip.toml: [memory]", "unknown memory 'lpddr5z'", "lpddr5x"]),
    ('"tensor"', '"tensr"', UnknownName, ["unknown family", "did you mean 'tensor'?"]),
    ('clock = "800 MHz"', 'clock = "800 W"', InputError, ["chip.toml clock", "'W' measures w, not hz"]),
    ('clock = "800 MHz"', 'clock = "800 mhz"', UnknownName, ["chip.toml clock", "unknown unit 'mhz'", "MHz"]),
    ('clock = "800 MHz"', 'clock = "fast"', InputError, ["chip.toml clock", "'fast' is not a quantity"]),
    ('clock = "800 MHz"', "", InputError, ["chip.toml: missing clock"]),
    ('node = "N7"', 'node = "N7"\nbase_dies = 4', InputError, ["base_dies and base belong together"]),
    ("units = 2", "", InputError, ["chip.toml: [memory]: missing units"]),
    ('bandwidth = "34.14 GB/s"', "", InputError, ["missing bandwidth"]),
    ("[memory]", "[link]", UnknownName, ["chip.toml: [link]", "unknown key 'units'"]),
    ("= 32", "= true", InputError, ["chip.toml: [tile] rows = True must be a whole number"]),
    ("= 32", "= 32.5", InputError, ["[tile] rows = 32.5 must be a whole number"]),
    ("= 32", "= nan", InputError, ["[tile] rows = nan must be a whole number"]),
    ("= 32", "= inf", InputError, ["[tile] rows = inf must be a whole number"]),
    ("= 32", "= 1" + "0" * 30, InputError, ["[tile] rows", "must be a whole number below 1e+15"]),
    ("= 32", "= 0", InputError, ["chip.toml: [tile] rows = 0 must be a whole number >= 1"]),
    ("= 32", '= "32"', InputError, ["[tile] rows = '32' must be a whole number"]),
    ("= 32", "= {a = 1}", InputError, ["[tile] rows = {'a': 1} must be a whole number"]),
    ('"2 W"', "true", InputError, ["chip.toml tdp", "True is not a quantity"]),
    ('"2 W"', "nan", InputError, ["chip.toml tdp", "nan is not a finite number"]),
    ('"2 W"', "inf", InputError, ["chip.toml tdp", "inf is not a finite number"]),
    ('"2 W"', '"nan W"', InputError, ["chip.toml tdp", "'nan W' is not a quantity"]),
    ('"2 W"', '"1e400 W"', InputError, ["chip.toml tdp", "not a finite number"]),
    ('"2 W"', '"1e308 MW"', InputError, ["chip.toml tdp", "not a finite number"]),
    ('"2 W"', "1" + "0" * 400, InputError, ["chip.toml tdp", "401 digits is too large"]),
    ('"2 W"', '"-2 W"', InputError, ["chip.toml: edge: tdp_w = -2.0 must be above 0"]),
    ('"2 W"', "{w = 2}", InputError, ["chip.toml tdp", "{'w': 2} is not a quantity"]),
    ('"2 W"', "[2]", InputError, ["chip.toml tdp", "[2] is not a quantity"]),
    ('"2 W"', "2026-11-23", InputError, ["chip.toml tdp", "is not a quantity"]),
    ('"8 GB"', '"-8 GB"', InputError, ["chip.toml: [memory] capacity_bytes = -8000000000.0 must be >= 0"]),
    ("units = 2", "units = -2", InputError, ["chip.toml: [memory] units = -2 must be >= 0"]),
    ('name = "edge"', "name = 7", InputError, ["chip.toml name = 7 must be text"]),
    ('name = "edge"', "name = 2026-11-23", InputError, ["chip.toml name", "must be text"]),
    ('name = "edge"', 'name = "edge"\nmemory = 1', BrokenFile, ["chip.toml: not TOML"]),
    ('name = "edge"', 'name = "edge"\nlink = 1', InputError, ["[link]: expected a table, found 1"]),
    ('name = "edge"', 'name = "edge"\npeaks = 1', InputError, ["chip.toml: [peaks]: expected a table"]),
    ('name = "edge"', 'name = "edge"\npeaks.bf17 = 1', UnknownName, ["number format 'bf17'", "'bf16'"]),
    ('name = "edge"', 'name = "edge"\npeaks.bf16 = 0', InputError, ["[peaks] bf16 = 0.0 must be above 0"]),
    ('name = "edge"', 'name = "edge"\npeaks.bf16 = "1 W"', InputError, ["[peaks] bf16", "not ops_per_s"]),
    ('name = "edge"', 'name = "edge"\nprice.purchase = "-1 USD"', InputError, ["purchase_usd = -1.0"]),
    ('name = "edge"', 'name = "edge"\nlink.bandwidth = -1', InputError, ["bandwidth_bytes_per_s = -1.0"]),
    ('name = "edge"', 'name = "edge"\nsram = -1', InputError, ["edge: sram_bytes = -1.0 must be >= 0"]),
    ('name = "edge"', 'name = "edge"\ndies = 0', InputError, ["edge: dies = 0 must be >= 1"]),
    ('name = "edge"', 'name = "edge', BrokenFile, ["chip.toml: not TOML"]),
    ('name = "edge"', "name = " + "9" * 5000, BrokenFile, ["chip.toml: not TOML"]),
    ('name = "edge"', "name = " + "[" * 20000, BrokenFile, ["chip.toml: not TOML"]),
    ('"tensor"', '"gpu"', InputError, ["edge: family gpu needs [peaks]"]),
    ('"int4-g128"', '"int4-g100"', UnknownName, ["chip.toml: [tile] weights: unknown number format", "'int4-g128'?"]),
    ('"int4-g128"', '"int4-g128-2:4"', Unsupported, ["[tile] weights: 'int4-g128-2:4' keeps two", "try int4-g128)"]),
    ("rows = 32", 'rows = 32\nkv = "fp8"', UnknownName, ["[tile] kv: unknown number format 'fp8'"]),
    ("rows = 32", 'rows = 32\nactivations = "int4"', InputError, ["activations = 'int4': a tile multiplies int8"]),
    ('"int4-g128"', '"nvfp4"\nengine = "lut"', InputError, ["[tile] weights = 'nvfp4' with engine 'lut'", "mac"]),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "error", "words"), REFUSED, ids=[r[1][:24] or r[0] for r in REFUSED])
def test_what_is_wrong_is_named_with_its_place(old: str, new: str, error: type, words: list[str]) -> None:
    assert old in TENSOR
    with pytest.raises(InputError) as caught:
        loads(TENSOR.replace(old, new, 1))
    assert type(caught.value) is error
    message = str(caught.value)
    assert message.startswith("chip.toml")
    for word in words:
        assert word in message


def test_the_place_is_the_file_that_was_given(tmp_path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(TENSOR.replace("units = 2", "units = -2"), encoding="utf-8")
    with pytest.raises(InputError, match=r"mine\.toml: \[memory\] units = -2"):
        find(str(path))


def test_files_that_cannot_be_read_are_refused(tmp_path) -> None:
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "absent.toml", tmp_path / "binary.toml", "a\0b.toml"):
        with pytest.raises(InputError, match="cannot be read"):
            find(str(path))
    (tmp_path / "good.toml").write_text(TENSOR, encoding="utf-8")
    assert find(str(tmp_path / "good.toml")) == loads(TENSOR)


def test_specs_built_by_hand_are_checked_too() -> None:
    chip = loads(TENSOR)
    for wrong in (math.nan, math.inf, -1.0, 0.0):
        for field in ("clock_hz", "voltage_v", "die_mm2", "tdp_w"):
            with pytest.raises(InputError, match=f"edge: {field} = {wrong}"):
                dataclasses.replace(chip, **{field: wrong})
    for wrong in (math.nan, math.inf, -1.0):
        with pytest.raises(InputError, match="bandwidth_bytes_per_s"):
            dataclasses.replace(chip.memory, bandwidth_bytes_per_s=wrong)
        with pytest.raises(InputError, match="rental_usd_per_s"):
            Price(rental_usd_per_s=wrong)
