"""Timings of DRAM devices: the one source that the estimate, the harness of the RTL and the validation share.

`sartor/data/dram.csv`, a device a line; its columns are those of `Timings`, in clocks of `clock_ps`.
"""

from __future__ import annotations

import csv
import functools
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from ..errors import BrokenFile, UnknownName
from ..tables import data_text
from ..units import factor


@dataclass(frozen=True)
class Timings:
    """One channel; each a float, or an array of devices. Times in clocks.

    `burst` is the time of one access of `burst_bytes` on the data bus; `same_group` between two of one bank group,
    `same_group_write` of writes (DDR5 reads what it corrects first);
    `act_act` between activations, `four_act` of any five; a row takes `act_read` (`act_write`) to open, `precharge` to
    close, and no less than `row_cycle` in all. `row_command` is what activation and precharge take of the command bus,
    `column_command` what an access takes, where it is the same bus (`shared_bus`); where not, pseudo channels share
    the bus of rows.
    """

    clock_s: Any
    burst: Any
    same_group: Any
    same_group_write: Any
    act_act: Any
    four_act: Any
    row_cycle: Any
    act_read: Any
    act_write: Any
    precharge: Any
    read_precharge: Any
    read_write: Any
    write_latency: Any
    write_read: Any
    write_recovery: Any
    refresh: Any
    refresh_interval: Any
    bank_refresh: Any
    bank_refresh_interval: Any
    groups: Any
    banks: Any  # of a group
    columns: Any  # accesses of a row
    burst_bytes: Any
    pseudo_channels: Any
    stacked: Any  # dies that share a pseudo channel
    row_command: Any
    column_command: Any
    shared_bus: Any

    @property
    def spacing(self) -> Any:
        """Clocks from one activation to the next, in the long run."""
        return np.maximum(self.act_act, self.four_act / 4)

    @property
    def reopen(self) -> Any:
        """Clocks from closing a row to reading the next."""
        return self.precharge + self.act_read

    @property
    def peak_bytes_per_s(self) -> Any:
        """Of the channel."""
        return self.pseudo_channels * self.burst_bytes / (self.burst * self.clock_s)


# Fixed in clocks or in number; the others are fixed in time, so that they are more clocks of a faster device.
_COUNTED = ("burst", "same_group", "same_group_write", "groups", "banks", "columns", "burst_bytes", "pseudo_channels",
            "stacked", "row_command", "column_command", "shared_bus")  # fmt: skip
# JESD79-4 and -5 fix the time between accesses of one bank group (5 ns and more), not below a burst.
_TIMED_GROUPS, _OF_A_GROUP = ("ddr4", "ddr5"), ("same_group", "same_group_write")


@functools.cache
def devices() -> Mapping[str, Timings]:
    """By name, such as `hbm3-6400`."""
    return {name: _whole(timings) for name, _, timings in _rows()}


@functools.cache
def of_memory() -> Mapping[str, Timings]:
    """By the memory of `memories.csv` that the device stands for."""
    return {memory: _whole(timings) for _, memory, timings in _rows() if memory}


def device(name: str) -> Timings:
    """The device `name`, FAMILY-RATE; at another rate of a known family its times stay and its clock changes.

    >>> device("HBM3-6400") == devices()["hbm3-6400"], round(device("HBM3-5200").peak_bytes_per_s / 1e9, 1)
    (True, 41.6)
    """
    known, wanted = devices(), name.lower()
    if wanted in known:
        return known[wanted]
    family, _, rate = wanted.partition("-")
    alike = [other for other in known if other.partition("-")[0] == family]
    if not alike or not rate.isdigit() or not int(rate):
        raise UnknownName("DRAM device", name, known)
    nearest = min(alike, key=lambda other: abs(int(other.partition("-")[2]) - int(rate)))
    ratio = int(rate) / int(nearest.partition("-")[2])
    unrounded = next(timings for name, _, timings in _rows() if name == nearest)
    return at_rate(unrounded, ratio, _OF_A_GROUP if family in _TIMED_GROUPS else ())


def at_rate(timings: Timings, ratio: float, timed: tuple[str, ...] = ()) -> Timings:
    """`ratio` times as fast: what is fixed in nanoseconds takes more clocks, and `timed` too."""
    scaled = {f.name: getattr(timings, f.name) * ratio for f in fields(Timings) if f.name not in _COUNTED}
    scaled |= {name: max(getattr(timings, name) * ratio, timings.burst) for name in timed}
    return _whole(replace(timings, **scaled | {"clock_s": timings.clock_s / ratio}))


def _whole(timings: Timings) -> Timings:
    """Commands are on clocks: each time takes the next whole number of them."""
    clocks = {f.name: float(np.ceil(getattr(timings, f.name) - 1e-6)) for f in fields(Timings)}
    return replace(timings, **clocks | {"clock_s": timings.clock_s})


@functools.cache
def _rows() -> list[tuple[str, str, Timings]]:
    found = []
    for line, row in enumerate(csv.DictReader(data_text("dram.csv").splitlines()), start=2):
        try:
            numbers = {f.name: float(row[f.name]) for f in fields(Timings) if f.name != "clock_s"}
            clock_s = float(row["clock_ps"]) * factor("ps")
        except (KeyError, TypeError, ValueError) as error:
            raise BrokenFile(f"dram.csv line {line}: {error}") from None
        found.append((row["device"], row["memory"], Timings(clock_s=clock_s, **numbers)))
    return found
