"""Sums by table and by multipliers, by width of tables, activations and weights: parts of silicon_formats.py.

`mac b a=A`: the dot product of 32 codes of b bits and values of A bits. `lut p a=A mu=M`: p planes read from tables of
M values, `tables a=A mu=M`: those. Where nothing is said values have 8 bits and tables four of them. Values are normal,
the largest of 32 near the end of the scale; 24 bits are for mantissas that are aligned, as FIGLUT-I does.

`half mac`, `half plane`, `half reads`, `half tables`: the same for 8 activations in binary16 (half_float.py), at half
of the clock: with multipliers, with an adder for each sign of a plane, with one for each read of four, and the tables.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from half_float import BITS, FloatTables, HalfDot, HalfReads

from sartor.api.cells import RUNS, as_words, normal_codes, ones, random_bits, table_words
from sartor.families.tensor.core import GROUP
from sartor.flow import Simulator
from sartor.rtl.dot import DotProduct
from sartor.rtl.lut import MU, VALUE_BITS, HalfTables, PlaneSums

Fill = Callable[[Simulator, np.random.Generator], None]
ACTIVATIONS = (4, 8, 12, 16, 24)
WIDTHS = (2, 3, 4, 5, 6)


@dataclass(frozen=True)
class Part:
    design: Callable[[], Any]
    fill: Fill
    slower: int = 1  # periods of the library's clock that it has


def values_of(bits: int, *others: str) -> Fill:
    """New values; random bits at `others`."""

    def fill(simulator: Simulator, rng: np.random.Generator) -> None:
        if "enable" in simulator.netlist.inputs:
            ones(simulator, "enable")
        random_bits(simulator, rng, *others)
        simulator.set("values", normal_codes(rng, GROUP, bits))

    return fill


def tables_of(bits: int, mu: int) -> Fill:
    """New keys and new tables."""

    def fill(simulator: Simulator, rng: np.random.Generator) -> None:
        random_bits(simulator, rng, "keys")
        simulator.set("tables", table_words(rng, bits, mu))

    return fill


def name(part: str, bits: int = VALUE_BITS, mu: int = MU) -> str:
    """Of a part, as its row has it.

    >>> name("lut 4"), name("lut 4", 16, 2), name("lut tables", mu=6)
    ('lut 4', 'lut 4 a=16 mu=2', 'lut tables mu=6')
    """
    return part + f" a={bits}" * (bits != VALUE_BITS) + f" mu={mu}" * (mu != MU)


def slower(bits: int, mu: int = MU) -> int:
    """Long sums, and reads of large tables, have half of the clock, as what they are held against."""
    return 1 + (bits > VALUE_BITS or mu > MU)


def mac(planes: int, bits: int) -> Part:
    design = DotProduct(code_bits=planes, value_bits=bits, structural=True)
    return Part(lambda: design, values_of(bits, "codes"), slower(bits))


def reads(planes: int, bits: int, mu: int) -> Part:
    return Part(lambda: PlaneSums(planes, mu=mu, value_bits=bits), tables_of(bits, mu), slower(bits, mu))


def tables(bits: int, mu: int) -> Part:
    return Part(lambda: HalfTables(GROUP, mu, bits), values_of(bits), slower(bits, mu))


def parts() -> dict[str, Part]:
    """All planes where tables or values are as in the tile; one and four elsewhere, between which areas are lines."""
    found = {name(f"mac {p}", bits): mac(p, bits) for bits in ACTIVATIONS for p in (1, 2, 3, 4)}
    for bits in ACTIVATIONS:
        for mu in WIDTHS:
            if bits in (12,) and mu != MU:
                continue
            found[name("lut tables", bits, mu)] = tables(bits, mu)
            for p in (1, 2, 3, 4) if mu == MU else (1, 4):
                found[name(f"lut {p}", bits, mu)] = reads(p, bits, mu)
    halves = {"mac": HalfDot(), "plane": HalfDot(1), "reads": HalfReads(), "tables": FloatTables()}
    found |= {f"half {kind}": Part(lambda part=part: part, halves_of, 2) for kind, part in halves.items()}
    return found


def halves_of(simulator: Simulator, rng: np.random.Generator) -> None:
    """Normal binary16 numbers at all ports but the keys: in tables sums of four."""
    for port, bits in simulator.netlist.inputs.items():
        if port == "keys":
            random_bits(simulator, rng, port)
        elif port in ("values", "weights", "tables"):
            numbers = rng.normal(0, 2 if port == "tables" else 1, (len(bits) // BITS, RUNS)).astype(np.float16)
            simulator.set(port, as_words(numbers.view(np.uint16).astype(np.int64), BITS))
