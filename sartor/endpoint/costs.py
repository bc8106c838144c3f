"""What each pass costs on the chip: seconds and joules of the estimate at its position, and dollars of owning it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..chip.spec import Chip
from ..families import priced
from ..search.economy import Economy, chip_price_usd, usd_per_s
from ..tech.technology import NOMINAL
from ..workload.derive import operators
from ..workload.gemm import Gemm
from ..workload.model import Model
from ..workload.operators import Operators
from ..workload.step import Step


@dataclass(frozen=True, eq=False)
class Costs:
    """Of one pass, at the tokens in the cache before it. Arrays [sequences - 1, context] for decode and [context /
    columns] for a chunk of a prompt, idle power included."""

    chip: str
    columns: int
    decode_s: np.ndarray
    decode_j: np.ndarray
    prefill_s: np.ndarray
    prefill_j: np.ndarray
    usd_per_s: float  # of a busy chip: capital, staff, electricity

    def decode(self, positions: list[int]) -> tuple[float, float]:
        """Of a sequence at each of `positions`: the mean of passes with all of them at one, since each has its own
        share of the attention."""
        row = len(positions) - 1
        return float(self.decode_s[row, positions].mean()), float(self.decode_j[row, positions].mean())

    def prefill(self, start: int) -> tuple[float, float]:
        at = start // self.columns
        return float(self.prefill_s[at]), float(self.prefill_j[at])


def costs(
    chip: Chip, model: Model, columns: int, context: int, economy: Economy | None = None, together: int = 1
) -> Costs:
    """Of `model` on `chip` as the generated program runs it: a decode pass of up to `together` sequences, a prompt in
    chunks of `columns` tokens without the head."""
    chips, economy = priced(chip, None, None), economy or Economy("device")
    replica, static_w = chips.replica(1, model.formats), float(chips.static_w)

    def of(ops: Operators, step: Step, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        done = replica.phase(ops, step)
        seconds = np.broadcast_to(done.latency_s, shape)
        return seconds, np.broadcast_to(done.dynamic_j, shape) + static_w * seconds

    batches, before = np.arange(1, together + 1)[:, None], np.maximum(np.arange(context), 1)
    decode = of(operators(model, "decode"), Step(batches, 1, before), (together, context))
    starts = np.arange(0, context, columns)
    prefill = of(_headless(operators(model, "prefill")), Step(1, columns, starts), (len(starts),))
    middle = 0, context // 2
    watts = float(decode[1][middle] / decode[0][middle])
    price = chip_price_usd(chips, economy, NOMINAL, "cost")
    rate = float(np.ravel(usd_per_s(price, watts, watts, economy, NOMINAL))[0])
    return Costs(chip.name, columns, *decode, *prefill, rate)


def _headless(ops: Operators) -> Operators:
    """Without what is done for a prompt's last token alone, which is a decode pass of the program."""
    return replace(ops, all=tuple(op for op in ops.all if not (isinstance(op, Gemm) and op.last_token_only)))
