"""Planted bugs in the RTL: every one must be caught by the project's tests.

    python benchmarks/mutation.py [--jobs 2] [--only NAME ...]

Each bug of tests/mutation/bugs.toml is put into a copy of the project, and the tests of its suite run on it; the suites
must pass without it. Exit code 1 where a bug survives. All of it takes about ten minutes on two free cores.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "mutation"))
from mutants import Bug, Verdict, bugs, workshop

LINE = "{:20} {:17} {:12} {:62} {:>5}"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="planted bugs in the RTL and the tests that catch them")
    parser.add_argument("--jobs", type=int, default=2, help="mutants at a time")
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME", help="bugs, blocks or suites")
    options = parser.parse_args(arguments)
    chosen = [b for b in bugs() if not options.only or {b.name, b.block, b.suite} & set(options.only)]
    if not chosen:
        parser.error(f"--only: no bug, block or suite is called {' or '.join(options.only)}")
    print(LINE.format("bug", "block", "suite", "caught by", "s"))
    begin = time.monotonic()
    survivors = [bug.name for bug, verdict in tried(chosen, options.jobs) if not reported(bug, verdict)]
    print(f"{len(chosen)} bugs, {len(chosen) - len(survivors)} caught, {time.monotonic() - begin:.0f} s")
    if survivors:
        print(f"not caught: {', '.join(survivors)}")
    return 1 if survivors else 0


def tried(chosen: list[Bug], jobs: int) -> Iterable[tuple[Bug, Verdict]]:
    """Each bug and what became of it. The originals first: they fill the cache that all share."""
    with workshop() as shop, ThreadPoolExecutor(jobs) as pool:
        suites = sorted({bug.suite for bug in chosen})
        for suite, verdict in zip(suites, map(shop.run_original, suites), strict=True):
            if verdict.caught or verdict.why:
                sys.exit(f"suite {suite} fails without a bug: {verdict.by} {verdict.why}")
        yield from zip(chosen, pool.map(shop.run, chosen), strict=True)


def reported(bug: Bug, verdict: Verdict) -> bool:
    by = verdict.by or (verdict.why and "BROKEN") or "SURVIVES"
    print(LINE.format(bug.name, bug.block, bug.suite, by, f"{verdict.seconds:.0f}"), flush=True)
    if verdict.why and not verdict.caught:
        print(verdict.why)
    return verdict.caught


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
