"""From a Hugging Face checkpoint to the network that is lowered, its matrices quantized, or taken as they are stored.

All matrices and the head take the chip's coding; embedding and norms stay real numbers. What GPTQ, AWQ and others have
quantized already must be in that coding, or is rounded once more if asked for. Rows of queries and keys are
reordered: RoPE turns element i of a head with i + half there, neighbors here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..errors import Unsupported
from ..families.tensor.network import Layer, Network
from ..formats import layouts
from ..formats.blocks import Blocks, stacked
from ..formats.codec import Encoded
from ..formats.floats import DTYPES, Floats
from ..formats.hardware import Coding
from ..formats.parts import BASE, EMBEDDING, PARTS, VALUES
from ..formats.quantize import as_stored, quantize
from ..workload.readers.fields import Fields
from . import turned
from .checkpoint import Checkpoint
from .hf_shape import Shape, angles, context, neighbors, of_family, shape_of

Progress = Callable[[str, float], None]  # what, done share


def network(
    point: Checkpoint, coding: Coding | Mapping[str, Coding], progress: Progress | None = None,
    requantize: bool = False, turned_values: bool = False,
) -> Network:  # fmt: skip
    """The network of `point`, every matrix as `coding`, or as it says of its part (formats.parts); what the hardware
    cannot map is refused by name. `turned_values`: where they are real numbers (turned.py)."""
    codings = coding if isinstance(coding, Mapping) else dict.fromkeys(PARTS, coding)
    f = of_family(point)
    s = shape_of(f)
    found = [_found(point, s, i) for i in range(f.layers("num_hidden_layers"))]
    embedding, head = tables(point, f, s.dim)
    final_norm = point.vector("model.norm.weight", s.dim)
    point.check_left()
    if turned_values:
        found = [_values_turned(tensors, s.head_dim) for tensors in found]
    layers = []
    for i, tensors in enumerate(found):
        (progress or _nobody)("quantizing weights", i / len(found))
        layers.append(_layer(point, s, i, tensors, codings, requantize))
    base, divisors = angles(f, s.head_dim)
    return Network(
        name=point.name, dim=s.dim, heads=s.heads, kv_heads=s.kv_heads, head_dim=s.head_dim, ffn=s.ffn,
        vocabulary=embedding.n, context=context(f), epsilon=f.real("rms_norm_eps", default=1e-6), rope_base=base,
        layers=tuple(layers), embedding=embedding, final_norm=final_norm, rope_divisors=divisors,
        head=quantize(head, codings.get(EMBEDDING, codings[BASE]), f"{point.name}: the head"),
    ).checked()  # fmt: skip


def _nobody(what: str, share: float) -> None:
    """Progress that nobody watches."""


def stored(point: Checkpoint, name: str, size: tuple[int, int]) -> Encoded | Floats:
    """A matrix of real numbers, or as its quantization_config says."""
    f = point.config
    if not f.has("quantization_config"):
        return point.matrix(f"{name}.weight", *size)
    tensors = point.parts(name)
    point.taken |= {f"{name}.{part}" for part in tensors.found}
    return layouts.read(f.part("quantization_config").raw, tensors, size)


def _rounded_already(point: Checkpoint, name: str) -> bool:
    """Whether the matrix is stored as codes."""
    parts = point.parts(name).found if point.config.has("quantization_config") else {}
    return bool(parts) and ("weight" not in parts or parts["weight"].kind not in DTYPES)


def _found(point: Checkpoint, s: Shape, i: int) -> dict[str, Encoded | Floats]:
    """The matrices of a layer, as they are."""
    return {name: stored(point, f"model.layers.{i}.{name}", size) for name, size in s.matrices.items()} | {
        name: Floats("F32", point.vector(f"model.layers.{i}.{name}.weight", s.dim)[None])
        for name in ("input_layernorm", "post_attention_layernorm")
    }


def _values_turned(tensors: dict[str, Encoded | Floats], head_dim: int) -> dict[str, Encoded | Floats]:
    """The matrices of a layer, values turned; as they were where they are no real numbers."""
    how = {"self_attn.v_proj": turned.of_values, "self_attn.o_proj": turned.of_output}
    if any(isinstance(tensors[name], Encoded) for name in how):
        return tensors
    return tensors | {name: Floats("F32", of(tensors[name].dequantized(), head_dim)) for name, of in how.items()}


def _part(name: str) -> str:
    """Of formats.parts.

    >>> _part("self_attn.v_proj"), _part("mlp.up_proj")
    ('attn_v', 'ffn_in')
    """
    one = name.rpartition(".")[2].removesuffix("_proj")
    own = f"attn_{one}" if name.startswith("self_attn") else f"ffn_{one}"
    return next(part for part, held in PARTS.items() if own in held)


def _layer(
    point: Checkpoint, s: Shape, i: int, tensors: dict[str, Encoded | Floats], codings: Mapping[str, Coding],
    requantize: bool,
) -> Layer:  # fmt: skip
    def matrix(name: str) -> Blocks:
        coding = codings[_part(name)]
        w, own = tensors[name], f"model.layers.{i}.{name}"
        where = f"{point.name}: tensor '{own}.weight'"
        if isinstance(w, Encoded) and not requantize:
            return as_stored(w, coding, where)
        if not requantize and _rounded_already(point, own):
            raise Unsupported(
                f"{where} is stored with columns in act-order, or scales, that no format of the chip holds (take the "
                "model's BF16 folder, or --requantize)"
            )
        return quantize(w if isinstance(w, Floats) else Floats("F32", w.dequantized()), coding, where)

    def reordered(name: str) -> Blocks:
        return matrix(name).rows(neighbors(tensors[name].n, s.head_dim))

    queries_keys = stacked(reordered("self_attn.q_proj"), reordered("self_attn.k_proj"))
    values = matrix("self_attn.v_proj")
    apart = codings["attn_qk"] != codings[VALUES]
    return Layer(
        attention_norm=tensors["input_layernorm"].dequantized()[0],
        qkv=queries_keys if apart else stacked(queries_keys, values),
        values=values if apart else None,
        output=matrix("self_attn.o_proj"),
        ffn_norm=tensors["post_attention_layernorm"].dequantized()[0],
        gate_up=stacked(matrix("mlp.gate_proj"), matrix("mlp.up_proj")),
        down=matrix("mlp.down_proj"),
    )


def tables(point: Checkpoint, f: Fields, dim: int) -> tuple[Floats, Floats]:
    """Embedding and head, which may be one: a head that is stored beside a tied one is not looked at."""
    vocabulary = f.whole("vocab_size")
    embedding = point.matrix("model.embed_tokens.weight", vocabulary, dim)
    if f.flag("tie_word_embeddings"):
        point.taken.add("lm_head.weight")
        return embedding, embedding
    return embedding, point.matrix("lm_head.weight", vocabulary, dim)
