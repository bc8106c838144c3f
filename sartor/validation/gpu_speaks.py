"""What each measured row says about the figures of a GPU generation, and what is expected of them before."""

from __future__ import annotations

from ..families.gpu.called import HELD
from ..families.gpu.machine import SCALED, STACK, UNPACKED
from ..formats.spec import format_named
from ..tables import table
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
# Of attention as serving stacks call it.
CALLED = {
    "attn_decode": ("attention_overhead", "attention_overhead_element", "attention_merge", "attention_beyond",
                    "attention_program", "attention_program_element", "attention_efficiency", "attention_near"),
    "attn_prefill": ("prefill_overhead", "prefill_row", "prefill_row_element", "attention_compute_efficiency",
                     "score_cycles", "last_tile"),
}  # fmt: skip


def speaks(inputs: Inputs) -> tuple[str, ...]:
    """The figures that a row says something about.

    >>> speaks({"form": "gemm", "format": "fp8", "called": False})
    ('stream_efficiency_8', 'compute_efficiency_8', 'tile_wave', 'op_overhead')
    """
    if inputs.get("called"):
        return tuple(_figure(inputs, name) for name in _called(inputs))
    if inputs["form"] != "gemm":
        return SPEAKS[inputs["form"]]
    kind, width = _kind(inputs)
    own = _own(kind, width)
    if width == 16:
        return (*own, "op_overhead", "core_draw_16", "split_overhead")
    return (*own, "op_overhead", *(["core_draw_int8", "j_per_op_int8"] if kind == "int8" else ()))


def _called(inputs: Inputs) -> tuple[str, ...]:
    """The same of a row of a serving stack, by the names that its kernels' figures share."""
    if inputs["form"] != "gemm":
        return CALLED[inputs["form"]] if inputs["heads"] <= HELD * inputs["kv_heads"] else ()
    kind, width = _kind(inputs)
    if names.weight_only(inputs["format"]):
        alone = ("weight_only_efficiency", "tile_wave", "op_overhead", "split_overhead", f"core_draw_{width}")
        return (f"stream_efficiency_{width}", *alone)
    if width == 16:
        return (*_own(kind, width), "op_overhead", "core_draw_16", "split_overhead", "j_per_op")
    casts = ("vector_overhead", "vector_bytes_per_cycle", "cast_efficiency", f"core_draw_{width}")
    return (*_own(kind, width), *casts)


def _figure(inputs: Inputs, name: str) -> str:
    """`name` among the figures of the row's kernels. Where nothing but stacks' GEMMs in 16 bits was measured, they are
    the generation's."""
    kernels, chip = gpu_predict.kernels(inputs), names.chip(inputs["chip"])
    known = table("gpu").facts
    beside = chip is None or (chip.generation, STACK + "op_overhead") in known
    alone = kernels == STACK and chip is not None and not beside and (chip.generation, STACK + name) not in known
    return name if alone else kernels + name


def _kind(inputs: Inputs) -> tuple[str | int, int]:
    """What the operands of a GEMM are named for in figures, and their width."""
    form = format_named(names.number_format(inputs["format"]) or "bf16")
    width = 16 if form.element_bits > 8 else 8 if form.element_bits > 4 else 4
    kind = "int8" if form.name == "int8" else width
    return kind, width


def _own(kind: str | int, width: int) -> tuple[str, ...]:
    return f"stream_efficiency_{width}", f"compute_efficiency_{kind}", f"tile_wave{'_int8' * (kind == 'int8')}"


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
    "attention_overhead_element": (10e-9, 0.05), "attention_program": (2.5e-6, 0.05),
    "attention_program_element": (10e-9, 0.05), "attention_near": (16.0, 0.05), "attention_merge": (2.5e-6, 0.05),
    "attention_beyond": (6e-6, 0.05), "prefill_overhead": (12e-6, 0.05), "prefill_row": (25e-9, 0.05),
    "prefill_row_element": (0.2e-9, 0.05), "last_tile": (0.3, 0.05),
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
    return EXPECTED[next((figure.removeprefix(s) for s in (*SCALED, UNPACKED, STACK) if figure.startswith(s)), figure)]
