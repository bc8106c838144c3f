"""Parts of the matrix unit alone."""

import numpy as np
import pytest

from sartor.families.tensor import float32
from sartor.families.tensor.core import Core
from sartor.families.tensor.rtl.argmax import Argmax
from sartor.families.tensor.rtl.to_float import LATENCY, ToFloat
from tests.verilate import Verilated

LANES = 2


def edges(rng: np.random.Generator, count: int) -> np.ndarray:
    """40-bit numbers: of all sizes, at halves between binary32 numbers, at powers of two."""
    size = rng.integers(0, 39, count)
    value = rng.integers(0, 1 << 39, count) >> size
    cut = rng.integers(0, 20, count)
    value = np.where(rng.random(count) < 0.5, (value >> cut << cut) | (1 << cut >> 1), value)
    value = np.where(rng.random(count) < 0.1, (1 << size) - rng.integers(0, 2, count), value)
    value = np.where(rng.random(count) < 0.05, (1 << 39) - 1, value)
    return np.where(rng.random(count) < 0.5, -value, value)


def binary32(values: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """docs/numerics.md, 2: what is below 2^-126 before rounding is 0."""
    found = float32.from_fixed(values, scale - 127)
    return np.where(
        np.abs(np.ldexp(values.astype(np.float64), scale - 127)) < 2.0**-126, np.float32(0), found
    )


def test_accumulators_to_binary32() -> None:
    count = 20000
    rng = np.random.default_rng(1)
    values, scale = edges(rng, LANES * count).reshape(count, LANES), rng.integers(-50, 300, count)
    valid = rng.random(count) < 0.7
    lanes = values.astype(np.int64) & (1 << 40) - 1
    packed = [int(a) | int(b) << 40 for a, b in lanes]
    sim = Verilated(ToFloat(LANES), "to_float")
    found = sim.run(count, {"valid": valid, "values": packed, "scale": scale & 2047})
    done = np.flatnonzero(found["done"])
    assert np.array_equal(done, np.flatnonzero(valid[:-LATENCY]) + LATENCY)
    want = binary32(values, scale[:, None])[done - LATENCY].view(np.uint32)
    got = np.stack([found["results"] & 0xFFFFFFFF, found["results"] >> np.uint64(32)], 1)[done]
    assert np.array_equal(got, want)
    assert {0, 0x7F7FFFFF, 0xFF7FFFFF} <= set(want.flat)


def test_argmax_in_the_order_of_numbers() -> None:
    rng = np.random.default_rng(2)
    sim = Verilated(Argmax(Core(rows=4, columns=1, vector_lanes=4)), "argmax")
    pool = np.float32([0, 1, -1, 2.0**-126, -(2.0**-126), float32.MOST, -float32.MOST, 1.5, -1.5])
    for most in (3, 9):
        values = rng.choice(np.sort(pool)[:most], (30, 4)).astype(np.float32)
        found = sim.run(
            40, {"start": np.arange(40) == 0, "columns": 1, "valid": (np.arange(40) > 0) & (np.arange(40) <= 30),
                 "results": np.resize(np.vstack([values[:1], values]).view(np.uint32), (40, 4))},
        )  # fmt: skip
        assert found["index"][-1] == values.argmax()
        assert found["value"][-1] == values.max().view(np.uint32)


@pytest.mark.parametrize(("rows", "lanes"), [(16, 4), (4, 8)])
def test_argmax_of_each_column(rows: int, lanes: int) -> None:
    """As they are drained: of a row tile, words of a column inside columns; some cycles bring nothing."""
    rng, most, tiles = np.random.default_rng(3), 5, 6
    sim = Verilated(Argmax(Core(rows=rows, columns=most, vector_lanes=lanes)), "argmax")
    lanes = min(rows, lanes)
    for columns in range(1, most + 1):
        values = rng.integers(-9, 9, (tiles, columns, rows)).astype(np.float32)
        words = values.reshape(-1, lanes)
        valid = np.zeros(200, bool)
        valid[1 + np.sort(rng.choice(190, len(words), replace=False))] = True
        results = np.zeros((200, lanes), np.uint32)
        results[valid] = words.view(np.uint32)
        sim.run(200, {"start": np.arange(200) == 0, "columns": columns, "valid": valid, "results": results})
        found = sim.run(columns + 1, {"columns": columns, "read": np.arange(columns + 1) % most})
        of_column = values.swapaxes(0, 1).reshape(columns, -1)
        assert found["index"][:columns].tolist() == of_column.argmax(axis=1).tolist()
        assert found["value"][:columns].tolist() == of_column.max(axis=1).view(np.uint32).tolist()
