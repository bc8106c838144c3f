"""Random designs of family `tensor`, as arrays, and one of them as plain numbers."""

from dataclasses import replace

import numpy as np

from sartor.families.tensor.design import FORMATS, Designs
from sartor.tables import table
from sartor.tech.technology import Technology

WEIGHTS = ("int4-g128", "int8", "fp8-e4m3", "q4_1", "ternary", "bcq2-g64", "bf16")
KINDS = ("lpddr5x", "lpddr6", "gddr7", "hbm3", "hbm3e", "hbm4")
NODES = ("N12", "N7", "N5", "N4", "N3")


def random_designs(n: int, seed: int, dtype: type = np.float64) -> Designs:
    """`n` designs as a search makes them; arrays of `dtype`."""
    rng = np.random.default_rng(seed)
    tech = Technology(dtype=dtype)

    def one_of(values) -> np.ndarray:
        return rng.choice(np.array(values), n).astype(dtype)

    def row_of(name: str, items: tuple[str, ...]) -> np.ndarray:
        return rng.choice([table(name).index(i) for i in items], n)

    memory, units = row_of("memories", KINDS), one_of([1, 2, 3, 4, 6, 8, 12])
    link = row_of("links", ("serdes-112g", "pcie5", "ucie"))
    return Designs(
        node=row_of("nodes", NODES), clock_hz=one_of([0.5e9, 0.7e9, 0.8e9, 1e9, 1.1e9]),
        cores=one_of([1, 2, 3, 4, 8, 16, 24, 32, 48, 64, 96]), dies=one_of([1, 2, 4]),
        rows=one_of([2, 4, 8, 16, 32, 64]), lanes=one_of([32, 64, 128]), columns=one_of([1, 2, 4, 8, 16]),
        vector_lanes=one_of([2, 4, 8, 16, 32]),
        scratchpad_bytes=one_of([2**k for k in range(16, 23)]),
        fifo_bytes=one_of([2**k for k in range(14, 19)]),
        weights=rng.choice([FORMATS.index(w) for w in WEIGHTS], n),
        cache=rng.choice([FORMATS.index("int8"), FORMATS.index("int4")], n),
        memory=memory, units=units, capacity_bytes=tech.column("memories", "capacity_max", memory) * units,
        bandwidth_bytes_per_s=tech.column("memories", "bandwidth", memory) * units,
        link=link, link_bytes_per_s=tech.column("links", "bandwidth", link),
    )  # fmt: skip


def at(designs: Designs, row: int) -> Designs:
    """The design at `row`, in plain numbers."""
    return designs.one(row)


def scaled(designs: Designs, **factors: float) -> Designs:
    """The same designs with some fields multiplied."""
    return replace(designs, **{name: getattr(designs, name) * factor for name, factor in factors.items()})
