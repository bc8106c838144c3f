"""The formats in which a checkpoint's weights are published: `torch_dtype` and `quantization_config`."""

from __future__ import annotations

from typing import Any

from ...errors import Unsupported
from .fields import Fields

DTYPES = {"bfloat16": "bf16", "float16": "fp16", "float32": "fp32"}
_LINEAR = ("attention", "ffn", "expert", "mixer")
_FLOAT_METHODS = {"fp8": "fp8-e4m3", "mxfp4": "mxfp4"}
_MODELOPT = {"FP8": "fp8-e4m3", "NVFP4": "nvfp4", "W4A16_NVFP4": "nvfp4"}


def published_formats(f: Fields) -> tuple[str, dict[str, str]]:
    """(format of what is not quantized, tensor class -> format of what is)."""
    part = Fields(f.raw.get("text_config"), f.where) if isinstance(f.raw.get("text_config"), dict) else f
    holder = next((h for h in (f, part) if h.has("torch_dtype") or h.has("dtype")), f)
    word = holder.one_of("torch_dtype", "dtype", known=list(DTYPES), default="bfloat16")
    if not f.has("quantization_config"):
        return DTYPES[word], {}
    return DTYPES[word], _quantized(f.part("quantization_config"))


def _quantized(q: Fields) -> dict[str, str]:
    method = q.text("quant_method")
    if method in _FLOAT_METHODS:
        fmt = _FLOAT_METHODS[method]
    elif method == "modelopt":
        fmt = _MODELOPT[q.one_of("quant_algo", known=list(_MODELOPT))]
    elif method in ("gptq", "awq"):
        fmt = _integer(q)
    else:
        known = ", ".join([*_FLOAT_METHODS, "modelopt", "gptq", "awq"])
        raise Unsupported(f"{q.where}: quant_method = {method!r} is not modelled (known: {known})")
    kept = _kept(q)
    return {name: fmt for name in _LINEAR if name not in kept}


def _integer(q: Fields) -> str:
    """GPTQ and AWQ: integers in groups with a zero point."""
    bits, group = q.whole("bits"), q.raw.get("group_size")
    known = {(4, 32): "int4-g32", (4, 128): "int4-g128", (3, 128): "int3-g128", (8, -1): "int8"}
    if not isinstance(group, int) or (bits, group) not in known:
        shown = ", ".join(f"{b} bits in {g}" for b, g in known)
        raise Unsupported(f"{q.where}: {bits} bits in groups of {group!r} are not modelled (known: {shown})")
    return known[bits, group]


# A tensor class is kept as it is when a pattern that names no single layer ends in one of these modules.
_MODULES = {
    "self_attn": ("attention",),
    "linear_attn": ("mixer",),
    "mixer": ("mixer",),
    "mlp": ("ffn", "expert"),
    "experts": ("expert",),
}


def _kept(q: Fields) -> set[str]:
    lists: list[Any] = [q.raw.get(n) or [] for n in ("modules_to_not_convert", "ignore", "exclude_modules")]
    patterns = [p for listed in lists if isinstance(listed, list) for p in listed if isinstance(p, str)]
    return {name for pattern in patterns for name in _MODULES.get(_module(pattern), ())}


def _module(pattern: str) -> str:
    """The module that a pattern such as model.layers.*.self_attn* ends in; none if it names one layer."""
    words = [word.strip("*") for word in pattern.split(".")]
    return "" if any(word.isdecimal() for word in words) else next((w for w in reversed(words) if w), "")
