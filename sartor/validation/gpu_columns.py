"""Columns of kind `gpu` by the names that other programs give them.

A column's own name counts wherever it is there; of the others the first that a row has, whatever else it says. What
says a format of weights by name comes before `dtype`, which may be that of what is computed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from .kind import Column, Form

_LENGTH = ("context", "context_len", "ctx_len", "kv_len", "seq", "seq_len", "prompt", "prompt_len", "isl", "input_len",
           "ctx")  # fmt: skip
INPUTS = {
    "gpu": ("gpu_name", "gpu_type", "chip", "hardware", "device"), "model": ("model_name", "model_id", "model_path"),
    "dt": ("weights", "quantization", "precision", "format", "dtype"), "b": ("batch", "batch_size"),
    "ctx": _LENGTH, "seq": _LENGTH,
    "M": ("m",), "N": ("n",), "K": ("k",), "hq": ("heads", "num_heads", "n_heads", "num_attention_heads"),
    "hkv": ("kv_heads", "num_kv_heads", "n_kv_heads", "num_key_value_heads"), "d": ("head_dim", "head_size"),
    "layers": ("num_layers", "n_layers", "num_hidden_layers"), "hidden": ("hidden_size", "d_model"),
    "ffn": ("intermediate_size", "ffn_size", "d_ff"), "vocab": ("vocab_size", "vocabulary"),
}  # fmt: skip
# By our column: each other name and its unit.
MEASURED = {
    "s": {"seconds": "s", "latency_s": "s", "time_s": "s", "median_s": "s", "ms": "ms", "latency_ms": "ms",
          "time_ms": "ms", "median_ms": "ms", "us": "us", "latency_us": "us", "time_us": "us", "median_us": "us"},
    "J": {"joules": "J", "energy_J": "J", "energy_j": "J", "mJ": "mJ", "energy_mJ": "mJ", "energy_mj": "mJ"},
    "W": {"watts": "W", "power_W": "W", "power_w": "W"},
}  # fmt: skip
_EMPTY = (None, "", "none", "None")  # of a format: the weights are as published, which `dtype` says


def as_called(form: Form, row: Mapping[str, Any], more: Mapping[str, Column] = MappingProxyType({})) -> Form:
    """`form` with the names that `row` has for its columns, and with those of `more` inputs that it has.

    >>> tokens = Form("decode", {"ctx": Column("context")}, {"s": Column("latency", "s")})
    >>> found = as_called(tokens, {"context_len": 512, "latency_ms": 3.0})
    >>> list(found.inputs), [(at, column.unit) for at, column in found.measured.items()]
    (['context_len'], [('latency_ms', 'ms')])
    """
    there = {at: column for at, column in more.items() if row.get(at) not in _EMPTY or _other(at, row)}
    form = replace(form, inputs={**form.inputs, **there}) if there else form
    others = {at: name for at in (*form.inputs, *form.measured, *form.beside) if (name := _other(at, row))}
    if not others:
        return form
    units = {at: MEASURED[at][name] for at, name in others.items() if at in MEASURED}
    measured, beside = (
        {others.get(at, at): replace(column, unit=units.get(at, column.unit)) for at, column in some.items()}
        for some in (form.measured, form.beside)
    )
    inputs = {others.get(at, at): column for at, column in form.inputs.items()}
    return replace(form, inputs=inputs, measured=measured, beside=beside)


def _other(at: str, row: Mapping[str, Any]) -> str:
    """What `row` calls our column `at`; "" where it has it, or none like it."""
    if row.get(at) not in _EMPTY:
        return ""
    return next((name for name in (*INPUTS.get(at, ()), *MEASURED.get(at, ())) if row.get(name) not in _EMPTY), "")
