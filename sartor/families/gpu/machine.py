"""What one chip achieves: its data sheet times the figures of its generation (gpu.csv). Floats or arrays [draws]."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...chip.spec import Chip
from ...errors import Unsupported
from ...formats.spec import NumberFormat, format_named
from ...tables import table
from ...tech.technology import Technology
from .kernels import LARGE, TILES, UNSPLIT

# Formats whose operands a tensor core of another name takes as they are.
_SAME_PEAK = {
    "fp16": "bf16", "bf16": "fp16", "fp8-e5m2": "fp8-e4m3", "mxfp8-e4m3": "fp8-e4m3", "mxfp4": "nvfp4",
    "mxint8": "int8", "q8_0": "int8", "int8-g32": "int8",
}  # fmt: skip
# Narrow operands that are scaled on the fly: a row at a time, or in blocks of 128 x 128.
DYNAMIC, BLOCKS = "dynamic_", "block_"
_UNPACKED = ("bf16", "fp16", "int8", "fp8-e4m3")


@dataclass(frozen=True)
class Machine:
    """One chip under the facts of `tech`; `scaling`: narrow operands are scaled on the fly (DYNAMIC or BLOCKS), as
    serving stacks do, which has figures of its own; `weight_only`: narrow weights meet 16-bit activations."""

    chip: Chip
    tech: Technology
    scaling: str = ""
    weight_only: bool = False

    def gen(self, quantity: str) -> Any:
        """A figure of the chip's generation."""
        item, known = self.chip.generation, table("gpu").facts
        for scaling in (self.scaling, DYNAMIC) if self.scaling else ():
            if (item, scaling + quantity) in known:
                return self.tech.fact("gpu", item, scaling + quantity)
        return self.tech.fact("gpu", item, quantity)

    @property
    def shapes(self) -> tuple[tuple[float, float, float], ...]:
        """Of the tiles of a GEMM."""
        return {BLOCKS: LARGE, DYNAMIC: UNSPLIT}.get(self.scaling, TILES)

    def core_draw(self, element_bits: float) -> Any:
        """How many times its share of the memory's rate a core draws with such weights, where kernels tell."""
        name = f"core_draw_{8 if element_bits > 4 else 4}"
        known = (self.chip.generation, self.scaling + name) in table("gpu").facts
        return self.gen(name) if known and element_bits < 16 else np.inf

    @property
    def peak_bytes_per_s(self) -> float:
        return self.chip.memory.bandwidth_bytes_per_s or self.chip.sram_bandwidth_bytes_per_s

    @property
    def cores(self) -> float:
        return float(self.chip.cores)

    def rate(self, weights: NumberFormat) -> tuple[Any, float]:
        """Achieved ops/s with such weights, and the bits of the operands it computes in."""
        name = weights.name if weights.name in self.chip.peaks else _SAME_PEAK.get(weights.name, "")
        if name in self.chip.peaks and not (self.weight_only and weights.element_bits < 16):
            bits = format_named(name).element_bits
            kind = "int8" if name == "int8" else str(int(bits))
            return self.chip.peaks[name] * self.gen(f"compute_efficiency_{kind}"), bits
        return self._weight_only()

    def _weight_only(self) -> tuple[Any, float]:
        """Weights are unpacked to the narrowest operands of 8 bits or more that the chip has."""
        for name in _UNPACKED:
            if name in self.chip.peaks:
                rate = self.chip.peaks[name] * self.gen("weight_only_efficiency")
                return rate, format_named(name).element_bits
        raise Unsupported(
            f"{self.chip.name}: none of its peaks {sorted(self.chip.peaks)} computes with unpacked weights"
        )

    def stream_bytes_per_s(self, element_bits: float) -> Any:
        """Achieved rate of weights with such elements."""
        width = 16 if element_bits > 8 else 8 if element_bits > 4 else 4
        return self.peak_bytes_per_s * self.gen(f"stream_efficiency_{width}")

    @functools.cached_property
    def near_bytes_per_s(self) -> Any:
        """Element-wise passes over what lies in the on-die memory."""
        return self.gen("vector_bytes_per_cycle") * (self.cores * self.chip.clock_hz)

    @functools.cached_property
    def attention_ops_per_s(self) -> Any:
        """Achieved ops/s of scores and mixes: 16-bit operands where the chip has them."""
        name = next(n for n in (*_UNPACKED, *self.chip.peaks) if n in self.chip.peaks)
        return self.chip.peaks[name] * self.gen("attention_compute_efficiency")

    def score_s(self, ops_per_score: Any) -> Any:
        """Core seconds of one query and one key of prefill: multiply, and take the exponential."""
        exponential = self.gen("score_cycles") / self.chip.clock_hz
        return ops_per_score * self.cores / self.attention_ops_per_s + exponential

    @functools.cached_property
    def device_j_per_byte(self) -> Any:
        """DRAM and its interface; of a maker's own parts as sure as of their kind."""
        kind, own = self.chip.memory.kind, self.chip.memory.energy_j_per_byte
        if kind == "sram":
            return 0.0
        energy = self.tech.fact("memories", kind, "energy")
        return energy if own is None else energy * (own / table("memories").fact(kind, "energy").value)

    @functools.cached_property
    def j_per_byte(self) -> Any:
        """The same, and the way through the die."""
        return self.device_j_per_byte + self.gen("j_per_byte")
