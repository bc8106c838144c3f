"""Results on disk: Parquet, each file whole or not there at all; and the shards that an interrupted run leaves."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from ..version import code
from ..workload.fetch import cache_folder
from .problem import Problem
from .screen import NearMiss, Unit

if TYPE_CHECKING:  # half a second to import: only those who write files pay
    import pyarrow as pa

# What prices a design, beside its study.
PRICES = ("chip", "data", "families", "formats", "formulas", "search", "tech", "workload", "tables.py", "units.py")
NOT_IN_PRICES = ("data/studies", "data/text", *(f"families/tensor/{part}" for part in ("rtl", "kernels", "lower")))


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A temporary file beside `path` that takes its place only when the block ends well."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise InputError(f"{path.parent}: cannot be written: {error.strerror} (try another --out)") from None
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def writable(folder: Path) -> None:
    """Raises InputError where files cannot be written to `folder`; leaves nothing behind but the folder."""
    with whole(folder / ".probe"):
        pass
    (folder / ".probe").unlink()


def write_text(path: Path, text: str) -> None:
    with whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


class Shards:
    """Finished units of one run, by number; the run is named by its study's content and by what prices designs: a unit
    of other code or facts is none of it."""

    def __init__(self, problem: Problem, folder: Path | None = None) -> None:
        root = folder or cache_folder() / "runs"
        self.problem = problem
        self.folder = root / f"{problem.study.key()}-{code(PRICES, NOT_IN_PRICES)}"

    def load(self, number: int) -> Unit | None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = self._path(number)
        if not path.exists():
            return None
        try:
            return from_table(pq.read_table(path))
        except (OSError, pa.ArrowException, KeyError, ValueError):
            return None  # a damaged shard is priced again

    def save(self, number: int, unit: Unit) -> None:
        with suppress(FileNotFoundError):  # another run of the same study has just ended, and cleared
            write_parquet(self._path(number), unit, self.problem)

    def clear(self) -> None:
        """The run has ended: its result is elsewhere."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, number: int) -> Path:
        return self.folder / f"unit-{number:06d}.parquet"


def write_parquet(path: Path, unit: Unit, problem: Problem) -> None:
    import pyarrow.parquet as pq

    with whole(path) as temporary:
        pq.write_table(to_table(unit, problem), temporary)


def to_table(unit: Unit, problem: Problem) -> pa.Table:
    """The front as columns, one a variable and one an objective; the counts as metadata."""
    import pyarrow as pa

    columns = dict(zip((f"gene.{n}" for n in problem.space.names), unit.genomes, strict=True))
    columns |= dict(zip(problem.objectives, np.asarray(unit.points, np.float64).T, strict=True))
    meta = {
        "evaluations": unit.evaluations, "feasible": unit.feasible, "killed": unit.killed,
        "near": {n: [m.genome.tolist(), m.ratio, m.usd_per_mtoken] for n, m in unit.near.items()},
        "nearest": None if unit.nearest is None else [unit.nearest[0], unit.nearest[1].tolist()],
    }  # fmt: skip
    return pa.table(columns).replace_schema_metadata({"sartor": json.dumps(meta)})


def from_table(found: pa.Table) -> Unit:
    meta = json.loads(found.schema.metadata[b"sartor"])
    genes = [c for c in found.column_names if c.startswith("gene.")]
    points = [c for c in found.column_names if c not in genes]
    near = {n: NearMiss(n, np.array(g, np.uint8), ratio, usd) for n, (g, ratio, usd) in meta["near"].items()}
    nearest = meta["nearest"] and (meta["nearest"][0], np.array(meta["nearest"][1], np.uint8))
    return Unit(
        np.stack([found[c].to_numpy() for c in genes]).astype(np.uint8),
        np.stack([found[c].to_numpy() for c in points], axis=1),
        meta["evaluations"], meta["feasible"], meta["killed"], near, nearest,
    )  # fmt: skip
