"""Joules of a window, read off a counter that moves in ticks: with a board and a graph made up."""

import itertools
import time
from types import SimpleNamespace

import pytest

from sartor.measuring.torch_timing import Energy, Timer, drawn


class Board(Energy):
    """A counter that moves by 40 J every other time one looks."""

    def __init__(self):
        self.nvml, self.looks = True, itertools.count()

    def joules(self):
        return next(self.looks) // 2 * 40.0

    def clock_mhz(self):
        return 1980


def test_watts_between_ticks_by_hand():
    # 400 W; the counter moves each 0.1 s. The window begins 0.02 s before a tick and ends 0.01 s after one: at its ends
    # the counter says 4 x 40 J of 0.33 s, 485 W; from the first tick to the last 3 x 40 J of 0.3 s.
    seen = [(1.02, 40.0), (1.12, 80.0), (1.22, 120.0), (1.32, 160.0)]
    start, end = (1.0, 0.0), (1.33, 160.0)
    assert drawn(seen, start, end) == {"W": pytest.approx(400), "ticks": 3}
    # One tick tells nothing of when it began: the reading is of the ends, and its ticks are not known.
    assert drawn(seen[:1], start, end) == {"W": pytest.approx(160 / 0.33)}


def test_the_counter_is_watched_while_the_graph_runs():
    board = Board()
    with board.watched() as seen:
        while len(seen) < 3:
            time.sleep(0.001)
    joules = [j for _, j in seen]
    assert joules == sorted(set(joules)) and len(seen) >= 3
    after = len(seen)
    time.sleep(0.01)
    assert len(seen) == after  # nobody looks any more


def test_a_row_has_its_window_and_its_ticks():
    event = SimpleNamespace(record=lambda: None, elapsed_time=lambda other: 0.0)
    torch = SimpleNamespace(cuda=SimpleNamespace(Event=lambda enable_timing: event, synchronize=lambda: None))
    graph = SimpleNamespace(replay=lambda: time.sleep(0.005))
    found = Timer(torch, Board())._joules(graph, calls=2, replays=10)
    assert found["window_s"] >= 0.05 and found["J"] == pytest.approx(found["W"] * found["window_s"] / 20)
    assert found["sm_mhz"] == 1980 and found.get("ticks", 1) >= 1
