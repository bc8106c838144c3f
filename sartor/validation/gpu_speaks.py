"""What each measured row says about the figures of a GPU generation, and what is expected of them before."""

from __future__ import annotations

from ..families.gpu.machine import SCALED, UNPACKED
from ..formats.spec import format_named
from . import gpu_predict, names
from .kind import Inputs

# What rows of each form say something about; a figure that no row speaks of is not fitted.
_ATTENTION = ("attention_efficiency", "attention_one_wave", "attention_wave", "attention_overhead")
_PASSES = ("vector_overhead", "row_element", "single_token", "vector_bytes_per_cycle", "step_overhead")
SPEAKS = {
    "attn_decode": _ATTENTION,
    "attn_prefill": ("attention_compute_efficiency", "score_cycles", "attention_overhead"),
    "decode": (*_PASSES, "idle_fraction", "j_per_byte", "j_per_near_byte", "j_per_op", "j_per_operand_byte"),
    "prefill": ("vector_bytes_per_cycle", "j_per_op", "compute_efficiency_16", "attention_compute_efficiency",
                "limit_reaction"),
}  # fmt: skip


def speaks(inputs: Inputs) -> tuple[str, ...]:
    """The figures that a row says something about.

    >>> speaks({"form": "gemm", "format": "fp8", "casts": False})
    ('stream_efficiency_8', 'compute_efficiency_8', 'tile_wave', 'op_overhead')
    """
    if inputs["form"] != "gemm":
        return SPEAKS[inputs["form"]]
    form = format_named(names.number_format(inputs["format"]) or "bf16")
    width = 16 if form.element_bits > 8 else 8 if form.element_bits > 4 else 4
    kind = "int8" if form.name == "int8" else width
    own = (f"stream_efficiency_{width}", f"compute_efficiency_{kind}", f"tile_wave{'_int8' * (kind == 'int8')}")
    if names.weight_only(inputs["format"]):
        alone = ("weight_only_efficiency", "tile_wave", "op_overhead", "split_overhead", f"core_draw_{width}")
        return tuple(gpu_predict.scaling(inputs) + name for name in (own[0], *alone))
    if width == 16:
        wide = (*own, "op_overhead", "core_draw_16", "split_overhead")
        return (*wide, "j_per_op") if inputs.get("casts") else wide
    if not inputs.get("casts"):
        return (*own, "op_overhead", *(["core_draw_int8", "j_per_op_int8"] if kind == "int8" else ()))
    casts = ("vector_overhead", "vector_bytes_per_cycle", "cast_efficiency", f"core_draw_{width}")
    return tuple(gpu_predict.scaling(inputs) + name for name in (*own, *casts))


# What is expected before any row is seen, in coherent units, and how firmly: an error of the logarithm counts that
# much. It keeps figures apart that few rows tell apart; a direct reading (idle power) is firm.
EXPECTED = {
    "stream_efficiency_16": (0.85, 0.1), "stream_efficiency_8": (0.85, 0.1), "stream_efficiency_4": (0.8, 0.1),
    "compute_efficiency_16": (0.75, 0.1), "compute_efficiency_8": (0.72, 0.1), "compute_efficiency_4": (0.6, 0.1),
    "compute_efficiency_int8": (0.5, 0.1),
    "core_draw_16": (40.0, 0.1), "core_draw_8": (40.0, 0.1), "core_draw_4": (40.0, 0.1),
    "core_draw_int8": (40.0, 0.1), "tile_wave_int8": (1e-6, 0.05), "weight_only_efficiency": (0.8, 0.1),
    "tile_wave": (0.5e-6, 0.05), "split_overhead": (1e-6, 0.05), "cast_efficiency": (0.6, 0.1),
    "op_overhead": (3e-6, 0.02), "attention_efficiency": (0.9, 0.1), "attention_one_wave": (0.9, 0.1),
    "attention_wave": (1.5e-6, 0.05), "attention_overhead": (3e-6, 0.05),
    "attention_compute_efficiency": (0.85, 0.1), "score_cycles": (1 / 16, 0.1),
    "vector_overhead": (2e-6, 0.05), "row_element": (1.2e-9, 0.1), "single_token": (0.8, 0.1),
    "vector_bytes_per_cycle": (23.0, 0.2), "step_overhead": (25e-6, 0.1),
    "idle_fraction": (0.2, 0.3), "j_per_byte": (60e-12, 0.05), "j_per_op": (0.9e-12, 0.05),
    "j_per_op_int8": (0.4e-12, 0.05), "j_per_near_byte": (150e-12, 0.1), "j_per_operand_byte": (15e-12, 0.05),
    "limit_reaction": (0.1, 0.05),
}  # fmt: skip


def expectation(figure: str) -> tuple[float, float]:
    """What is expected of `figure`, however operands are scaled or unpacked, and how firmly.

    >>> expectation("dynamic_core_draw_8") == expectation("core_draw_8")
    True
    """
    return EXPECTED[next((figure.removeprefix(s) for s in (*SCALED, UNPACKED) if figure.startswith(s)), figure)]
