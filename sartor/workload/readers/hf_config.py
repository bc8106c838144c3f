"""config.json of Hugging Face to `Model`: one function a family, in `FAMILIES`; others are refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ...errors import Unsupported
from ..gemms import tensor_classes
from ..model import Layer, Model
from .fields import NEEDED, Fields, parse_json, read_bytes
from .hf_alike import exaone, gemma2, glm4, olmo2, olmo3, phi3, seed_oss, smollm3
from .hf_dense import exaone4, gemma3_text, hyperclovax, llama, mistral, qwen2, qwen3
from .hf_experts import exaone_moe, glm4_moe, llama4_text, solar_open
from .hf_hybrid import mamba2, nemotron_h, qwen3_5_text, qwen3_next
from .hf_moe import (
    deepseek_v2,
    deepseek_v3,
    gpt_oss,
    minimax_m2,
    mixtral,
    qwen2_moe,
    qwen3_moe,
    sparse_latent,
)
from .quantization import dtype, quantized

# model_type -> (its layers, whether head and embedding are tied where the file does not say)
FAMILIES: dict[str, tuple[Callable[[Fields], list[Layer]], bool]] = {
    "deepseek_v2": (deepseek_v2, False),
    "deepseek_v3": (deepseek_v3, False),
    "deepseek_v32": (sparse_latent, False),
    "exaone": (exaone, False),
    "exaone4": (exaone4, False),
    "exaone4_5_text": (exaone4, False),
    "exaone_moe": (exaone_moe, False),
    "gemma2": (gemma2, True),
    "gemma3_text": (gemma3_text, True),
    "glm4": (glm4, False),
    "glm4_moe": (glm4_moe, False),
    "glm_moe_dsa": (sparse_latent, False),
    "gpt_oss": (gpt_oss, False),
    "granite": (llama, False),
    "hyperclovax": (hyperclovax, False),
    "kimi_k2": (deepseek_v3, False),
    "llama": (llama, False),
    "llama4_text": (llama4_text, False),
    "mamba2": (mamba2, False),
    "minimax_m2": (minimax_m2, False),
    "ministral3": (mistral, False),
    "mistral": (mistral, False),
    "mixtral": (mixtral, False),
    "nemotron_h": (nemotron_h, False),
    "olmo2": (olmo2, False),
    "olmo3": (olmo3, False),
    "phi3": (phi3, False),
    "qwen2": (qwen2, False),
    "qwen2_moe": (qwen2_moe, False),
    "qwen3": (qwen3, False),
    "qwen3_5_moe_text": (qwen3_next, False),
    "qwen3_5_text": (qwen3_5_text, False),
    "qwen3_moe": (qwen3_moe, False),
    "qwen3_next": (qwen3_next, False),
    "qwen3_vl_moe_text": (qwen3_moe, False),
    "qwen3_vl_text": (qwen3, False),
    "seed_oss": (seed_oss, False),
    "smollm3": (smollm3, True),
    "solar_open": (solar_open, False),
}
# model_type of models that also see images; their `text_config` is what is read
WITH_TEXT_PART = (
    "exaone4_5", "gemma3", "hyperclovax_vision_v2", "kimi_k25", "llama4", "mistral3", "qwen3_5", "qwen3_5_moe",
    "qwen3_vl", "qwen3_vl_moe",
)  # fmt: skip


def read(path: Path) -> Model:
    """The model of a config.json and the hf_quant_config.json beside it, named for the folder they are in."""
    name = path.parent.resolve().name if path.name == "config.json" else path.name.removesuffix(".json")
    beside = path.with_name("hf_quant_config.json")
    quantization = read_bytes(beside) if beside.is_file() else None
    return parse(read_bytes(path), path.name, name or path.name, quantization)


def parse(data: bytes, where: str, name: str, quantization: bytes | None = None) -> Model:
    """The model in the bytes of a config.json, and of an hf_quant_config.json."""
    fields = Fields(parse_json(data, where), where)
    if quantization is None:
        return model(fields, name)
    beside = Fields(parse_json(quantization, "hf_quant_config.json"), "hf_quant_config.json")
    return model(fields, name, beside.part("quantization"))


def model(fields: Fields, name: str, quantization: Fields | None = None) -> Model:
    """`quantization` is used where the config itself has none."""
    family = fields.text("model_type")
    text = fields.part("text_config") if family in WITH_TEXT_PART else fields
    family = text.text("model_type", default=family)
    if family not in FAMILIES:
        raise Unsupported(
            f"{fields.where}: model_type = {family!r} is not modeled (known: {', '.join(sorted(FAMILIES))})"
        )
    holder = next((f for f in (fields, text) if f.has("quantization_config")), None)
    if holder is not None:
        quantization = holder.part("quantization_config")
    notes = ["text part only"] if text is not fields else []
    made = _shapes(text, fields, family, name)
    return _with_formats(made, quantization, [*notes, *_notes(text)])


def _shapes(f: Fields, outer: Fields, family: str, name: str) -> Model:
    layers, tied = FAMILIES[family]
    return Model(
        name=name,
        family=family,
        hidden=f.whole("hidden_size", default=_default(family, "hidden_size")),
        vocabulary=f.whole("vocab_size", default=_default(family, "vocab_size")),
        layers=grouped(layers(f)),
        tied=f.flag("tie_word_embeddings", outer.flag("tie_word_embeddings", tied)),
        max_context=_max_context(f, family),
        weights=dtype(outer, f),
        source=outer.where,
    )


def _with_formats(made: Model, quantization: Fields | None, notes: list[str]) -> Model:
    if quantization is None:
        return replace(made, note="; ".join(notes))
    layers = sum(layer.count for layer in made.layers)
    formats, note = quantized(quantization, layers, tensor_classes(made))
    return replace(made, formats=formats, note="; ".join([*notes, note] if note else notes))


# Fields that published files leave to the defaults of transformers' Gemma3TextConfig.
_DEFAULTS = {"gemma3_text": {"hidden_size": 2304, "vocab_size": 262208, "max_position_embeddings": 131072}}


def _default(family: str, name: str) -> object:
    return _DEFAULTS.get(family, {}).get(name, NEEDED)


def _max_context(fields: Fields, family: str) -> int:
    if family == "mamba2":
        return fields.whole("max_position_embeddings", default=2**20)  # a state, no positions: no limit
    return fields.whole("max_position_embeddings", default=_default(family, "max_position_embeddings"))


def _notes(f: Fields) -> list[str]:
    extra = max(f.whole(n, default=0, low=0) for n in ("num_nextn_predict_layers", "mtp_num_hidden_layers"))
    notes = [f"without its {extra} multi-token-prediction layers"] if extra else []
    if f.text("model_type", default="") == "llama4_text":
        notes.append("attention in chunks counted as windows of their size")
    if any(f.has(cap) for cap in ("attn_logit_softcapping", "final_logit_softcapping")):
        notes.append("soft caps of logits not counted")
    return notes


def grouped(layers: list[Layer]) -> tuple[Layer, ...]:
    """Equal layers as one, counted, at the place of the first."""
    counts: dict[Layer, int] = {}
    for layer in layers:
        counts[layer] = counts.get(layer, 0) + layer.count
    return tuple(Layer(one.mixer, one.mlp, n, one.norms) for one, n in counts.items())
