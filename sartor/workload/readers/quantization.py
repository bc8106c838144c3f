"""The formats in which a checkpoint's weights are published: `torch_dtype` and `quantization_config`."""

from __future__ import annotations

import re
from collections.abc import Collection

from ...errors import Unsupported
from .fields import Fields

DTYPES = {"bfloat16": "bf16", "float16": "fp16", "float32": "fp32"}
_LINEAR = ("attention", "ffn", "expert", "mixer")
_FLOAT_METHODS = {"fp8": "fp8-e4m3", "mxfp4": "mxfp4"}
_MODELOPT = {"FP8": "fp8-e4m3", "NVFP4": "nvfp4", "W4A16_NVFP4": "nvfp4"}
_INTEGERS = {(8, -1): "int8"}
_GROUPED = {(bits, group): f"int{bits}-g{group}" for bits in (2, 3, 4, 8) for group in (32, 64, 128)}
_LISTS = ("modules_to_not_convert", "ignore", "exclude_modules")

# Module that a list of exceptions names -> the tensor classes that stay as they are.
_MODULES = {
    "": _LINEAR,
    "self_attn": ("attention",),
    "linear_attn": ("mixer",),
    "mlp": ("ffn", "expert"),
    "mlp.experts": ("expert",),
    "mlp.shared_expert": ("ffn",),
    "mlp.shared_experts": ("ffn",),
    "mixer": _LINEAR,
}
_LAYER = re.compile(r"(?:.*\.)?layers\.(\d{1,6}|\*)(?:\.|\*|$)(.*)")


def dtype(f: Fields, text: Fields) -> str:
    """The format of what is not quantized; a model with a text part may say it in either place."""
    holder = next((h for h in (text, f) if h.has("torch_dtype") or h.has("dtype")), f)
    return DTYPES[holder.one_of("torch_dtype", "dtype", known=list(DTYPES), default="bfloat16")]


def quantized(q: Fields, layers: int, present: Collection[str]) -> tuple[dict[str, str], str]:
    """Tensor class -> format for the classes present, and a note where some layers are left out."""
    fmt, kept = _format(q), _kept(q, layers)
    names = [name for name in _LINEAR if name in present and len(kept[name]) < layers]
    some = [f"{name} of {len(kept[name])} layers is not quantized" for name in names if kept[name]]
    return dict.fromkeys(names, fmt), ", ".join(some)


def _format(q: Fields) -> str:
    method = q.text("quant_method", default="modelopt" if q.has("quant_algo") else "")
    if method in _FLOAT_METHODS:
        return _FLOAT_METHODS[method]
    if method == "modelopt":
        return _MODELOPT[q.one_of("quant_algo", known=list(_MODELOPT))]
    if method in ("gptq", "awq"):
        return _integer(q)
    known = ", ".join([*_FLOAT_METHODS, "modelopt", "gptq", "awq"])
    raise Unsupported(f"{q.where}: quant_method = {method!r} is not modeled (known: {known})")


def _integer(q: Fields) -> str:
    """GPTQ and AWQ: integers in groups, symmetric (`sym` of GPTQ, on if not said) or with a zero point."""
    bits, group = q.whole("bits"), q.raw.get("group_size")
    known = _GROUPED | _INTEGERS
    if type(group) is not int or (bits, group) not in known:
        shown = ", ".join(f"{b} bits in {g}" for b, g in known)
        raise Unsupported(f"{q.where}: {bits} bits in groups of {group!r} are not modeled (known: {shown})")
    symmetric = not q.flag("zero_point", q.text("quant_method", default="") == "awq") and q.flag("sym", True)
    return known[bits, group] + ("" if symmetric or (bits, group) in _INTEGERS else "-asym")


def _kept(q: Fields, layers: int) -> dict[str, set[int]]:
    """Tensor class -> the layers in which it stays as it is."""
    kept: dict[str, set[int]] = {name: set() for name in _LINEAR}
    for listed in (q.raw.get(name) for name in _LISTS):
        for pattern in listed if isinstance(listed, list) else ():
            match = _LAYER.fullmatch(pattern.removeprefix("re:")) if isinstance(pattern, str) else None
            if match is None:
                continue
            numbers = range(layers) if match[1] == "*" else {int(match[1])} & set(range(layers))
            for name in _MODULES.get(match[2].strip(".*"), ()):
                kept[name].update(numbers)
    return kept
