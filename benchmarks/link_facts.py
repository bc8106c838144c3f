"""Fit the two ways of an all-reduce on NVLink to measured ones and write them to sartor/data/links.csv.

    python benchmarks/link_facts.py SYSTEMS

SYSTEMS: the folder `systems/data` of aiconfigurator-core 0.12.0, with SYSTEM/comm/trtllm/VERSION/*.parquet. Their
column `message_size` counts elements, of 2 bytes each: so do the programs that measured them, and NCCL's rates that are
known from elsewhere would be halved otherwise.
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections import defaultdict
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from sartor.tables import data_text, table
from sartor.tech.link import switched_all_reduce_s
from sartor.units import to

SYSTEMS = {"nvlink3": "a100_sxm", "nvlink4": "h100_sxm", "nvlink5": "b200_sxm"}
FIGURES = {"direct_start": 4e-6, "direct_efficiency": 0.6, "spread_start": 30e-6, "spread_efficiency": 0.7}
PATTERN = "comm/trtllm/*/custom_allreduce_perf.parquet"
CHIPS = (2, 4, 8)
ELEMENT_BYTES = 2.0
OUTLIER, RANGE = 0.1, 0.15
SOURCE = (
    "aiconfigurator-core 0.12.0: all-reduce of TensorRT-LLM on 2, 4 and 8 {chip}, 256 B to 1 GB, median over versions; "
    "least squares, {off:.0%} off in the middle"
)


def measured(versions: Iterable[Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Chips, bytes and seconds, the median over `versions` of a table."""
    found: dict[tuple[int, int], list[float]] = defaultdict(list)
    for version in versions:
        for row in version.to_pylist():
            if row["num_gpus"] in CHIPS and row["allreduce_dtype"] in ("bfloat16", "half", "float16"):
                found[row["num_gpus"], row["message_size"]].append(row["latency"] * 1e-3)
    chips, elements = np.array(list(found), float).T
    return chips, elements * ELEMENT_BYTES, np.array([np.median(some) for some in found.values()])


def fitted(link: str, folder: Path) -> tuple[dict[str, float], float]:
    """The figures of `link`, and the median error."""
    import pyarrow.parquet
    from scipy.optimize import least_squares

    chips, n_bytes, seconds = measured(pyarrow.parquet.read_table(file) for file in folder.glob(PATTERN))
    rate = table("links").fact(link, "bandwidth").value

    def off(logs: np.ndarray) -> np.ndarray:
        return np.log(switched_all_reduce_s(n_bytes, chips, rate, *np.exp(logs)) / seconds)

    found = least_squares(off, np.log(list(FIGURES.values())), loss="soft_l1", f_scale=OUTLIER)
    return dict(zip(FIGURES, np.exp(found.x).tolist(), strict=True)), float(np.median(np.abs(np.expm1(off(found.x)))))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("systems", type=Path)
    root, old = parser.parse_args().systems, list(csv.DictReader(data_text("links.csv").splitlines()))
    new = {}
    for link, system in SYSTEMS.items():
        values, off = fitted(link, root / system)
        said = {"kind": "derived", "source": SOURCE.format(chip=system.replace("_", "-"), off=off)}
        for name, value in values.items():
            unit = table("links").fact(link, name).unit
            ends = (value, (1 - RANGE) * value, (1 + RANGE) * value)
            texts = (f"{to(v, unit):.4g}" for v in ends)
            new[link, name] = {**dict(zip(("value", "low", "high"), texts, strict=True)), **said}
    text = io.StringIO()
    out = csv.DictWriter(text, list(old[0]), lineterminator="\n")
    out.writeheader()
    out.writerows({**row, **new.get((row["item"], row["quantity"]), {})} for row in old)
    Path(str(files("sartor.data").joinpath("links.csv"))).write_text(text.getvalue(), encoding="utf-8")
    print(f"written: {len(new)} figures")
    return 0


if __name__ == "__main__":
    sys.exit(main())
