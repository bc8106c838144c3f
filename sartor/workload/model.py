"""A language model as its shapes: what the readers make and the operators are derived from."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Literal

from ..errors import InputError

MAY_BE_ZERO = ("norms", "learned_positions")


def _check_sizes(part: Any) -> None:
    """Every whole number of `part` counts something."""
    for one in fields(part):
        value, least = getattr(part, one.name), 0 if one.name in MAY_BE_ZERO else 1
        if isinstance(value, int) and not isinstance(value, bool) and value < least:
            raise InputError(f"{type(part).__name__}: {one.name} = {value} must be at least {least}")


@dataclass(frozen=True)
class GroupedAttention:
    """MHA, MQA and GQA, with or without a sliding window, biases and norms on queries and keys."""

    heads: int
    kv_heads: int
    head_dim: int
    window: int | None = None
    qkv_bias: bool = False
    out_bias: bool = False
    qk_norm: bool = False  # one weight a head dimension, for queries and for keys
    wide_norm: bool = False  # of these norms, one weight for each element of all heads (MiniMax-M2)
    sinks: bool = False  # one learned logit a head (gpt-oss)
    gated: bool = False  # an output gate as wide as the queries (Qwen3-Next)
    rope: bool = True

    def __post_init__(self) -> None:
        _check_sizes(self)
        if self.heads % self.kv_heads:
            raise InputError(
                f"GroupedAttention: kv_heads = {self.kv_heads} does not divide heads = {self.heads}"
            )


@dataclass(frozen=True)
class Indexer:
    """DeepSeek Sparse Attention (DeepSeek-V3.2, GLM-5): small heads score every token, the `top` of them are attended
    to. It caches a key of `head_dim` a token."""

    heads: int
    head_dim: int
    top: int
    own: bool = True  # False: takes what a layer before has chosen (GLM-5.2)

    def __post_init__(self) -> None:
        _check_sizes(self)


@dataclass(frozen=True)
class LatentAttention:
    """MLA (DeepSeek-V2, arXiv 2405.04434): all it caches a token is a latent of `kv_rank` + `rope_dim`."""

    heads: int
    q_rank: int | None  # None: queries straight from the hidden state
    kv_rank: int
    nope_dim: int
    rope_dim: int
    value_dim: int
    index: Indexer | None = None  # what chooses the tokens that are attended to; None: all are

    def __post_init__(self) -> None:
        _check_sizes(self)
        if self.index and self.q_rank is None:
            raise InputError("LatentAttention: an index takes the queries' latent, so it needs q_rank")


@dataclass(frozen=True)
class StateSpace:
    """Mamba-2 (arXiv 2405.21060): `heads` x `head_dim` inner channels, `groups` x `state` B and C."""

    heads: int
    head_dim: int
    groups: int
    state: int
    conv: int
    conv_bias: bool = True

    def __post_init__(self) -> None:
        _check_sizes(self)


@dataclass(frozen=True)
class LinearAttention:
    """Gated DeltaNet (arXiv 2412.06464) as in Qwen3-Next."""

    key_heads: int
    value_heads: int
    key_dim: int
    value_dim: int
    conv: int

    def __post_init__(self) -> None:
        _check_sizes(self)


@dataclass(frozen=True)
class FeedForward:
    """Gated (SwiGLU, GeGLU) or plain two-matrix MLP."""

    width: int
    gated: bool = True
    bias: bool = False

    def __post_init__(self) -> None:
        _check_sizes(self)


@dataclass(frozen=True)
class Experts:
    """A mixture of experts: `active` of `experts` a token, and `shared` ones that every token passes."""

    experts: int
    active: int
    width: int
    gated: bool = True
    bias: bool = False  # on the experts' matrices
    router_bias: bool = False
    shared: FeedForward | None = None
    latent: int | None = None  # the routed experts work in a space of this size (Nemotron 3)
    shared_gate: bool = False  # a sigmoid gate on the shared expert (Qwen2-MoE, Qwen3-Next)

    def __post_init__(self) -> None:
        _check_sizes(self)
        if self.active > self.experts:
            raise InputError(f"Experts: active = {self.active} is more than experts = {self.experts}")


Mixer = GroupedAttention | LatentAttention | StateSpace | LinearAttention
Mlp = FeedForward | Experts


@dataclass(frozen=True)
class Layer:
    """A mixer, an MLP, or both, `count` times; `norms` norm vectors of the hidden size each."""

    mixer: Mixer | None
    mlp: Mlp | None
    count: int
    norms: int = 2

    def __post_init__(self) -> None:
        _check_sizes(self)


@dataclass(frozen=True)
class Model:
    """Shapes of a decoder-only language model. Equal layers are one entry; their order is not kept."""

    name: str
    family: str  # as the config's model_type
    hidden: int
    vocabulary: int
    layers: tuple[Layer, ...]
    tied: bool  # the head uses the embedding's weights
    max_context: int
    head_bias: bool = False
    learned_positions: int = 0
    weights: str = "bf16"  # the format its published weights are in
    formats: dict[str, str] = field(default_factory=dict)  # tensor class -> format, where it differs
    source: str = ""
    kind: Literal["seen", "derived", "recalled"] = "seen"
    note: str = ""

    def __post_init__(self) -> None:
        _check_sizes(self)
        if not self.layers:
            raise InputError(f"Model {self.name!r} has no layers")
