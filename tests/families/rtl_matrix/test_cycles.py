"""The closed formula of cycles against a walk through the matrix, for any parameters and for arrays."""

from types import SimpleNamespace

import numpy as np
from fitted_core import fitted

from sartor.families.tensor import cycles_matrix as cycles
from sartor.families.tensor.core import Core
from sartor.families.tensor.isa import Scale
from sartor.families.tensor.multipliers import takes
from sartor.families.tensor.stream_shape import Shape
from sartor.formats.decode import Element, zero_bits

PARAMETERS = ("rows", "lanes", "vector_lanes", "port_bytes", "multiplier_bits")


def walk(core: Core, shape: Shape, columns: int) -> tuple[int, int]:
    """Cycles from the first word to the last step, and those that wait: step by step."""
    port, now, ready, waits = core.port_bytes, 0, 0, 0
    low, high = shape.step_bytes
    left, begun = 0, 0  # steps of the present set of high parts, packets
    drain = columns * core.rows // min(core.rows, core.vector_lanes)
    ends = set(shape.packet_ends)
    for beat in range(shape.beats):
        if beat == 0 or beat in ends:
            each, zeros = shape.zeros
            now += shape.packet_scale_bytes // port + (zeros if begun % each == 0 else 0)
            left, begun = 0, begun + 1
        for _ in range(shape.steps):
            if high and not left:
                now, left = now + shape.set_steps * high // port, shape.set_steps
            now, left = now + max(1, low // port), left - 1
        if beat % shape.folds == shape.folds - 1:
            waits += max(0, ready - now)
            now = max(now, ready)
            ready = now + drain
    return now, waits


def random_parameters(rng: np.random.Generator) -> tuple[Core, Shape, int]:
    core = fitted(
        rows=int(2 ** rng.integers(1, 7)), lanes=int(2 ** rng.integers(5, 8)), columns=16,
        vector_lanes=int(2 ** rng.integers(1, 6)), port_bytes=int(2 ** rng.integers(4, 9)),
        multiplier_bits=int(rng.choice([4, 5, 8, 9])),
    )  # fmt: skip
    element = Element(rng.choice([e for e in Element if takes(core.multiplier_bits, e)]))
    scale, share = Scale(rng.integers(1 if element.parts[1] else 0, 5)), int(rng.integers(0, 4))
    scale = Scale.ZERO if scale == Scale.SCALE_MINIMUM and zero_bits(element) and rng.random() < 0.5 else scale
    scale = Scale.SCALE if scale == Scale.SCALE_MINIMUM and not element.has_minimum else scale
    planes = 1
    if element == Element.SIGN:
        scale, planes = Scale.PLANES, int(rng.integers(1, 5))
    share = 0 if scale == Scale.PAIR else share
    n, k = (
        int(rng.integers(1, 9)) * size - int(rng.integers(0, 2)) for size in (core.rows, core.lanes // 32 << share % 3)
    )
    shape = Shape(core, max(n, 1), 32 * max(k, 1), element, scale, share, planes)
    return core, shape, int(rng.integers(1, 17))


def test_the_formula_is_the_walk_and_takes_arrays() -> None:
    rng = np.random.default_rng(1)
    cases = [random_parameters(rng) for _ in range(3000)]
    core = SimpleNamespace(**{p: np.array([getattr(c, p) for c, _, _ in cases]) for p in PARAMETERS})
    shapes = [s for _, s, _ in cases]
    element, scale, share, tiles, folds, planes = (
        np.array(values) for values in zip(
            *((s.element, int(s.scale), s.share, s.tiles, s.folds, s.planes) for s in shapes), strict=True
        )
    )  # fmt: skip
    columns = np.array([c for _, _, c in cases])
    got = cycles.input_cycles(core, element, scale, share, tiles, folds, columns, planes)
    want = np.array([walk(*case) for case in cases]).T
    assert np.array_equal(got[0], want[0]) and np.array_equal(got[1], want[1])
    assert (want[1] > 0).mean() > 0.1
    words = cycles.words_of_stream(core, element, scale, share, tiles, folds, planes)
    assert np.array_equal(words, [s.words for s in shapes])
    total = cycles.matrix_cycles(core, element, scale, tiles, folds, columns, share=share, planes=planes)
    assert np.array_equal(
        total - got[0] - cycles.drain_cycles(core, columns), cycles.latency(core)
    )
