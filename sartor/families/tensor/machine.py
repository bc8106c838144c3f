"""What the estimate needs of a design, worked out once and used by every phase. One core, in its cycles."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...formats.pair import of_keys, of_values
from ...formats.parts import VALUES
from ...formats.spec import format_named
from ...tech import dram, logic, sram
from ...tech.technology import Technology, rows_of
from . import silicon, sizing
from .core import GROUP
from .cycles_control import FETCH_TO_REQUEST, RESPONSE_TO_WORD
from .datapath import SHORT, datapath_of, mac_j
from .design import FORMATS, Designs
from .memory_stream import MemoryStream, streams
from .passes import LANES, PORTS, Work, unit_of
from .stored import BYTE_BITS, Stored, stored, stored_by_row, widths


@dataclass(frozen=True)
class Machine(MemoryStream):
    """Rates and energies of designs, floats or arrays [designs]."""

    designs: Designs
    sync: Any  # cycles of a barrier, 0 with one core
    weights: Stored
    cache: Stored  # the mean of keys and values
    keys: Stored
    values: Stored
    mix: dict[str, Stored]  # of parts that have their own
    datapath: Any  # row of macs.csv: the multipliers
    multiplier_bits: Any  # of an integer, a cycle
    link_latency_s: Any
    mac_j: Any
    vector_j: Any
    decode_j_per_byte: Any
    number_j: Any  # of a number that becomes a code, beyond its operations
    dram_j_per_byte: Any
    sram_j_per_byte: Any
    link_j_per_byte: Any
    dtype: Any = np.float64
    known: dict[Any, Any] = field(default_factory=dict, repr=False)
    _taken: dict[bytes, tuple[Any, Any, Any]] = field(default_factory=dict, repr=False)
    _beats: dict[int, tuple[Stored, Any]] = field(default_factory=dict, repr=False)

    def stored(self, fixed: str | None, part: str = "") -> Stored:
        """The format that the workload fixes, or the design's own for `part`."""
        if fixed is None:
            return self.mix.get(part, self.weights)
        return stored(format_named(fixed), self.datapath, self.dtype)

    @functools.cached_property
    def values_apart(self) -> Any:
        """How often a layer streams values as a matrix of their own, 0 or 1; None where no design does."""
        d = self.designs
        apart = d.mix.get("attn_qk", d.weights) != d.mix.get(VALUES, d.weights)
        return apart * self.dtype(1) if np.any(apart) else None

    def at(self, work: Work) -> tuple[Any, Any, Any]:
        """Cycles of `work` by element, by column and fixed, of each design's vector unit; worked out once. Of passes
        over no elements the first is None, and of none a column the first two."""
        key = work.tobytes()
        if key not in self._taken:
            rows = work.astype(self.dtype)
            least = next(i for i, row in enumerate((*rows[:2], True)) if np.any(row))
            self._taken[key] = (*[None] * least, *(rows_of(row, self._unit) for row in rows[least:]))  # type: ignore[assignment]
        return self._taken[key]

    def once(self, key: Any, work_out: Callable[[], Any]) -> Any:
        """What phases share, worked out for the first of them."""
        if key not in self.known:
            self.known[key] = work_out()
        return self.known[key]

    @functools.cached_property
    def _unit(self) -> Any:
        return unit_of(self.designs.vector_lanes, self.port_bytes)

    @functools.cached_property
    def most_columns(self) -> Any:
        """Of any of the designs."""
        return np.max(self.designs.columns)

    @functools.cached_property
    def sharing(self) -> Any:
        """Cores that share a chip's vectors; more where a vector unit is wider than any that is generated."""
        return self.designs.cores * np.maximum(self.designs.vector_lanes / LANES[-1], 1)

    @functools.cached_property
    def drain(self) -> Any:
        """Cycles in which the results of a row tile leave, one column: min(rows, vector lanes) a cycle."""
        return np.maximum(self.designs.rows / self.designs.vector_lanes, 1)

    @functools.cached_property
    def dot_units(self) -> Any:
        """Blocks of 32 weights in a beat."""
        return self.designs.rows * self.designs.lanes / GROUP

    @functools.cached_property
    def words_per_bit(self) -> Any:
        """Words in which a beat comes, for each bit of its elements."""
        return self.dot_units * (GROUP / BYTE_BITS) / self.port_bytes

    def beat_cycles(self, form: Stored) -> Any:
        """Cycles of a beat and of its share of the scales; worked out once."""
        if id(form) not in self._beats:
            self._beats[id(form)] = form, self.code_cycles(form) + self.words_per_bit * form.scale_bits
        return self._beats[id(form)][1]

    def code_cycles(self, form: Stored) -> Any:
        """Those of a beat without its scales: a word of low parts or a step of the tile each, and one a word of high
        parts, in which the tile takes nothing (cycles_matrix.beat_cycles)."""
        low = np.maximum(self.words_per_bit * (form.element_bits - form.high_bits), form.steps)
        return low + self.words_per_bit * form.high_bits

    @functools.cached_property
    def value_code_cycles(self) -> Any:
        return self.code_cycles(self.values)

    @functools.cached_property
    def fetched(self) -> Any:
        """From a FETCH to its first word, on a memory that has nothing to do."""
        return self.latency + (FETCH_TO_REQUEST + RESPONSE_TO_WORD) + self.rest_cycles + self.break_cycles

    @functools.cached_property
    def granule(self) -> Any:
        """Tokens by which the cache is read: Core.granule."""
        d, port = self.designs, self.port_bytes
        word = port * np.maximum(0.5, BYTE_BITS / (self.values.element_bits * d.rows))
        return np.maximum(np.maximum(np.maximum(GROUP, d.lanes), np.maximum(d.rows, self.dot_units)), word)


