"""Family `tensor`: one code for one design and for many, and laws that every design keeps."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest import approx
from random_designs import at, random_designs, scaled

from sartor.chip.spec import Chip, Memory, Tile
from sartor.families.tensor import cycles_matrix
from sartor.families.tensor.core import GROUP
from sartor.families.tensor.design import FORMATS, Designs
from sartor.families.tensor.family import Tensor
from sartor.families.tensor.placement import crossing_bytes
from sartor.families.tensor.sizing import core_of
from sartor.families.tensor.spec import from_chip
from sartor.formats.hardware import decoded
from sartor.formats.spec import format_named
from sartor.tables import table
from sartor.tech.technology import Technology
from sartor.workload.derive import operators
from sartor.workload.find import bundled, names
from sartor.workload.step import Step

MODELS = ("llama-3.1-8b", "mixtral-8x7b", "deepseek-v3", "gemma-3-4b", "nemotron-h-8b")
STEPS = {"decode": Step(8, 1, 1024), "prefill": Step(1, 777, 100)}
ONCE = {"complexity": 0.35, "tapeouts": 1.5, "ip_usd": 4e6, "software_usd": 10e6}
CHIPS = 4


def figures(
    designs, model: str, phase: str, step: Step, chips: int = CHIPS, dtype: type = np.float64
) -> dict:
    """Everything that the rest of the house asks of designs."""
    priced = Tensor(designs, Technology(dtype=dtype))
    found = priced.replica(chips, {}).phase(operators(bundled(model), phase), step)
    return {
        "latency_s": found.latency_s, "dram_bytes": found.dram_bytes, **found.energy_j,
        "static_w": priced.static_w, "chip_usd": priced.chip_usd(1e5, ONCE),
        "total_mm2": priced.physical.total_mm2, "weight_bits": priced.weight_bits(None),
    }  # fmt: skip


@pytest.mark.parametrize("phase", STEPS)
@pytest.mark.parametrize("model", MODELS)
def test_many_designs_are_priced_as_one_is(model: str, phase: str) -> None:
    designs = random_designs(24, seed=5)
    many = figures(designs, model, phase, STEPS[phase])
    for row in range(24):
        for name, value in figures(at(designs, row), model, phase, STEPS[phase]).items():
            assert np.ndim(value) == 0
            assert np.broadcast_to(many[name], 24)[row] == approx(value, rel=1e-6, abs=1e-30), (row, name)


@pytest.mark.parametrize("phase", STEPS)
def test_batches_and_chips_may_be_arrays_too(phase: str) -> None:
    designs, n = random_designs(12, seed=6), 12
    batch, chips = np.array([1.0, 2, 4, 8] * 3), np.repeat([1.0, 2.0, 4.0], 4)
    step = replace(STEPS[phase], batch=batch)
    many = figures(designs, "mixtral-8x7b", phase, step, chips)
    for row in range(n):
        one = figures(
            at(designs, row), "mixtral-8x7b", phase, replace(step, batch=float(batch[row])), int(chips[row])
        )
        for name, value in one.items():
            assert np.broadcast_to(many[name], n)[row] == approx(value, rel=1e-6, abs=1e-30), (row, name)


@pytest.mark.parametrize("phase", STEPS)
@pytest.mark.parametrize("model", ["llama-3.1-8b", "mixtral-8x7b", "deepseek-v3"])
def test_single_precision_is_within_a_ten_thousandth(model: str, phase: str) -> None:
    double = figures(random_designs(2000, seed=7), model, phase, STEPS[phase])
    single = figures(
        random_designs(2000, seed=7, dtype=np.float32), model, phase, STEPS[phase], dtype=np.float32
    )
    for name, value in double.items():
        if name != "latency_s":
            assert single[name] == approx(value, rel=1e-4, abs=1e-30), name
    # A fold more where a size is a multiple of the tile only up to rounding: rare, and never more than a
    # fold.
    off = np.abs(single["latency_s"] / double["latency_s"] - 1)
    assert (off < 1e-4).mean() > 0.995
    assert off.max() < 0.02


@pytest.mark.parametrize("name", names())
def test_every_bundled_model_has_finite_phases(name: str) -> None:
    designs = random_designs(50, seed=8)
    for phase, step in STEPS.items():
        for key, value in figures(designs, name, phase, step).items():
            assert np.isfinite(value).all(), (phase, key)
            floor = 0 if key == "network" else 1e-30
            assert (np.asarray(value) >= floor).all(), (phase, key)


def latency(
    designs, chips: float = 2, formats: dict[str, str] | None = None, phase: str = "decode", batch: float = 8
):
    priced = Tensor(designs)
    step = replace(STEPS[phase], batch=batch)
    return (
        priced.replica(chips, formats or {}).phase(operators(bundled("llama-3.1-8b"), phase), step).latency_s
    )


seeds = st.integers(0, 10_000)
phases = st.sampled_from(list(STEPS))
NO_SLOWER = 1 + 1e-9


# By how much twice of each may slow a design: 0.03 of bandwidth and rows, 0.04 of lanes measured on 4,000 designs in
# both phases at batches of 1, 7 and 64, and room. The
# cache is read in granules, which grow with words, rows and lanes: at 1024 tokens to the next of 256 at most.
# Narrower words of more cores do not always divide as well.
SLOWER = {
    "columns": 0.0, "vector_lanes": 0.0, "fifo_bytes": 0.0, "scratchpad_bytes": 0.0, "link_bytes_per_s": 0.0,
    "cores": 0.002, "bandwidth_bytes_per_s": 0.06, "rows": 0.06, "lanes": 0.06,
}  # fmt: skip


def doubling(n: int, seed: int) -> Designs:
    """Those of `n` random designs that are still within the hardware's bounds when any parameter is doubled, and
    whose cores share Llama's features without remainder: a row tile that is not full costs as much as a full one,
    so that twice the rows of one that is half full already cost twice the time."""
    d = random_designs(n, seed)
    kept = (d.rows <= 32) & (d.lanes <= 64) & (d.columns <= 8) & (d.vector_lanes <= 16)
    return d.take(np.flatnonzero(kept & np.isin(d.cores, (1, 2, 4, 8))))


@settings(max_examples=25, deadline=None)
@given(seeds, phases, st.sampled_from([1.0, 7.0, 64.0]))
def test_no_resource_slows(seed: int, phase: str, batch: float) -> None:
    designs = doubling(300, seed)
    base = latency(designs, phase=phase, batch=batch)
    for field, slower in SLOWER.items():
        faster = latency(scaled(designs, **{field: 2}), phase=phase, batch=batch)
        assert (faster <= base * (1 + slower) * NO_SLOWER).all(), field


def test_columns_save_passes_where_there_are_many_tokens() -> None:
    # Bound by the memory, with rows that are drained in time, a prompt takes the time of its passes.
    one = at(random_designs(1, 0), 0)
    chip = replace(one, cores=1, dies=1, rows=8, lanes=64, columns=1, vector_lanes=32, fifo_bytes=262_144,
                   weights=FORMATS.index("q8_0"), bandwidth_bytes_per_s=10e9, clock_hz=1e9)  # fmt: skip
    times = [latency(replace(chip, columns=c), 1, phase="prefill", batch=1.0) for c in (1, 2, 4, 8)]
    assert all(1.7 < slow / fast <= 2.0 for slow, fast in pairwise(times))


@settings(max_examples=25, deadline=None)
@given(seeds, phases)
def test_halving_the_bits_never_slows(seed: int, phase: str) -> None:
    # The same INT8 tile, with weights that a checkpoint fixes at 16, 8 and 4 bits, scales of 32 alike.
    designs = replace(random_designs(40, seed), weights=FORMATS.index("int8"))
    times = [
        latency(designs, 2, {"attention": f, "ffn": f, "head": f}, phase) for f in ("bf16", "q8_0", "q4_0")
    ]
    assert (times[1] <= times[0] * NO_SLOWER).all() and (times[2] <= times[1] * NO_SLOWER).all()


def test_decode_at_four_bits_is_near_four_times_as_fast() -> None:
    """Compression proportionality, on a design that the memory bounds: 16 to 4.16 bits are 3.84x fewer."""
    one = at(random_designs(1, 0), 0)
    chip = replace(one, cores=64, rows=64, lanes=64, columns=4, vector_lanes=32, units=4, fifo_bytes=262_144,
                   weights=FORMATS.index("int8"), memory=table("memories").index("lpddr5x"),
                   bandwidth_bytes_per_s=68e9, clock_hz=1e9)  # fmt: skip
    wide, narrow = (
        latency(chip, 1, {"attention": f, "ffn": f, "head": f}, batch=1.0) for f in ("bf16", "int4-g128")
    )
    assert 3.5 <= wide / narrow <= 16 / (4 + 20 / 128)


@settings(max_examples=15, deadline=None)
@given(seeds, phases)
def test_chips_share_the_work(seed: int, phase: str) -> None:
    # With links that cost no time, two chips are never slower than one, nor faster than twice.
    free = replace(random_designs(40, seed), link=table("links").index("none"), link_bytes_per_s=1e30)
    one, two = (latency(free, chips, phase=phase) for chips in (1.0, 2.0))
    assert (two <= one * NO_SLOWER).all()
    # Compute and bandwidth alone give a factor of two; half as many passes over a cache, drained in time, a little
    # more: measured up to 2.1 on 40,000 designs.
    assert (two >= one / 2.2).all()


def test_two_chips_read_the_weights_once_together() -> None:
    designs = random_designs(100, seed=2)
    ops, step = operators(bundled("llama-3.1-8b"), "decode"), Step(1, 1, 128)
    one, two = (Tensor(designs).replica(c, {}).phase(ops, step).dram_bytes for c in (1, 2))
    assert np.median(two / one) == approx(1, abs=0.01)


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_a_chip_costs_less_in_volume_and_draws_power(seed: int) -> None:
    priced = Tensor(random_designs(40, seed))
    usd = [priced.chip_usd(volume, ONCE) for volume in (1e3, 1e4, 1e5, 1e6)]
    assert all((cheap < dear).all() for dear, cheap in pairwise(usd))
    assert (usd[-1] > priced.physical.unit_usd).all() and (priced.static_w > 0).all()


@settings(max_examples=25, deadline=None)
@given(seeds, st.sampled_from(["cores", "rows", "columns", "vector_lanes", "scratchpad_bytes", "fifo_bytes"]))
def test_more_silicon_costs_more(seed: int, field: str) -> None:
    designs = random_designs(40, seed)
    small, large = (Tensor(d).physical for d in (designs, scaled(designs, **{field: 2})))
    assert (large.total_mm2 > small.total_mm2).all()
    assert (large.unit_usd > small.unit_usd).all()
    assert sum(small.area_mm2.values()) == approx(small.total_mm2)
    assert sum(small.parts_usd.values()) == approx(small.unit_usd)


@pytest.mark.parametrize("model", ["mixtral-8x7b", "deepseek-v3", "qwen3-235b-a22b", "gpt-oss-120b"])
def test_experts_touched_are_between_active_and_all(model: str) -> None:
    ops = operators(bundled(model), "decode")
    for op in (g for g in ops.gemms if g.tensor == "expert"):
        touched = op.matrices(Step(np.array([1.0, 2, 4, 16, 64, 1e4, 1e6]), 1, 100))
        assert touched[0] == approx(op.active)
        assert (np.diff(touched) >= -1e-9).all() and touched[-1] == approx(op.experts)
        # The fullest of 4 chips runs at least its share and at most all that it holds.
        fullest = Tensor(at(random_designs(1, 1), 0)).replica(4, {}).expert_matrices(op, touched)
        assert (fullest >= touched / 4 - 1e-9).all() and (fullest <= op.experts / 4 + 1e-9).all()


@given(st.integers(1, 64), st.sampled_from(MODELS))
@settings(max_examples=30, deadline=None)
def test_links_carry_nothing_on_one_chip_and_more_on_more(chips: int, model: str) -> None:
    gemms = operators(bundled(model), "decode").gemms
    assert crossing_bytes(gemms, Step(4, 1, 100), 1) == 0
    assert crossing_bytes(gemms, Step(4, 1, 100), chips) < crossing_bytes(gemms, Step(4, 1, 100), chips + 1)


def test_tokens_come_as_much_faster_as_weights_get_smaller() -> None:
    # One stream on one core that its memory bounds, 16 x 32 and a port of 64 bytes: against Q8_0, speed over what the
    # bits promise. 2 bits a weight take the tile 2 steps of 64 bytes, more than the 35 that this memory gives a cycle.
    tile = Tile(16, 32, 1, 32, "q8_0", kv="int8-g32", scratchpad_bytes=256 * 1024, fifo_bytes=128 * 1024)
    chip = Chip("bound", "tensor", "N7", 450e6, Memory("lpddr4x", 1, 4e9, 64 * 0.55 * 450e6), tile=tile)
    ops = operators(bundled("llama-3.2-1b"), "decode")

    def token(name: str) -> float:
        designs = from_chip(replace(chip, tile=replace(tile, weights=name)))
        return float(Tensor(designs).replica(1, {}).phase(ops, Step(1, 1, 60)).latency_s)

    whole = token("q8_0") / format_named("q8_0").bits()
    for name, coding in decoded().items():
        assert 0.98 < whole / (token(name) / coding.stored_bits) < 1.001, name
        # In memory a zero point of 3 bits takes 4, and a scale of many rows comes with each of them.
        assert format_named(name).bits() / coding.stored_bits > 0.98, name


@pytest.mark.parametrize("rows, port", [(2, 32), (8, 32), (8, 128), (64, 64)])
def test_a_matrix_takes_the_beats_of_the_hardware(rows: int, port: int) -> None:
    # Beats of a fraction of a word, of one, and of many, on each format's own multipliers; of 64 folds all groups are
    # whole, and all packets but the last one. In a word of high parts (3, 5, 6 bits) the tile takes no step.
    rate, clock = port * 0.9, 1e9
    tile = Tile(rows, 32, 1, 2, "q8_0", kv="int8-g32", scratchpad_bytes=256 * 1024, fifo_bytes=128 * 1024)
    chip = Chip("beats", "tensor", "N7", clock, Memory("lpddr4x", 1, 4e9, rate * clock), tile=tile)
    for name, coding in decoded().items():
        one = replace(chip, tile=replace(tile, weights=name))
        machine, core = Tensor(from_chip(one)).machine, core_of(one)
        share = max(coding.group // GROUP, 1).bit_length() - 1
        given = coding.element, coding.scale, share, 64, 64, 1, coding.planes
        cycles, waits = cycles_matrix.input_cycles(core, *given)
        assert waits == 0 and core.port_bytes == port
        assert 64 * 64 * float(machine.beat_cycles(machine.weights)) == approx(float(cycles), rel=0.02), name
