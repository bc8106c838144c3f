"""What one chip achieves: its data sheet times the figures of its generation (gpu.csv). Floats or arrays [draws]."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...chip.spec import Chip
from ...errors import Unsupported
from ...formats.spec import NumberFormat, format_named
from ...tables import table
from ...tech.technology import Technology
from .tiles import INTEGERS, LARGE, TILES, UNSPLIT, Tiling

# Formats whose operands a tensor core of another name takes as they are.
_SAME_PEAK = {
    "fp16": "bf16", "bf16": "fp16", "fp8-e5m2": "fp8-e4m3", "mxfp8-e4m3": "fp8-e4m3", "mxfp4": "nvfp4",
    "mxint8": "int8", "q8_0": "int8", "int8-g32": "int8",
}  # fmt: skip
# Narrow operands that are scaled on the fly: a row at a time, in blocks of 128 x 128, or in groups of 16 (NVFP4).
DYNAMIC, BLOCKS, GROUPS = SCALED = "dynamic_", "block_", "group_"
UNPACKED = "unpacked_"  # narrow weights unpacked to 16 bits, by kernels that were measured
STACK = "stack_"  # of serving stacks, in 16 bits; Hopper's figures with nothing in front are of PyTorch's kernels
ACTIVATION_BYTES, BYTE_BITS = 2.0, 8.0
# Energy of a multiplication grows between its bits (the adder, the wires) and their square (the multiplier).
_NARROW = 1.25
NARROW = 0.25  # of the cores at most have a tile of integers where its columns are halved: seen in times (model.md)
_UNPACKED = ("bf16", "fp16", "int8", "fp8-e4m3")


@dataclass(frozen=True)
class Machine:
    """One chip under the facts of `tech`; `kernels`: whose they are, which have figures of their own: narrow operands
    scaled on the fly, as serving stacks do (one of SCALED), or unpacked, or the stacks' own in 16 bits; `weight_only`:
    narrow weights meet 16-bit activations."""

    chip: Chip
    tech: Technology
    kernels: str = ""
    weight_only: bool = False

    def gen(self, quantity: str) -> Any:
        """A figure of the chip's generation, of the machine's own kernels where they have one."""
        return self.tech.fact("gpu", self.chip.generation, self._named(quantity) or quantity)

    def told(self, quantity: str, otherwise: Any) -> Any:
        """The same of a figure that only measured kernels tell; `otherwise` where none were."""
        return self.gen(quantity) if self._named(quantity) else otherwise

    def _named(self, quantity: str) -> str | None:
        item, known = self.chip.generation, table("gpu").facts
        own = (self.kernels + quantity, *([DYNAMIC + quantity] if self.kernels in SCALED else ()))
        return next((name for name in (*own, quantity) if (item, name) in known), None)

    @property
    def shapes(self) -> tuple[tuple[float, float, float], ...]:
        """Of the tiles of a GEMM."""
        return {BLOCKS: LARGE, DYNAMIC: UNSPLIT, GROUPS: UNSPLIT}.get(self.kernels, TILES)

    def tiling(self, weights: NumberFormat, expert: bool, alone: bool) -> Tiling:
        """How GEMMs with such weights are cut. Kernels of many experts at once stay on their cores from one tile to the
        next, and work on whole tiles however few tokens an expert gets. That cores wait for each other is seen of
        kernels `alone`; within a step it is not."""
        edge = self.gen("tile_edge")
        plain = Tiling(self.cores, edge, self.near_bytes_per_s, self.shapes)
        if expert:
            return replace(plain, least=edge / 2)
        if self._peak(weights) == "int8" and (wave_s := self.told("tile_wave_int8", None)) is not None:
            return replace(plain, shapes=INTEGERS, narrow=NARROW, draw=self._draw("int8", weights), wave_s=wave_s)
        return replace(
            plain, draw=self._draw(_width(weights.element_bits), weights),
            wave_s=self.told("tile_wave", 0.0), split_s=self.told("split_overhead", 0.0) if alone else 0.0,
            high=self.told("high_tile_rows", np.inf),
        )  # fmt: skip

    def _draw(self, kind: int | str, weights: NumberFormat) -> Any:
        """Times its share of the memory's rate that a core draws at most: bytes a cycle, whatever memory is behind."""
        port = self.told(f"core_draw_{kind}", np.inf) * (self.chip.clock_hz * self.cores)
        return port / self.stream_bytes_per_s(weights.element_bits)

    @property
    def peak_bytes_per_s(self) -> float:
        return self.chip.memory.bandwidth_bytes_per_s or self.chip.sram_bandwidth_bytes_per_s

    @property
    def called(self) -> bool:
        """Whether attention is as serving stacks call it (called.py)."""
        return self.told("attention_program", None) is not None

    @property
    def on_die_bytes(self) -> float:
        """What stays on the die between kernels; not published: enough."""
        return self.chip.sram_bytes or 1e30

    @property
    def cores(self) -> float:
        return float(self.chip.cores)

    def rate(self, weights: NumberFormat) -> tuple[Any, float]:
        """Achieved ops/s with such weights, and the bits of the operands it computes in."""
        name = self._peak(weights)
        if name is None:
            return self._weight_only()
        bits = format_named(name).element_bits
        kind = "int8" if name == "int8" else str(int(bits))
        return self.chip.peaks[name] * self.gen(f"compute_efficiency_{kind}"), bits

    def j_per_op(self, weights: NumberFormat, operand_bits: float) -> Any:
        """Of a matrix with such weights: of integers its own where measured, else by the operands' width."""
        by_width = self.gen("j_per_op") * (operand_bits / 16) ** _NARROW
        return self.told("j_per_op_int8", by_width) if self._peak(weights) == "int8" else by_width

    def _peak(self, weights: NumberFormat) -> str | None:
        """The format that such weights are computed in; None where they are unpacked."""
        name = weights.name if weights.name in self.chip.peaks else _SAME_PEAK.get(weights.name, "")
        unpacked = self.weight_only and weights.element_bits < 16
        return name if name in self.chip.peaks and not unpacked else None

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
        return self.peak_bytes_per_s * self.gen(f"stream_efficiency_{_width(element_bits)}")

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


def _width(element_bits: float) -> int:
    """Figures are of elements of 16, 8 and 4 bits."""
    return 16 if element_bits > 8 else 8 if element_bits > 4 else 4
