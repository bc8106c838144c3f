"""Element-wise passes between the large operators: norms, RoPE, activations, casts, copies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...workload.operators import Vector
from ...workload.step import Step
from ...workload.vectors import NORM
from .kernels import vector_s
from .machine import Machine


@dataclass(frozen=True)
class Setting:
    """How kernels are run. Steps: long enough that the clock falls at the power limit, and with activations cast
    to narrow operands. Kernels alone are measured shortly, on operands that are ready."""

    sustained: bool = True
    casts: bool = True
    pads: bool = True  # rows of narrow operands to a multiple of 16
    alone: bool = False  # one kernel over and over: of what ends it, nothing hides behind the next


@dataclass(frozen=True)
class Pass:
    """Kernels a part in prefill and in decode, and the bytes that they load and store a lane operation."""

    prefill: float
    decode: float
    bytes_per_op: float
    shared: bool = False  # done on every chip of a replica alike


# Loads and stores of the kernels that were measured (measuring/torch_model.py), as PyTorch's compiler writes them, of
# elements of 2 bytes; lane operations an element are those of workload/vectors.py. A norm goes over its row twice: it
# reads the vector and the residual for the sum of squares, and both again with the weight, and writes the result and
# the new residual. RoPE reads an element and its partner, a cosine and a sine of 4 bytes each, and writes. A head's own
# norm keeps its row in registers. What softmax scales is in the attention, whose heads come out in the order of tokens.
_PASSES = {
    "norm": Pass(1, 1, 14 / 3, shared=True),
    "qk_norm": Pass(1, 1, 6 / 3),
    "rope": Pass(1, 2, 14 / 2),  # decode: keys and values are copied into the cache
    "activation": Pass(1, 1, 6 / 5),
    "gate": Pass(1, 1, 6 / 4),
    "routing": Pass(3, 3, 2.0, shared=True),
    "index": Pass(6, 6, 2.0, shared=True),  # norm, rope, queries and key quantized, heads weighed, the top chosen
    "ssm": Pass(4, 4, 1.0),
    "delta": Pass(4, 4, 1.0),
    "sample": Pass(1, 1, 2.0),
}


class Passes:
    """Seconds of the passes of one step on one machine."""

    known = frozenset(_PASSES)

    def __init__(self, machine: Machine, chips: Any, step: Step, decode: bool) -> None:
        self.machine, self.chips, self.step, self.decode = machine, chips, step, decode
        self.rates = (machine.near_bytes_per_s, machine.stream_bytes_per_s(16), machine.on_die_bytes)

    def one_s(self, n_bytes: Any) -> Any:
        """One pass over `n_bytes`."""
        return vector_s(n_bytes, 1.0, self._start_s(self.step.rows), *self.rates)

    def cast_s(self, n_bytes: Any) -> Any:
        """A cast to narrow operands, which reads `n_bytes` and writes them."""
        near, far, on_die = self.rates
        far = self.machine.peak_bytes_per_s * self.machine.told("cast_efficiency", far / self.machine.peak_bytes_per_s)
        return vector_s(n_bytes, 1.0, self._start_s(self.step.rows), near, far, on_die)

    def vector_s(self, op: Vector) -> Any:
        """The passes of `op` in all its layers."""
        if op.name not in _PASSES:
            return 0.0
        n_bytes, kernels, tokens = self._moved(op)
        start_s = self._start_s(tokens)
        if op.name == "norm":
            start_s = start_s + self._row_s(op.per_token / (NORM * op.parts), tokens)
        return vector_s(n_bytes, kernels, start_s, *self.rates) * op.count

    def moved_bytes(self, op: Vector) -> Any:
        """Bytes that the passes of `op` read and write in all its layers, a chip."""
        return self._moved(op)[0] * op.count if op.name in _PASSES else 0.0

    def _moved(self, op: Vector) -> tuple[Any, float, Any]:
        """Bytes of one layer, kernels and tokens."""
        kind = _PASSES[op.name]
        kernels = op.parts * (kind.decode if self.decode else kind.prefill)
        tokens = self.step.batch if op.last_token_only else self.step.rows
        n_bytes = tokens * (op.per_token * kind.bytes_per_op) * (kernels > 0) / (1 if kind.shared else self.chips)
        return n_bytes, kernels, tokens

    def _start_s(self, tokens: Any) -> Any:
        """Starting a kernel; those for a single token are compiled for it."""
        gen = self.machine.gen
        return gen("vector_overhead") * np.where(tokens > 1, 1.0, gen("single_token"))

    def _row_s(self, width: float, tokens: Any) -> Any:
        """A core reduces its row of `width` elements alone, and every other one waits for it."""
        gen = self.machine.gen
        return width * gen("row_element") * np.where(tokens > 1, 1.0, gen("single_token"))
