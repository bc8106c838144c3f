"""A study's chip is found again by the code that chose it, and by no other."""

import dataclasses

import pytest
from edge_chip import TENSOR

from sartor.api import find
from sartor.chip import toml
from sartor.errors import InputError
from sartor.version import HOUSE, sources

CHIP = dataclasses.replace(toml.loads(TENSOR), name="phone")


def test_a_chip_of_other_code_is_none(own_cache, monkeypatch):
    find.remember(CHIP)
    assert find.find_chip("phone") == CHIP
    monkeypatch.setattr(find, "code", lambda *parts: "other")
    with pytest.raises(InputError, match=r"study 'phone' has no chip yet \(try: sartor design phone\)"):
        find.find_chip("phone")
    find.remember(dataclasses.replace(CHIP, clock_hz=5e8))
    assert find.find_chip("phone").clock_hz == 5e8
    monkeypatch.undo()


def test_whatever_chooses_a_chip_is_in_its_name():
    named = {path.relative_to(HOUSE).as_posix() for path in sources(find.CHOOSES, find.CHOOSES_NOT)}
    assert {"data/studies/phone.toml", "serve/choice.py", "api/design.py", "tech/dram.py", "data/nodes.csv"} <= named
    assert not any(path.startswith(("families/tensor/rtl", "report", "cli")) for path in named)
