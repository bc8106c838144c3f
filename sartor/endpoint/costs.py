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
    """Of one pass, at the tokens in the cache before it. Arrays [context] for decode and [context / columns] for
    a chunk of a prompt, idle power included."""

    chip: str
    columns: int
    decode_s: np.ndarray
    decode_j: np.ndarray
    prefill_s: np.ndarray
    prefill_j: np.ndarray
    usd_per_s: float  # of a busy chip: capital, staff, electricity

    def decode(self, position: int) -> tuple[float, float]:
        return float(self.decode_s[position]), float(self.decode_j[position])

    def prefill(self, start: int) -> tuple[float, float]:
        at = start // self.columns
        return float(self.prefill_s[at]), float(self.prefill_j[at])


def costs(chip: Chip, model: Model, columns: int, context: int, economy: Economy | None = None) -> Costs:
    """Of `model` on `chip`, one sequence a pass, as the generated program runs it: a prompt passes in chunks of
    `columns` tokens without the head."""
    chips, economy = priced(chip, None, None), economy or Economy("device")
    replica, static_w = chips.replica(1, model.formats), float(chips.static_w)

    def of(ops: Operators, step: Step, count: int) -> tuple[np.ndarray, np.ndarray]:
        done = replica.phase(ops, step)
        seconds = np.broadcast_to(np.ravel(done.latency_s), count)
        return seconds, np.broadcast_to(np.ravel(done.dynamic_j), count) + static_w * seconds

    decode = of(operators(model, "decode"), Step(1, 1, np.maximum(np.arange(context), 1)), context)
    starts = np.arange(0, context, columns)
    prefill = of(_headless(operators(model, "prefill")), Step(1, columns, starts), len(starts))
    middle = context // 2
    watts = float(decode[1][middle] / decode[0][middle])
    price = chip_price_usd(chips, economy, NOMINAL, "cost")
    rate = float(np.ravel(usd_per_s(price, watts, watts, economy, NOMINAL))[0])
    return Costs(chip.name, columns, *decode, *prefill, rate)


def _headless(ops: Operators) -> Operators:
    """Without what is done for a prompt's last token alone, which is a decode pass of the program."""
    return replace(ops, all=tuple(op for op in ops.all if not (isinstance(op, Gemm) and op.last_token_only)))