# Formats of keys and of values, by that of the cache.
_KEYS, _VALUES = (np.array([FORMATS.index(of(name)) for name in FORMATS]) for of in (of_keys, of_values))


def prepare(designs: Designs, relative_voltage: Any, tech: Technology) -> Machine:
    """Rates and energies of `designs` at `relative_voltage` (V / Vnom) under the facts of `tech`."""
    d, dtype = designs, tech.dtype
    datapath = datapath_of(d)
    energy = logic.energy_ratio(tech, d.node, relative_voltage)
    cells = energy * tech.fact("overheads", "energy", "cells_factor")
    short = rows_of(SHORT.astype(dtype), d.cache)
    # A core takes a word a cycle; where its share of the bandwidth is wider than any word, the rest is in vain.
    port = np.minimum(sizing.port_bytes(d.bandwidth_bytes_per_s, d.cores, d.clock_hz), PORTS[-1])
    return Machine(
        **streams(tech, d, port),
        designs=d,
        sync=tech.fact("overheads", "pipeline", "sync_cycles") * np.minimum(d.cores - 1, 1),
        weights=stored_by_row(d.weights, datapath, dtype),
        cache=stored_by_row(d.cache, datapath, dtype),
        keys=stored_by_row(rows_of(_KEYS, d.cache), datapath, dtype),
        values=stored_by_row(rows_of(_VALUES, d.cache), datapath, dtype),
        mix={part: stored_by_row(rows, datapath, dtype) for part, rows in d.mix.items()},
        datapath=datapath,
        multiplier_bits=widths(datapath, dtype),
        link_latency_s=tech.column("links", "latency", d.link),
        mac_j=mac_j(tech, datapath, d) * cells,
        vector_j=silicon.vector_j(tech) * cells,
        decode_j_per_byte=silicon.decode_j_per_byte(tech, short) * cells,
        number_j=silicon.number_j(tech) * short * cells,
        dram_j_per_byte=dram.access_j_per_byte(tech, d.memory),
        # Streamed bytes are written to a FIFO and read from it.
        sram_j_per_byte=2 * sram.access_j_per_byte(tech, d.fifo_bytes, energy),
        link_j_per_byte=tech.column("links", "energy", d.link),
        dtype=dtype,
    )
