"""The formats in which a checkpoint's weights are published: `torch_dtype` and `quantization_config`."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from ...errors import Unsupported
from .fields import Fields

DTYPES = {"bfloat16": "bf16", "float16": "fp16", "float32": "fp32"}
_LINEAR = ("attention", "ffn", "expert", "mixer")
_FLOAT_METHODS = {"fp8": "fp8-e4m3", "mxfp4": "mxfp4"}
_MODELOPT = {"FP8": "fp8-e4m3", "NVFP4": "nvfp4", "W4A16_NVFP4": "nvfp4"}
_INTEGERS = {(8, -1): "int8"}
_GROUPED = {(bits, group): f"int{bits}-g{group}" for bits in (2, 3, 4, 8) for group in (32, 64, 128)}
# compressed-tensors: bits of a float, and what shares a scale.
_FLOATS = {
    (8, "channel"): "fp8-e4m3", (8, "tensor"): "fp8-e4m3-tensor", (8, "block"): "fp8-e4m3-b128",
    (4, "tensor_group"): "nvfp4",
}  # fmt: skip
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
    if method in _OWN:
        return _OWN[method](q)
    known = ", ".join([*_FLOAT_METHODS, "modelopt", *_OWN])
    raise Unsupported(f"{q.where}: quant_method = {method!r} is not modeled (known: {known})")


def _integer(q: Fields) -> str:
    """GPTQ and AWQ: integers in groups, symmetric (`sym` of GPTQ, on if not said) or with a zero point."""
    bits, group = q.whole("bits", "w_bit"), q.raw.get("group_size", q.raw.get("q_group_size"))
    symmetric = not q.flag("zero_point", q.text("quant_method", default="") == "awq") and q.flag("sym", True)
    return _grouped(q, bits, group, symmetric)


def _grouped(q: Fields, bits: int, group: object, symmetric: bool) -> str:
    """Integers with a scale for `group` weights, -1: for a channel; with a zero point of as many bits, if there is
    such a format."""
    known = _GROUPED | _INTEGERS
    if type(group) is not int or (bits, group) not in known:
        shown = ", ".join(f"{b} bits in {g}" for b, g in known)
        raise Unsupported(f"{q.where}: {bits} bits in groups of {group!r} are not modeled (known: {shown})")
    plain = symmetric or (bits, group) in _INTEGERS
    return known[bits, group] + ("" if plain else "-asym" if bits == 8 else "-zp")


def _scheme(q: Fields) -> str:
    """compressed-tensors: of its groups, which must not differ in it, what they say of weights."""
    groups = q.part("config_groups")
    parts = [groups.part(name).part("weights") for name in groups.raw]
    if len({str(part.raw) for part in parts}) != 1:
        raise Unsupported(f"{q.where}: config_groups has {len(parts)} groups that differ: one scheme is modeled")
    weights = parts[0]
    bits, strategy = weights.whole("num_bits"), weights.text("strategy", default="group")
    group = -1 if strategy == "channel" else weights.whole("group_size", default=-1, low=-1)
    if weights.text("type", default="int") == "int":
        return _grouped(weights, bits, group, weights.flag("symmetric", True))
    known = _FLOATS | ({(4, "group"): "mxfp4", (8, "group"): "mxfp8-e4m3"} if group == 32 else {})
    if (bits, strategy) not in known:
        shown = ", ".join(f"{b} bits by {s}" for b, s in known)
        raise Unsupported(f"{weights.where}: floats of {bits} bits by {strategy} are not modeled (known: {shown})")
    return known[bits, strategy]


_OWN: dict[str, Callable[[Fields], str]] = {
    "gptq": _integer, "awq": _integer, "compressed-tensors": _scheme, "bitnet": lambda q: "ternary",
}  # fmt: skip


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
