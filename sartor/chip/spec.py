"""The chip: one small frozen spec that search makes, estimate prices, RTL builds, and TOML stores."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from ..errors import InputError, UnknownName
from ..formats.hardware import by_table
from ..formats.parts import BASE, EMBEDDING, GROUPS, PARTS, by_part
from ..formats.spec import format_named, listed
from ..tables import table

ENGINES = ("mac", "lut")
ACTIVATIONS = "int8"  # what tiles multiply weights with
FAMILIES = ("tensor", "gpu", "npu")
_MIXED = tuple(name for name in (*PARTS, *GROUPS) if BASE not in GROUPS.get(name, (name,)))  # parts of [tile.mix]
WHOLE_WAFER = "wafer"
PACKAGES = ("fccsp", "fcbga", "cowos-s", "cowos-l", WHOLE_WAFER)


def _check(ok: bool, message: str) -> None:
    if not ok:
        raise InputError(message)


def _not_negative(part: object, where: str, *names: str) -> None:
    """Finite and not below 0, or None."""
    for name in names:
        value = getattr(part, name)
        ok = value is None or 0 <= value < math.inf
        _check(ok, f"{where} {name} = {value} must be >= 0 and finite")


@dataclass(frozen=True)
class Tile:
    """One core of family `tensor`: a broadcast dot-product tile of `rows` output features x `lanes` along K x
    `columns` tokens that share each decoded weight, its vector unit and its memories."""

    rows: int
    lanes: int
    columns: int
    vector_lanes: int
    weights: str  # number format the decoder takes
    activations: str = ACTIVATIONS
    kv: str = "int8-g32"
    engine: str = "mac"
    scratchpad_bytes: int = 256 * 1024  # activations and weight blocks
    fifo_bytes: int = 64 * 1024  # weights prefetched for the next operator
    mix: dict[str, str] = field(default_factory=dict)  # number formats of parts of the model that have their own

    def __post_init__(self) -> None:
        for name in ("rows", "lanes", "columns", "vector_lanes", "scratchpad_bytes", "fifo_bytes"):
            value = getattr(self, name)
            whole = isinstance(value, int) and value >= 1
            _check(whole, f"[tile] {name} = {value!r} must be a whole number >= 1")
        if self.engine not in ENGINES:
            raise UnknownName("engine", self.engine, ENGINES, "[tile]")
        for part in self.mix:
            if part not in _MIXED:
                raise UnknownName("part of a model", part, _MIXED, "[tile.mix]")
        for key, name in {"weights": self.weights, "kv": self.kv, **self.mix}.items():
            place = f"[tile.mix] {key}" if key in self.mix else f"[tile] {key}"
            form = listed(name, place)
            _check(self.engine != "lut" or key == "kv" or by_table(form.name),
                   f"{place} = {name!r} with engine 'lut', whose tables hold no sums of it (try engine = \"mac\")")
        _check(self.activations == ACTIVATIONS, f"[tile] activations = {self.activations!r}: a tile multiplies "
               f"{ACTIVATIONS}, with a scale for 32 neighbors (leave it out)")  # fmt: skip
        object.__setattr__(self, "mix", by_part(self.mix))

    @property
    def formats(self) -> dict[str, str]:
        """The format of each part of the model; embedding and head only where they have one of their own."""
        return {part: self.mix.get(part, self.weights) for part in PARTS if part != EMBEDDING or part in self.mix}

    @property
    def macs(self) -> int:
        """Multiply-accumulates a cycle."""
        return self.rows * self.lanes * self.columns


@dataclass(frozen=True)
class Memory:
    """Off-chip memory: `units` channels, devices or stacks of one kind; kind `sram` means none at all."""

    kind: str
    units: int
    capacity_bytes: float
    bandwidth_bytes_per_s: float
    energy_j_per_byte: float | None = None  # of its maker's parts, with the chip's interface; None: the kind's

    def __post_init__(self) -> None:
        if self.kind not in table("memories").items:
            raise UnknownName("memory", self.kind, table("memories").items, "[memory]")
        _check(self.units >= 0, f"[memory] units = {self.units} must be >= 0")
        _not_negative(self, "[memory]", "capacity_bytes", "bandwidth_bytes_per_s", "energy_j_per_byte")


@dataclass(frozen=True)
class Link:
    """Chip to chip: bytes per second out of one chip, one direction."""

    kind: str = "none"
    bandwidth_bytes_per_s: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in table("links").items:
            raise UnknownName("link", self.kind, table("links").items, "[link]")
        _not_negative(self, "[link]", "bandwidth_bytes_per_s")


@dataclass(frozen=True)
class Price:
    """What one chip costs to buy or to rent, with the date: prices age."""

    purchase_usd: float | None = None
    rental_usd_per_s: float | None = None
    date: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        _not_negative(self, "[price]", "purchase_usd", "rental_usd_per_s")


@dataclass(frozen=True)
class Chip:
    """A chip. Family `tensor` is generated and has a `tile`; families `gpu` and `npu` exist and have the
    dense `peaks` of their data sheet (ops/s by number format of the operands)."""

    name: str
    family: str
    node: str
    clock_hz: float
    memory: Memory
    cores: int = 1
    dies: int = 1
    voltage_v: float | None = None  # None: the node's nominal
    tile: Tile | None = None
    peaks: dict[str, float] = field(default_factory=dict)
    generation: str = ""  # row of gpu.csv with the measured efficiencies of its generation
    sram_bytes: float = 0.0  # on-die memory beside the tiles' own
    sram_bandwidth_bytes_per_s: float = 0.0  # where weights live on the die
    link: Link = Link()
    package: str = "fcbga"
    die_mm2: float | None = None  # published, all compute dies together; None: estimated
    base_node: str = ""  # where compute dies stand on others, for I/O and cache: their node,
    base_dies: int = 0  # their number,
    base_mm2: float | None = None  # and their silicon together
    tdp_w: float | None = None
    price: Price = Price()
    year: int | None = None
    vendor: str = ""
    status: str = ""
    source: str = ""
    note: str = ""
    note_ko: str = ""  # the same in Korean

    @property
    def power_known(self) -> bool:
        """Whether all that it draws is known: what one to buy draws beside its bytes and operations follows from its
        power limit."""
        return self.tile is not None or self.tdp_w is not None

    def __post_init__(self) -> None:
        if self.family not in FAMILIES:
            raise UnknownName("family", self.family, FAMILIES, self.name)
        if self.node not in table("nodes").items:
            raise UnknownName("node", self.node, table("nodes").items, self.name)
        if self.package not in PACKAGES:
            raise UnknownName("package", self.package, PACKAGES, self.name)
        for name in ("clock_hz", "voltage_v", "die_mm2", "tdp_w"):
            value = getattr(self, name)
            ok = (value is None and name != "clock_hz") or (value is not None and 0 < value < math.inf)
            _check(ok, f"{self.name}: {name} = {value} must be above 0 and finite")
        _not_negative(self, f"{self.name}:", "sram_bytes", "sram_bandwidth_bytes_per_s")
        _check(self.cores >= 1, f"{self.name}: cores = {self.cores} must be >= 1")
        _check(self.dies >= 1, f"{self.name}: dies = {self.dies} must be >= 1")
        self._check_base()
        if self.family == "tensor":
            _check(self.tile is not None, f"{self.name}: family tensor needs a [tile]")
        else:
            needs = f"{self.name}: family {self.family} needs [peaks] (ops/s by number format)"
            _check(bool(self.peaks), needs)
        for name, peak in self.peaks.items():
            format_named(name, f"{self.name}: [peaks]")
            _check(0 < peak < math.inf, f"{self.name}: [peaks] {name} = {peak} must be above 0 and finite")

    @property
    def silicon_mm2(self) -> float | None:
        """All dies together."""
        return None if self.die_mm2 is None else self.die_mm2 + (self.base_mm2 or 0.0)

    def _check_base(self) -> None:
        given = [bool(self.base_node), self.base_dies > 0, self.base_mm2 is not None]
        _check(all(given) or not any(given), f"{self.name}: base_node, base_dies and base belong together")
        if any(given):
            if self.base_node not in table("nodes").items:
                raise UnknownName("node", self.base_node, table("nodes").items, self.name)
            ok = self.base_mm2 is not None and 0 < self.base_mm2 < math.inf
            _check(ok, f"{self.name}: base_mm2 = {self.base_mm2} must be above 0 and finite")
