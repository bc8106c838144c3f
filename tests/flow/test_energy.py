"""Energy of a replay, by hand on the tiny library, and what the cache keeps."""

from pathlib import Path

import numpy as np
import pytest
from test_timing import AROUND, netlist
from tiny import near, tiny

from sartor.errors import InputError, Unsupported
from sartor.flow.arcs import ArcTables
from sartor.flow.cache import kept, key_of
from sartor.flow.energy import replay_energy
from sartor.flow.netlist import Netlist
from sartor.flow.simulate import ONES, Simulator, from_words, to_words
from sartor.flow.sta import Sta


def toggled() -> Netlist:
    """d -> register -> inverter -> y."""
    return netlist(
        ("r", "DFFQN", {"CLK": 2, "D": 3, "QN": 4}),
        ("i", "INV", {"A": 4, "Y": 5}),
        inputs={"clk": 2, "d": 3},
        outputs={"y": 5},
    )


def energy(every: int, cycles: int = 8):
    drawn = toggled()
    simulator = Simulator(drawn)
    value = [np.uint64(0), ONES]

    def drive(cycle: int) -> None:
        simulator.set("d", np.array([[value[cycle // every % 2]]]))

    return replay_energy(Sta(drawn, ArcTables(tiny()), AROUND), simulator, cycles, drive)


def test_a_net_that_toggles_every_cycle_by_hand() -> None:
    # One edge a cycle: C V^2 / 2 with V = 0.5 V and C = 1 (d) + 1 (QN) + 6 (y) fF: 8 * 0.25 / 2 = 1 fJ.
    # Internal: 1 fJ, the mean of its conditions, for each edge of the inverter. Clock: two edges of 1 fF:
    # 0.25 fJ. Leakage 1 nW (INV).
    found = energy(every=1)
    assert found.switching_j == near(1e-15) and found.internal_j == near(1e-15)
    assert found.clock_j == near(0.25e-15) and found.leakage_w == near(1e-9)
    assert found.cycle_j == near(2.25e-15) and found.cycles == 8


def test_half_the_toggles_are_half_the_energy_but_for_the_clock() -> None:
    slow, fast = energy(every=2), energy(every=1)
    assert slow.switching_j == near(fast.switching_j / 2)
    assert slow.clock_j == near(fast.clock_j)


def test_words_and_back() -> None:
    numbers = np.array([-3, 0, 7, -8, *range(-8, 8), *([5] * 100)])
    words = to_words(numbers, 4)
    assert words.shape == (4, 2) and (from_words(words, len(numbers), signed=True) == numbers).all()


def test_what_cannot_be_replayed_is_named() -> None:
    drawn = toggled()
    with pytest.raises(InputError, match=r"no input 'x' \(inputs: clk, d\)"):
        Simulator(drawn).set("x", np.zeros((1, 1), dtype=np.uint64))
    boxed = Netlist("t", tiny(), drawn.instances, drawn.inputs, drawn.outputs, drawn.nets, {"$mem_v2": 1})
    with pytest.raises(Unsupported, match=r"\$mem_v2 has no gates"):
        Simulator(boxed)
    with pytest.raises(InputError, match="cycles = 0"):
        energy(every=1, cycles=0)


def test_the_cache_makes_a_text_once(tmp_path: Path) -> None:
    made: list[int] = []

    def make() -> str:
        made.append(1)
        return "text"

    for _ in range(2):
        assert kept("kind", key_of("a", "b"), make, tmp_path) == "text"
    assert kept("kind", key_of("ab"), make, tmp_path) == "text" and len(made) == 2
    assert len({key_of("ab"), key_of("ac"), key_of("a", "b"), key_of("", "ab")}) == 4
    assert [p.name for p in (tmp_path / "flow" / "kind").iterdir() if p.name.startswith("tmp")] == []


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    assert kept("kind", "key", lambda: "text", tmp_path / "file") == "text"
