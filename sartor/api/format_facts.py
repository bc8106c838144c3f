"""What is known of each number format in one row: harm to a model, cells, clock, speed at RTL."""

from __future__ import annotations

import csv
import functools
from importlib.resources import files
from typing import Any

from ..chip.spec import Chip, Memory, Tile
from ..families.tensor.core import GROUP
from ..families.tensor.datapath import DATAPATH, NAMES, OWN, clock_hz, mac_j, unit_mm2
from ..families.tensor.design import FORMATS
from ..families.tensor.spec import from_chip
from ..formats.hardware import by_table, decoded
from ..formats.harm import SAME, Row, measured
from ..formats.spec import format_named
from ..tech.technology import NOMINAL

MODEL, NETWORK = "smollm2-135m-q4_1", "llama-3.2-1b"  # on which harm, and speed, were measured


def facts_of(name: str) -> dict[str, Any]:
    """KL in nats and perplexity (all linear layers of SmolLM2-135M in the format, rounded to nearest, residual stream
    turned), area of a multiply-add and energy of a weight in ASAP7 cells and the clock that a core with them keeps, the
    same with sums from tables (`lut_`: a tile of 16 rows and one column), and how many times faster than `q8_0` a token
    is at RTL. None: not known, or no decoder that is ours."""
    harm = harms().get((name, True))
    found: dict[str, Any] = {"kl": harm and harm.kl, "perplexity": harm and harm.perplexity}
    silicon = dict.fromkeys((*SILICON, *LUT)) | (_silicon(name) if ours(name) else {})
    return found | silicon | {"rtl_speedup": _speed(name)}


SILICON = ("mac_area_mm2", "weight_energy_j", "clock_hz")
LUT = tuple(f"lut_{figure}" for figure in SILICON)  # the same with engine `lut`
LUT_TILE = 16, 32, 1  # rows, lanes, columns: rows share tables, columns keys; of a chip that decodes one token


def _silicon(name: str) -> dict[str, float]:
    area, joules = cells(name)
    plain = dict(zip(SILICON, (area, joules, float(clock_hz(NOMINAL, _datapath(name)))), strict=True))
    return plain | (dict(zip(LUT, _by_table(name), strict=True)) if by_table(name) else {})


def _by_table(name: str) -> tuple[float, float, float]:
    """Area, energy and clock of sums read from tables, with the share that a row and a column have of them."""
    tile = Tile(*LUT_TILE, 4, name, engine="lut", kv="int8-g32")
    designs = from_chip(Chip("by table", "tensor", "N7", 1e9, Memory("lpddr5", 1, 4e9, 6.4e9), tile=tile))
    datapath, planes = _datapath(name), format_named(name).planes
    area, joules = (float(figure(NOMINAL, datapath, designs)) for figure in (unit_mm2, mac_j))
    return area / GROUP, joules * planes, float(clock_hz(NOMINAL, datapath, designs))


def ours(name: str) -> bool:
    """Whether our RTL has its multiplier and its decoder."""
    return name in FORMATS and NAMES[_datapath(name)] in OWN and name in decoded()


def cells(name: str) -> tuple[float, float]:
    """Area of a multiply-add (mm2) and energy of a weight (J), planes and halves of bytes included."""
    datapath = _datapath(name)
    return float(unit_mm2(NOMINAL, datapath)) / GROUP, float(mac_j(NOMINAL, datapath)) * format_named(name).planes


def _datapath(name: str) -> int:
    return int(DATAPATH[FORMATS.index(name)])


@functools.cache
def harms() -> dict[tuple[str, bool], Row]:
    """By format and whether turned: rows in which all layers have it and nothing else is changed."""
    plain = (r for r in measured() if r.model == MODEL and r.smooth is None and r.activations == r.kv == SAME)
    return {(r.weights, r.rotate): r for r in plain if "=" not in r.weights}


def _speed(name: str) -> float | None:
    """Counted at RTL, of the format or another name of the same codes."""
    found, coding = speeds(), decoded().get(name)
    alike = (found[other] for other in found if coding is not None and decoded().get(other) == coding)
    counted = found.get(name) or next(alike, None)
    return counted["speedup"] if counted else None


@functools.cache
def speeds() -> dict[str, dict[str, float]]:
    """By format, batch 1: cycles of a token, times faster than `q8_0`, and of what the bits promise."""
    path = files("sartor.data").joinpath("measured/proportionality.csv")
    if not path.is_file():
        return {}
    rows = csv.DictReader(path.read_text(encoding="utf-8").splitlines())
    figures = ("cycles", "speedup", "proportionality")
    alone = (r for r in rows if r["network"] == NETWORK and r["batch"] == "1")
    return {r["format"]: {f: float(r[f]) for f in figures} for r in alone}
