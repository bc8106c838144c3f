"""Put the errors of the estimates on record: sartor/data/measured/errors.csv, docs/trust.md and its plots,
and the points that reports plot.

    python benchmarks/trust.py [--facts] [--gemm FILE] [--points FILE] [--runs DIR] [--operators WHEEL_OR_FOLDER]
                               [--batches FILE...] [--energy FOLDER]

Held out: each row predicted by figures fitted without the rows like it (sartor/validation/gpu_folds.py). `--gemm`: a
table of GEMM latencies, `--points`: one of serving points, `--runs`: a folder with serving_logs and serving_layers,
`--operators`: aiconfigurator-core's tables of operators (operators.py), `--batches`: whole requests (batches.py),
`--energy`: services' joules (service_energy.py); they do not come with the package, and without them their errors stay
as they are on record.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "docs"))
sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))

import batches
import beside
import generate
import gpu_facts
import operators
import service_energy
import trust
import trust_plots
import vl_convert

from sartor.validation import KINDS, validation
from sartor.validation.gpu_fit import by_generation
from sartor.validation.gpu_folds import held_out
from sartor.validation.gpu_rows import fittable
from sartor.validation.kind import Row
from sartor.validation.left_out import FILE as POINTS
from sartor.validation.points import POOLS
from sartor.validation.points_alike import chip_of
from sartor.validation.points_fit import FITTED_CHIPS, pairs, points_on
from sartor.validation.points_split import splits
from sartor.validation.record import FILE, Recorded, by_chip, by_quantity, on_record, records, written
from sartor.validation.serving import on_file
from sartor.validation.sets import FITTED, parted, recorded
from sartor.validation.summary import Pair

BESIDE = ("h200-sxm", "h100-sxm")  # of one generation
ROOT = Path(__file__).parents[1]
PUBLIC = (*batches.WORDS, service_energy.FIRST)  # how names of groups begin that others' whole steps and joules have
OURS_TOO = ("h100-sxm", "bf16")  # of tables: our own measurements speak of them too


def gpu(gemms: Path | None, wheel: Path | None) -> tuple[list[Recorded], list[Pair]]:
    """Records of kind `gpu`, and the held-out pairs."""
    rows = fittable()
    held = held_out(rows, "hopper").pairs(rows, KINDS["gpu"].labels)
    found = records("gpu", "held_out", held) + records("gpu", "fitted", validation("gpu").pairs)
    before = [one for one in on_record().values() if one.kind == "gpu"]
    stacks = [one for one in before if one.group.startswith(operators.FIRST)]
    found += tables(gemms) if gemms else [one for one in before if "-sxm" in one.group and one not in stacks]
    return found + (operators.records(wheel) if wheel else stacks), held


def tables(gemms: Path) -> list[Recorded]:
    """GEMMs of serving stacks, shapes left out, and what other figures say of them."""
    rows = fittable(gemms)
    found = by_pytorch(rows)
    for generation, others in by_generation(rows).items():
        whole = held_out(others, generation, gpu_facts.EVERY)
        found += by_chip("gpu", "held_out", whole.pairs(others, KINDS["gpu"].labels))
    return found + sheet_alone(rows)


def by_pytorch(rows: Sequence[Row]) -> list[Recorded]:
    """The H100's GEMMs in 16 bits by the figures of PyTorch's kernels there: another program on the same chip."""
    ours = [r for r in rows if tuple(KINDS["gpu"].labels(r.inputs).values())[1:3] == OURS_TOO]
    pairs = operators.pairs([replace(r, inputs={**r.inputs, "called": False}) for r in ours])
    return [replace(one, group=f"{one.group} by pytorch") for one in by_chip("gpu", "unseen", pairs)]


def sheet_alone(rows: Sequence[Row]) -> list[Recorded]:
    """GEMMs of chips of other generations by their data sheets and Hopper's figures: what a new GPU may expect."""
    rows = [r for r in rows if KINDS["gpu"].labels(r.inputs)["format"] in ("bf16", "fp8-e4m3")]
    rows = [r for r in rows if KINDS["gpu"].labels(r.inputs)["chip"] != OURS_TOO[0]]
    pairs = operators.pairs(rows, operators.by_hopper())
    return [replace(one, group=f"{one.group} by hopper") for one in by_chip("gpu", "unseen", pairs)]


def serving(points: Path | None, runs: Path | None) -> list[Recorded]:
    """Records of kind `serving`: measured points, and recorded runs."""
    before = [one for one in on_record().values() if one.kind == "serving"]
    of_runs = [one for one in before if one.group.startswith("runs ")]
    found = points_records(points) if points else [one for one in before if one not in of_runs]
    return found + (on_file(runs / "serving_logs", runs / "serving_layers") if runs else of_runs)


