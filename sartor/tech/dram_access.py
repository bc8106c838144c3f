"""Clocks of reads in one pseudo channel of a DRAM, in closed form; arrays or floats.

A controller with an open page, first ready first, holds `entries` accesses in arrival order and serves row hits ahead.
A *chunk* is so many accesses one after the other. The mapping says where they go, lowest address bits first:

    page    columns, bank groups, banks      bgil   bank groups, columns, banks
    badrow  columns, rows of the same bank   bank   bank groups, banks, columns

Each time below is the longest of what bounds it: the data bus, activations (tRRD, tFAW), the command bus, banks that
come round again, and accesses that wait for their row in a queue that is too short. Bounds near each other add up: a
norm with exponent `SOFT`, or `HARD` where one waits for the other without chance. All follows from timings but ten
figures, which were read off simulated runs (docs/validation-method.md says which): the four here, `OTHER_ROW` in
`dram_mix.py`, `TWO_STREAMS` and `CHANCE` in `dram_rounds.py`, `ONE_MORE`, `SHORT` and `FULLEST` in `dram_streams.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .dram_timings import Timings

MAPPINGS = ("page", "bgil", "bank", "badrow")
LONG = 2.0**20  # accesses of a stream without end
SOFT, HARD = 4.5, 12.0
IN_FLIGHT = 2.0  # accesses that left the queue for their row to open, or wait before it
RAMP = 0.25  # of the activations that outlast the queue


def norm(exponent: float, *bounds: Any) -> Any:
    """A smooth maximum.

    >>> round(float(norm(12.0, 3.0, 4.0)), 2)
    4.01
    """
    return sum(np.maximum(b, 1e-9) ** exponent for b in bounds) ** (1 / exponent)


def ways(t: Timings, mapping: str) -> Any:
    """Banks over which neighboring accesses go round."""
    return {"page": 1, "bgil": t.groups, "bank": t.groups * t.banks, "badrow": 1}[mapping]


def places(t: Timings, mapping: str) -> Any:
    """Sets of banks of which a chunk takes one."""
    return t.groups * t.banks / ways(t, mapping)


def chunk_clocks(
    t: Timings, mapping: str, chunk: Any, entries: Any, follows: bool = False, at_once: Any = True
) -> Any:
    """Of one chunk of many. It starts in a random row of a random bank or, if it `follows`, where the last ended.
    `at_once`: its accesses arrive one after another, and not among those of others.

    LPDDR5, 64 accesses of a row each: 128 clocks of the bus.
    >>> from .dram_timings import device
    >>> float(chunk_clocks(device("lpddr5-6400"), "page", 64.0, 64, follows=True).round(1))
    128.0
    """
    chunk = np.asarray(chunk, float)
    rows = np.minimum(chunk, ways(t, mapping))  # opened side by side
    sets, even = _sets(t, chunk, rows, at_once & (mapping != "bank"))
    run = chunk / (rows * sets)  # accesses of each
    bus = commands(t, rows, rows * run)
    work = {"page": _page, "badrow": _same_bank, "bgil": _striped, "bank": _all_banks}[mapping]
    one, between = work(t, rows, run, entries + IN_FLIGHT)
    if mapping == "bank":
        early = at_once & (rows >= ways(t, mapping)) & _one_by_one(t, run, entries + IN_FLIGHT)
        free = _each_once(t, rows, run, entries + IN_FLIGHT)
        one, between = np.where(early, free, one), np.where(early, free, between)
    one, between = np.maximum(one, bus), np.maximum(between, bus)
    return np.where(follows | even, sets * between, (sets - 1) * between + one)


def _sets(t: Timings, chunk: Any, rows: Any, aligned: Any) -> tuple[Any, Any]:
    """Of rows that a chunk is in, in the mean, where it starts at a multiple of its length; and whether they are of an
    even number: then it ends in other banks than the next starts in."""
    size = rows * t.columns
    shared = np.gcd(np.rint(np.minimum(chunk, LONG)).astype(int), np.rint(size).astype(int))
    return np.maximum((chunk + np.where(aligned, size - shared, 0)) / size, 1), aligned & (
        chunk % (2 * size) == 0
    )


def commands(t: Timings, rows: Any, accesses: Any) -> Any:
    """Clocks of the command bus: of rows opened and closed, and of accesses where they share it."""
    own = rows * t.row_command
    return np.where(t.shared_bus, own + accesses * t.column_command, own * t.pseudo_channels)


def alternating(t: Timings, run: Any, entries: Any) -> Any:
    """Rows of one bank each, in a new bank group each: the next row's accesses fill the gaps of `same_group` as far
    as the queue looks ahead.

    `ahead` is what the next row has had when this one is done. With `run - ahead` left at the start of a row, the next
    one enters the queue when all but `entries` of its own and the row before's are served, and is open `reopen` later.
    """
    ahead = np.minimum((entries + run - 2 * t.reopen / t.same_group) / 3, entries - t.reopen / t.same_group)
    # Short rows wait side by side: each of those in the queue opens while the others do.
    waits = np.where(
        run < entries, t.reopen * run / entries - t.same_group * run, t.reopen - t.same_group * entries
    )
    late = np.where(ahead <= 0, np.maximum(waits, 0), 0)
    ahead = np.clip(ahead, 0, run * (1 - t.burst / t.same_group))
    return np.maximum(t.same_group * (run - ahead) + late, run * t.burst)


def bank_clocks(t: Timings, run: Any) -> Any:
    """One bank: a row opened, read and closed."""
    return np.maximum(t.row_cycle, t.reopen + t.read_precharge + (run - 1) * t.same_group)


def _page(t: Timings, rows: Any, run: Any, entries: Any) -> tuple[Any, Any]:
    banks = t.groups * t.banks
    apart = alternating(t, run, entries)
    alone = t.groups ** -np.maximum(entries / run, 1.0)  # all chunks in the queue are of one bank group
    mixed = (1 - alone) * apart + alone * np.maximum(t.same_group * run, apart)
    busy = banks * (1 - (1 - 1 / banks) ** (entries / run + 1))  # banks that have a chunk
    many = norm(HARD, norm(SOFT, mixed, t.spacing), bank_clocks(t, run) / busy)
    # With no more than the next chunk in the queue, now and then that is of the same bank.
    few = mixed + np.maximum(bank_clocks(t, run) - t.same_group * run, 0) / banks
    one = np.where(entries < 2 * run, np.maximum(few, t.spacing), many)
    return one, norm(HARD, apart, t.spacing)


def _same_bank(t: Timings, rows: Any, run: Any, entries: Any) -> tuple[Any, Any]:
    return _page(t, rows, run, entries)[0], bank_clocks(t, run)


def _waiting(t: Timings, accesses: Any, entries: Any) -> Any:
    """The bus, or a queue whose accesses all wait for rows."""
    short = accesses * t.burst + np.maximum(t.reopen - entries * t.burst, 0)
    return np.where(accesses <= entries, np.maximum(accesses * t.burst, accesses * t.reopen / entries), short)


def _recurring(t: Timings, rows: Any, run: Any, entries: Any) -> Any:
    """Sets of banks drawn at random: as long as all would take side by side, and half the wait of a closed queue."""
    sets = t.groups * t.banks / rows
    return bank_clocks(t, run) / sets * (1 + (sets - 1) / (2 * np.maximum(entries / (rows * run), 1)))


def _striped(t: Timings, rows: Any, run: Any, entries: Any) -> tuple[Any, Any]:
    accesses = rows * run
    bus, opened = _waiting(t, accesses, entries), rows * t.spacing
    hidden = t.burst * (np.minimum(entries, t.groups) + np.maximum(entries - accesses, 0))
    conflict = np.maximum(t.reopen + t.read_precharge - hidden, 0) * rows / (t.groups * t.banks)
    sets = t.groups * t.banks / rows
    held = np.maximum(t.row_cycle, t.reopen + t.read_precharge + accesses * t.burst)
    busy = sets * (1 - (1 - 1 / sets) ** (entries / accesses + 1))
    many = norm(HARD, norm(SOFT, accesses * t.burst, held / busy), opened)
    one = np.where(accesses > entries, norm(HARD, bus + conflict, opened), many)
    return one, norm(HARD, bus, opened)


def _all_banks(t: Timings, rows: Any, run: Any, entries: Any) -> tuple[Any, Any]:
    banks, accesses = t.groups * t.banks, rows * run
    opened = rows * t.spacing
    # Every bank turns to its next row; the first can begin one round before the last access.
    turn = np.maximum(t.reopen + t.read_precharge - t.burst * np.minimum(entries, banks), 0)
    turn = turn + RAMP * np.maximum(banks * t.spacing - entries * t.burst, 0)
    between = norm(HARD, accesses * t.burst + turn, opened)
    few = norm(SOFT, _waiting(t, accesses, entries), norm(HARD, opened, _recurring(t, rows, 1, entries)))
    return np.where(rows < banks, few, between), between


def _each_once(t: Timings, rows: Any, run: Any, entries: Any) -> Any:
    """Each bank once a chunk; what the queue lets through has waited for its row."""
    queued = rows * run * t.reopen / entries
    return norm(HARD, rows * run * t.burst, rows * t.spacing, bank_clocks(t, run), queued)


def _one_by_one(t: Timings, run: Any, entries: Any) -> Any:
    """Whether a bank is done before the next is open: then they turn to their next rows one after another, and no bank
    waits for the others. The queue must hold its accesses of all rounds."""
    return ((run - 1) * t.burst < t.spacing) & ((run - 1) * t.groups * t.banks < entries)
