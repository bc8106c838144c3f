"""config.json of Hugging Face to `Model`. One function a family, listed in `FAMILIES`; others are refused by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ...errors import InputError, Unsupported
from ..gemms import tensor_classes
from ..model import Layer, Model
from .fields import NEEDED, Fields, parse_json, read_bytes
from .hf_dense import exaone4, gemma3_text, hyperclovax, llama, mistral, qwen2, qwen3
from .hf_hybrid import mamba2, nemotron_h, qwen3_next
from .hf_moe import deepseek_v3, gpt_oss, mixtral, qwen2_moe, qwen3_moe
from .quantization import published_formats

# model_type -> (its layers, whether head and embedding are tied where the file does not say)
FAMILIES: dict[str, tuple[Callable[[Fields], list[Layer]], bool]] = {
    "deepseek_v3": (deepseek_v3, False),
    "exaone4": (exaone4, False),
    "gemma3_text": (gemma3_text, True),
    "gpt_oss": (gpt_oss, False),
    "hyperclovax": (hyperclovax, False),
    "kimi_k2": (deepseek_v3, False),
    "llama": (llama, False),
    "mamba2": (mamba2, False),
    "mistral": (mistral, False),
    "mixtral": (mixtral, False),
    "nemotron_h": (nemotron_h, False),
    "qwen2": (qwen2, False),
    "qwen2_moe": (qwen2_moe, False),
    "qwen3": (qwen3, False),
    "qwen3_moe": (qwen3_moe, False),
    "qwen3_next": (qwen3_next, False),
}
# model_type of a model that also sees images -> the model_type of its text part, which is what is read
TEXT_PART = {"gemma3": "gemma3_text"}


def read(path: Path) -> Model:
    """The model of a config.json; named for the folder that holds it."""
    name = path.parent.name if path.name == "config.json" else path.name.removesuffix(".json")
    return parse(read_bytes(path), path.name, name or path.name)


def parse(data: bytes, where: str, name: str) -> Model:
    """The model in the bytes of a config.json."""
    return model(Fields(parse_json(data, where), where), name)


def model(fields: Fields, name: str) -> Model:
    family = fields.text("model_type")
    note = ""
    if family in TEXT_PART:
        family, note = TEXT_PART[family], "text part only"
        formats_of, fields = fields, fields.part("text_config")
    else:
        formats_of = fields
    if family not in FAMILIES:
        raise Unsupported(
            f"{fields.where}: model_type = {family!r} is not modelled (known: {', '.join(sorted(FAMILIES))})"
        )
    layers, tied = FAMILIES[family]
    weights, formats = published_formats(formats_of)
    try:
        made = Model(
            name=name,
            family=family,
            hidden=fields.whole("hidden_size", default=_default(family, "hidden_size")),
            vocabulary=fields.whole("vocab_size", default=_default(family, "vocab_size")),
            layers=grouped(layers(fields)),
            tied=fields.flag("tie_word_embeddings", tied),
            max_context=_max_context(fields, family),
            weights=weights,
            source=fields.where,
            note=note or _note(fields),
        )
        return replace(made, formats={name: fmt for name, fmt in formats.items() if name in tensor_classes(made)})
    except InputError as error:
        if str(error).startswith(fields.where):
            raise
        raise type(error)(f"{fields.where}: {error}") from None


# Fields that published files leave to the defaults of transformers' Gemma3TextConfig.
_DEFAULTS = {"gemma3_text": {"hidden_size": 2304, "vocab_size": 262208, "max_position_embeddings": 131072}}


def _default(family: str, name: str) -> object:
    return _DEFAULTS.get(family, {}).get(name, NEEDED)


def _max_context(fields: Fields, family: str) -> int:
    if family == "mamba2":
        return fields.whole("max_position_embeddings", default=2**20)  # a state, no positions: no limit
    return fields.whole("max_position_embeddings", default=_default(family, "max_position_embeddings"))


def _note(fields: Fields) -> str:
    extra = fields.whole("num_nextn_predict_layers", default=0, low=0)
    return f"without its {extra} multi-token-prediction layers" if extra else ""


def grouped(layers: list[Layer]) -> tuple[Layer, ...]:
    """Equal layers as one, counted, at the place of the first."""
    counts: dict[Layer, int] = {}
    for layer in layers:
        counts[layer] = counts.get(layer, 0) + layer.count
    return tuple(Layer(one.mixer, one.mlp, n, one.norms) for one, n in counts.items())