def points_records(points: Path) -> list[Recorded]:
    """On chips that were fitted to, with models, architectures, stacks and chips left out, and on chips never fitted
    to."""
    rows = points_on(points, ())
    fitted = [row for row in rows if chip_of(row) in FITTED_CHIPS]
    unseen = [row for row in rows if chip_of(row) not in FITTED_CHIPS]
    return [
        *splits(fitted, unseen), *by_quantity("serving", "fitted", pairs(fitted)),
        *by_quantity("serving", "unseen", pairs(unseen)),
        *by_quantity("serving", "unseen", pairs(points_on(points, (), POOLS.name)), "pools "),
        *beside.records(points, *BESIDE),
    ]  # fmt: skip


def public(files: list[Path] | None, folder: Path | None) -> list[Recorded]:
    """Records of whole requests and of services' joules: of what is given, and of the rest as they were."""
    before = [one for one in on_record().values() if one.group.startswith(PUBLIC)]
    requests = batches.records(files) if files else [one for one in before if one.group.startswith(batches.WORDS)]
    joules = service_energy.records(folder) if folder else [one for one in before if one not in requests]
    return requests + [one for one in joules if one.group.startswith(service_energy.FIRST)]


def draw(held: list[Pair]) -> None:
    """The plots of time and of energy."""
    for quantity, title, unit in (("latency", "Time", "s"), ("energy", "Energy", "J")):
        pairs = [p for p in held if p.quantity == quantity]
        name = {"latency": "trust-gpu-time", "energy": "trust-gpu-energy"}[quantity]
        spec = trust_plots.spec(pairs, f"{title} on the H100, held out: {len(pairs)} rows", unit)
        svg = vl_convert.vegalite_to_svg(spec)
        (ROOT / f"docs/pictures/{name}.svg").write_text(svg, encoding="utf-8")


def draw_facts() -> None:
    """The plots of rows that no figure was fitted to; of a kind that has none, of all."""
    for name, (kind, quantity, title, unit) in trust_plots.PLOTS.items():
        fitted, unseen = parted(kind)
        pairs = [p for p in unseen or fitted if p.quantity == quantity]
        spec = trust_plots.spec(pairs, f"{title}, {'unseen' if unseen else 'all'}: {len(pairs)} rows", unit)
        (ROOT / f"docs/pictures/{name}.svg").write_text(vl_convert.vegalite_to_svg(spec), encoding="utf-8")


def write_points(held: list[Pair]) -> None:
    """What reports plot: predictions over measurements that no figure was fitted to, and of rows that figures were
    fitted to where they are (validation/left_out.py); serving points are not ours to pass on."""
    file = Path(str(files("sartor.data").joinpath(POINTS)))
    rows = [("gpu", _group(p, p.labels["kind"]), p, p.where) for p in held]
    rows += [(kind, _group(p, kind), p, "") for kind in FITTED for p in parted(kind)[1]]
    kept = [] if held else [line for line in file.read_text(encoding="utf-8").splitlines() if line.startswith("gpu,")]
    found = [
        f"{kind},{group},{p.measured:.4g},{p.predicted / p.measured:.6g},{where},{p.quantity}"
        for kind, group, p, where in rows
    ]
    file.write_text("\n".join(("kind,group,measured,ratio,where,quantity", *kept, *found)) + "\n", encoding="utf-8")


def _group(pair: Pair, first: str) -> str:
    return first if pair.quantity in ("latency", first) else f"{first} {pair.quantity}"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--gemm", type=Path, help="a table of GEMM latencies")
    parser.add_argument("--points", type=Path, help="a table of serving points")
    parser.add_argument("--runs", type=Path, help="a folder with serving_logs and serving_layers")
    parser.add_argument("--operators", type=Path, help="the wheel of aiconfigurator-core, or its folder systems/data")
    parser.add_argument("--batches", type=Path, nargs="+", help="files of batches of requests")
    parser.add_argument("--energy", type=Path, help="a folder of services' joules")
    parser.add_argument("--facts", action="store_true", help="only the kinds that need no long fit: `gpu` stays")
    given = parser.parse_args()
    if given.facts:
        found, held = [one for one in on_record().values() if one.kind not in (*FITTED, "serving")], []
    else:
        found, held = gpu(given.gemm, given.operators)
    found += serving(given.points, given.runs)
    found = [one for one in found if not one.group.startswith(PUBLIC)] + public(given.batches, given.energy)
    found += [one for kind in FITTED for one in recorded(kind)]
    Path(str(files("sartor.data").joinpath(FILE))).write_text(written(found), encoding="utf-8")
    on_record.cache_clear()
    if held:
        draw(held)
    draw_facts()
    trust_plots.main()
    write_points(held)
    (ROOT / "docs/trust.md").write_text(trust.page(generate.MADE), encoding="utf-8")
    print(f"written: {len(found)} groups")
    return 0


if __name__ == "__main__":
    sys.exit(main())
