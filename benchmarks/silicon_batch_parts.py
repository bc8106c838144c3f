"""Parts of silicon_formats.py that a batch makes larger, by the columns of the tile: what the host says of each one's
sequence, and the search for the largest logit.

`sequences c=N`: position, cache and row of N sequences, of which one has its turn: a new one in every cycle, where a
core of N columns has one in thousands. `argmax c=N`: the largest logit of each of N sequences, 8 results a cycle, one
sequence after the other; normal logits, as those of a model are.
"""

from __future__ import annotations

import numpy as np
from silicon_tables_parts import Fill, Part

from sartor.api.cells import RUNS, as_words, ones, random_bits
from sartor.families.tensor.core import Core
from sartor.families.tensor.rtl.argmax import Argmax
from sartor.families.tensor.rtl.sequences import Sequences
from sartor.flow import Simulator, to_words

COLUMNS, LANES = (1, 4, 16), 8


def turns(columns: int) -> Fill:
    """Any sequence is next."""

    def fill(simulator: Simulator, rng: np.random.Generator) -> None:
        ones(simulator, "select")
        random_bits(simulator, rng, "write_data")
        chosen = rng.integers(0, columns, RUNS)
        simulator.set("select_index", to_words(chosen, len(simulator.netlist.inputs["select_index"])))

    return fill


def logits(columns: int) -> Fill:
    """New ones in every cycle."""

    def fill(simulator: Simulator, rng: np.random.Generator) -> None:
        ones(simulator, "valid")
        simulator.set("columns", to_words(np.full(RUNS, columns), len(simulator.netlist.inputs["columns"])))
        numbers = rng.normal(0, 1, (LANES, RUNS)).astype(np.float32)
        simulator.set("results", as_words(numbers.view(np.uint32).astype(np.int64), 32))

    return fill


def batch_parts() -> dict[str, Part]:
    found = {f"sequences c={n}": Part(lambda n=n: Sequences(n), turns(n)) for n in COLUMNS}
    cores = {n: Core(rows=LANES, lanes=32, columns=n, vector_lanes=LANES, port_bytes=64) for n in COLUMNS}
    return found | {f"argmax c={n}": Part(lambda core=core: Argmax(core), logits(n)) for n, core in cores.items()}
