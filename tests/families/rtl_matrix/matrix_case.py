"""Random commands of the matrix unit, what they must write, and a driver."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sartor.families.tensor import float32, numerics
from sartor.families.tensor.core import GROUP, Core
from sartor.families.tensor.isa import Scale
from sartor.families.tensor.layout import pack_matrix
from sartor.families.tensor.rtl.matrix import MatrixUnit
from sartor.formats.decode import Element, integers, zero_bits
from tests.verilate import CLEAN, Run, Verilated

EXTREME_HALVES = (0x0000, 0x8000, 0x0001, 0x83FF, 0x0400, 0x3C00, 0xBC00, 0x7BFF, 0xFBFF)


@functools.cache
def unit(core: Core, minimum: bool = True, structural: bool = False, clean: str = CLEAN) -> Verilated:
    return Verilated(MatrixUnit(core, minimum=minimum, structural=structural), "matrix", clean=clean)


def numbers(core: Any) -> str:
    """A core as the name of a test; gaps as they are."""
    if not isinstance(core, Core):
        return str(core)
    sizes = core.rows, core.lanes, core.columns, core.vector_lanes, core.multiplier_bits, core.port_bytes
    return "x".join(map(str, sizes)) + ", cache of 4 bits" * (core.cache_bits == 4)


@dataclass
class Case:
    """One MM and its data. codes [n, k] as stored, d and m [n, k / (32 << share)], of binary codes d [n, any, planes],
    x [columns, k] and its exponents."""

    core: Core
    codes: np.ndarray
    d: np.ndarray | None
    m: np.ndarray | None
    x: np.ndarray
    exponents: np.ndarray
    element: Element = Element.INT4
    share: int = 0
    top: int = 30
    cache: bool = False
    argmax: bool = False
    address: int = 0
    stride: int = 1
    kind: Scale | None = None  # where d is no binary16 number
    written: np.ndarray = field(default_factory=lambda: np.zeros(0))

    @property
    def scale(self) -> Scale:
        return Scale((self.d is not None) + (self.m is not None)) if self.kind is None else self.kind

    @property
    def unit(self) -> int:
        return numerics.unit_of(self.scale, self.top, self.element.fraction - self.element.lost)

    @property
    def planes(self) -> int:
        return 1 if self.scale != Scale.PLANES else self.d.shape[-1]

    @property
    def tiles(self) -> int:
        return -(-self.codes.shape[0] // self.core.rows)

    @property
    def folds(self) -> int:
        return -(-self.codes.shape[1] // self.core.lanes)

    def command(self) -> dict[str, int]:
        return {
            "cache": self.cache, "element": self.element, "scale": self.scale, "share": self.share,
            "tiles": self.tiles, "folds": self.folds, "exponent": self.top, "unit": self.unit, "columns": len(self.x),
            "argmax": self.argmax, "d_addr": self.address, "d_stride": self.stride, "planes": self.planes - 1,
        }  # fmt: skip

    @property
    def paired(self) -> bool:
        """Values of a cache of 4 bits."""
        return self.core.cache_bits == 4 and self.cache and (self.element, self.scale) == (Element.INT4, Scale.NONE)

    def words(self) -> np.ndarray:
        given = self.codes, self.d, self.m, self.element, self.share, self.kind
        stream = pack_matrix(self.core, *given, paired=self.paired)
        return stream.view("<u4").reshape(-1, self.core.port_bytes // 4)

    def results(self) -> np.ndarray:
        """binary32 [columns, rows of all tiles]: padded rows are 0."""
        n, k = self.codes.shape
        size = GROUP // 2 if self.scale == Scale.PAIR else GROUP
        d = np.full((n, k // GROUP), numerics.ONE_HALF_PRECISION) if self.d is None else self.of_blocks(self.d)
        m = None if self.m is None else self.of_blocks(self.m)
        largest = self.exponents.max(axis=1)
        x = self.x.reshape(len(self.x), 1, -1, size)
        shift = np.repeat((largest[:, None] - self.exponents)[:, None], GROUP // size, axis=-1)
        if self.scale == Scale.ZERO:
            codes = (self.codes - np.repeat(m, GROUP, axis=1)).reshape(n, -1, size)
            terms = numerics.block_terms(codes, x, shift, d, None, self.top)
        elif self.scale == Scale.PLANES:
            terms = numerics.plane_terms(self.codes.reshape(n, -1, size), x, shift, d, m, self.top)
        else:
            codes = integers(self.element, self.m is not None)[self.codes].astype(np.int64).reshape(n, -1, size)
            terms = numerics.block_terms(codes, x, shift, d, m, self.top, self.scale, self.element.lost)
        found = numerics.result(terms.sum(-1), largest[:, None], self.unit)
        return np.pad(found, ((0, 0), (0, self.tiles * self.core.rows - n)))

    def of_blocks(self, halves: np.ndarray) -> np.ndarray:
        """Each scale for all blocks that share it."""
        blocks = self.codes.shape[1] // (GROUP // 2 if self.scale == Scale.PAIR else GROUP)
        return np.repeat(halves, 1 << self.share, axis=1)[:, :blocks]


def random_case(core: Core, rng: np.random.Generator, **chosen: Any) -> Case:
    """A command within what the buffer and the scratchpad hold; about a third has extreme values."""
    element = Element(chosen.get("element", rng.choice(core.elements)))
    scale = Scale(chosen.get("scale", rng.choice(kinds(core, element))))
    columns = int(chosen.get("columns", rng.integers(1, core.columns + 1)))
    groups = int(chosen.get("groups", rng.integers(1, min(core.buffer_groups, 10) + 1)))
    rows = int(chosen.get("rows", rng.integers(1, 4 * core.rows + 1)))
    planes = int(chosen.get("planes", rng.integers(1, core.planes + 1))) if scale == Scale.PLANES else 1
    share = int(chosen.get("share", rng.integers(0, 4))) if scale not in (Scale.NONE, Scale.PAIR) else 0
    if groups & (1 << share) - 1:  # the last group of a row may be short, but not within a fold
        groups = -(-groups // core.lane_groups) * core.lane_groups
    offset = element.is_integer and element != Element.INT8
    if scale in (Scale.NONE, Scale.POWER) and offset:  # whole tiles and folds: what pads is -8, and has no scale 0
        rows, groups = (-(-n // of) * of for n, of in ((rows, core.rows), (groups, core.lane_groups)))
    extreme = bool(chosen.get("extreme", rng.random() < 0.33))
    codes = _codes(rng, (rows, groups * GROUP), element, extreme, planes)
    d, m, top = _scales(rng, scale, (rows, -(-groups >> share)), extreme, planes)
    if scale == Scale.ZERO:
        m = rng.integers(0, 1 << element.bits, m.shape)
    x, exponents = _values(rng, columns, groups, extreme)
    top += int(rng.integers(0, 2))
    stride = -(-4 * core.rows // GROUP) + int(rng.integers(0, 3))
    return Case(
        core, codes, d, m, x, exponents, element, share, cache=bool(rng.random() < 0.5),
        top=min(top, 31 if scale != Scale.POWER else 255),
        argmax=bool(chosen.get("argmax", False)), stride=stride,
        address=int(rng.integers(0, max(1, core.scratch_groups - columns * (stride + 8)))),
        kind=scale if scale > Scale.SCALE_MINIMUM else None,
    )  # fmt: skip


def kinds(core: Core, element: Element) -> list[Scale]:
    """Scales that codes may have."""
    if element == Element.SIGN:
        return [Scale.PLANES]
    plain = [Scale.NONE] if element in (Element.INT8, core.cache_element) else []
    minimum = [Scale.SCALE_MINIMUM] if element.has_minimum else []
    zero = zero_bits(element) > 0
    taken = {Scale.POWER: True, Scale.PAIR: element == Element.E2M1, Scale.ZERO: zero}
    pair = [k for k in core.scales if taken.get(k)]
    return [*plain, Scale.SCALE, *minimum, *pair]


def _codes(
    rng: np.random.Generator, shape: tuple[int, int], element: Element, extreme: bool, planes: int
) -> np.ndarray:
    low, high = (-128, 128) if element == Element.INT8 else (0, 1 << element.bits * planes)
    if extreme:
        ends = [low, high - 1, high // 2 - 1] if not element.is_integer else [low, high - 1]
        ends = [0x7E, 0xFE, 1, 8] if element == Element.E4M3 else ends  # not 0x7F, which is no number
        return rng.choice(ends, shape)
    codes = rng.integers(low, high, shape)
    return np.where(codes & 0x7F == 0x7F, 0, codes) if element == Element.E4M3 else codes


def _scales(
    rng: np.random.Generator, scale: Scale, shape: tuple[int, int], extreme: bool, planes: int
) -> tuple[np.ndarray | None, np.ndarray | None, int]:
    """d, m and the largest field."""
    if scale == Scale.POWER:
        around = int(rng.integers(40, 200))
        d = rng.choice([0, 1, 100, 131, 140], shape) if extreme else rng.integers(around, around + 40, shape)
        return d, None, int(d.max())
    if scale == Scale.PLANES:
        d, m = _halves(rng, (*shape, planes), extreme), _halves(rng, shape, extreme)
        return d, m, int(max(np.maximum(h >> 10 & 31, 1).max() for h in (d, m)))
    if scale == Scale.PAIR:
        d = rng.integers(0, 127, (shape[0], 2 * shape[1]))
        d = rng.choice([0, 1, 3, 7, 8, 126], d.shape) if extreme else d
        return d, None, int(numerics.parts_of(scale, d)[1].max())
    d, m = (_halves(rng, shape, extreme) if scale > i else None for i in (0, 1))
    return d, m, int(max((np.maximum(h >> 10 & 31, 1).max() for h in (d, m) if h is not None), default=15))


def _halves(rng: np.random.Generator, shape: tuple[int, ...], extreme: bool) -> np.ndarray:
    """binary16 without infinities."""
    if extreme:
        return rng.choice(np.array(EXTREME_HALVES, np.uint16), shape)
    around = int(rng.integers(1, 28))
    return (rng.integers(0, 1 << 16, shape) & 0x83FF | rng.integers(around, around + 4, shape) << 10).astype(
        np.uint16
    )


def _values(rng: np.random.Generator, columns: int, groups: int, extreme: bool) -> tuple[Any, Any]:
    """int8 [columns, groups * 32], at most +-127, and exponents: some groups are 0, some far below."""
    if extreme:
        x = rng.choice([-127, 127], (columns, groups, GROUP))
        exponents = rng.choice([1, 100, 125, 126, 127, 254], (columns, groups))
    else:
        x = rng.integers(-127, 128, (columns, groups, GROUP))
        exponents = rng.integers(110, 130, (columns, groups))
    empty = rng.random((columns, groups)) < 0.1
    return np.where(empty[..., None], 0, x).reshape(columns, -1), np.where(empty, 0, exponents)


def fill(sim: Verilated, case: Case) -> None:
    """Clears the exponents and writes x into the buffer; what is left from before stays behind it."""
    columns, groups = case.exponents.shape
    count = columns * groups + 2
    codes = case.x.astype(np.int8).reshape(columns * groups, GROUP).view("<u4")
    sim.run(
        count,
        {
            "buffer_clear__valid": np.arange(count) == 0, "buffer_clear__columns": columns,
            "buffer_write__valid": np.arange(count) < columns * groups,
            "buffer_write__column": np.resize(np.repeat(np.arange(columns), groups), count),
            "buffer_write__group": np.resize(np.tile(np.arange(groups), columns), count),
            "buffer_write__codes": np.resize(codes, (count, GROUP // 4)),
            "buffer_write__exponent": np.resize(case.exponents, count),
        },
    )  # fmt: skip


def run(sim: Verilated, case: Case, gaps: float = 0.0, seed: int = 0, budget: int = 20000) -> Run:
    """One command up to `done`. The stream that the command does not read offers words too."""
    fill(sim, case)
    rng = np.random.default_rng(seed)
    words = case.words()
    source, other = ("cache", "weights") if case.cache else ("weights", "cache")
    found = sim.run(
        budget, streams={"command": [case.command()], source: words, other: ~words},
        gaps={source: rng.random(budget) < gaps, other: rng.random(budget) < gaps}, until="done",
    )  # fmt: skip
    assert found.stopped, f"no end within {budget} cycles: {case.command()}"
    assert found.left[source] == 0 and found.left[other] == len(words)
    return found


def check_best(sim: Verilated, want: np.ndarray) -> None:
    """What is read of each column after an argmax of `want` [columns, rows]."""
    found = sim.run(len(want), {"best_column": np.arange(len(want))})
    assert found["best_index"].tolist() == want.argmax(axis=1).tolist()
    assert found["best_value"].tolist() == want.max(axis=1).view(np.uint32).tolist()


def written(found: Run, case: Case) -> np.ndarray:
    """What a run wrote: binary32 [columns, rows of all tiles]; no element is written twice, none beside."""
    core = case.core
    memory, times = (np.zeros(core.scratch_groups * GROUP, np.uint32) for _ in range(2))
    for cycle in np.flatnonzero(found["scratch_write__valid"]):
        mask = int(found["scratch_write__mask"][cycle])
        data = np.atleast_1d(found["scratch_write__data"][cycle]).view("<u4")
        for lane in range(core.vector_lanes):
            if mask >> lane & 1:
                at = int(found["scratch_write__address"][cycle]) * core.vector_lanes + lane
                memory[at], times[at] = data[lane], times[at] + 1
    n = case.tiles * core.rows
    places = (case.address + np.arange(len(case.x)) * case.stride)[:, None] * GROUP + np.arange(n)
    assert (times[places] == 1).all() and times.sum() == places.size
    return float32.from_bits(memory[places])
