"""The cells of some cores, by the formulas of families/tensor/silicon.py: for docs/hardware.md."""

from __future__ import annotations

from sartor.families.tensor import silicon

HEAD = (
    "R x L x C", "MACs", "bits", "lanes", "port", "tile, MAC / mm2", "vector unit", "feeding and draining", "control, memory block",
    "all but the tile",
)  # fmt: skip
CORES = (
    (8, 4, 4, 8, 64), (8, 4, 4, 16, 128), (8, 8, 4, 32, 128), (16, 4, 4, 32, 256), (16, 8, 4, 32, 256), (32, 8, 4, 32, 256),
    (8, 4, 8, 8, 64), (8, 4, 8, 16, 128), (8, 8, 8, 32, 128), (32, 8, 8, 32, 256),
)  # fmt: skip
LANES = 32
FEEDING = ("buffer", "decoder", "drain", "argmax")


def row(rows: int, columns: int, bits: int, vector_lanes: int, port: int) -> tuple[str, ...]:
    found = silicon.cells_mm2(rows, LANES, columns, vector_lanes, port, bits)
    total, macs = sum(found.values()), rows * LANES * columns
    feeding, vector = sum(found[name] for name in FEEDING), found["vector"]
    shares = (vector, feeding, total - found["tile"] - feeding - vector, total - found["tile"])
    return (
        f"{rows} x {LANES} x {columns}", f"{macs:,}", str(bits), str(vector_lanes), str(port), f"{macs / found['tile']:,.0f}",
        *(f"{part / total:.0%}" for part in shares),
    )  # fmt: skip


def table() -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    return HEAD, [row(*core) for core in CORES]
